#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <segx/core/epilogue.hpp>
#include <segx/kernels/cpu/activation.hpp>
#include <segx/kernels/cpu/cpu_backend.hpp>
#include <segx/kernels/cpu/highway.hpp>
#include <segx/kernels/elementwise.hpp>

/// Everything vectorised lives in this namespace, which is named after the instruction set that the file is compiled
/// for: files of one program that are compiled for different ones do not mix.
namespace segx::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// As people call it. Highway's name stands behind "N_"; AVX-512 is AVX3 there, or AVX3_DL with more of it.
inline constexpr const char* instruction_set = [](const char* name) {
  return std::string_view{name}.starts_with("AVX3") ? "AVX-512" : name;
}(&HWY_STR(HWY_NAMESPACE)[2]);

/// Vectors of at most one block of channels; a block is `slices` of them.
using tag = hn::CappedTag<float, channel_block>;
using vec = hn::Vec<tag>;
inline constexpr int lanes = HWY_LANES(float) < channel_block ? HWY_LANES(float) : channel_block;
inline constexpr int slices = channel_block / lanes;

HWY_INLINE vec load(const float* from) { return hn::LoadU(tag{}, from); }
HWY_INLINE void store(vec v, float* to) { hn::StoreU(v, tag{}, to); }
HWY_INLINE vec all(float value) { return hn::Set(tag{}, value); }
HWY_INLINE vec zero() { return hn::Zero(tag{}); }

/// The first value of channel c of an image, in blocks of channels.
HWY_INLINE std::int64_t channel_offset(shape s, int c) {
  return c / channel_block * s.plane() * channel_block + c % channel_block;
}

/// Blocks that so many channels fill, the last perhaps in part.
constexpr int blocks_of(int channels) { return (channels + channel_block - 1) / channel_block; }

struct store_slice {
  HWY_INLINE void operator()(vec v, int, float* to) const { store(v, to); }
};

/// The channels of one pixel that a vector takes; `block_distance` floats lie between blocks of channels.
template <class D>
HWY_INLINE hn::Vec<D> load_pixel(D d, const float* pixel, [[maybe_unused]] std::int64_t block_distance) {
  if constexpr (hn::MaxLanes(D{}) > channel_block) {
    const hn::Half<D> half;
    // Combine and UpperHalf are found by their arguments: Highway's scalar target, which has no such vectors, lacks
    // them.
    return Combine(d, hn::LoadU(half, pixel + block_distance), hn::LoadU(half, pixel));
  } else {
    return hn::LoadU(d, pixel);
  }
}

/// Calls store(slice, of, where) for the blocks of one vector of channels of a pixel; slice `of` begins `of` channels
/// on.
template <class D, class Store>
HWY_INLINE void split_pixel([[maybe_unused]] D d, hn::Vec<D> v, float* pixel,
                            [[maybe_unused]] std::int64_t block_distance, Store&& store_slice) {
  if constexpr (hn::MaxLanes(D{}) > channel_block) {
    const hn::Half<D> half;
    store_slice(hn::LowerHalf(half, v), 0, pixel);
    store_slice(UpperHalf(half, v), channel_block, pixel + block_distance);
  } else {
    store_slice(v, 0, pixel);
  }
}

/// Writes a gradient, or adds it to what is there.
HWY_INLINE void put_gradient(bool adds, vec value, float* to) { store(adds ? hn::Add(load(to), value) : value, to); }

/// The gradient in front of a ReLU, and of a dropout that scales by `scale`, from that behind them and their result.
HWY_INLINE vec in_front_of_relu(vec result, vec gradient, float scale) {
  return hn::IfThenElseZero(hn::Gt(result, zero()), hn::Mul(gradient, all(scale)));
}

/// Asks for the cache lines of `Pixels` pixels in a row which a vector of channels will be stored to: another core's
/// cache may hold them, which stores alone find out one after the other.
template <int Pixels, class D>
HWY_INLINE void ask_to_write(D, const float* pixel, std::int64_t block_distance) {
  constexpr int pixels_of_line = 64 / (channel_block * static_cast<int>(sizeof(float)));
  constexpr int blocks = hn::MaxLanes(D{}) > channel_block ? 2 : 1;
#pragma GCC unroll 16
  for (int p = 0; p < Pixels * blocks; p += pixels_of_line) {
    __builtin_prefetch(pixel + p % Pixels * channel_block + p / Pixels * block_distance, 1);
  }
}

/// An epilogue as vector code. Dropout draws by the place of an element in [N,C,H,W]; `lane_distance` is how far the
/// places of two neighbouring lanes are apart: the size of a plane, as lanes are channels.
class vector_epilogue {
 public:
  vector_epilogue(const epilogue& then, std::uint32_t seed, std::int64_t lane_distance)
      : act_{then.act},
        slope_{then.slope},
        drops_{then.dropout > 0},
        scale_{1 / (1 - then.dropout)},
        threshold_{dropout_threshold(then.dropout)},
        seed_{seed},
        lane_distance_{static_cast<std::uint32_t>(then.whole_image ? 0 : lane_distance)} {}

  /// True if it is min(ceiling(), max(floor(), v)), and then perhaps dropout.
  bool is_clamp() const { return act_ == activation::none || act_ == activation::relu || act_ == activation::relu6; }
  bool drops() const { return drops_; }
  float floor() const {
    return act_ == activation::relu || act_ == activation::relu6 ? 0 : -std::numeric_limits<float>::infinity();
  }
  float ceiling() const { return act_ == activation::relu6 ? 6 : std::numeric_limits<float>::infinity(); }

  /// `index`: place of the element in the first lane.
  HWY_INLINE vec operator()(vec v, std::uint32_t index) const {
    if (act_ == activation::relu) {
      v = at_least(zero(), v);
    } else if (act_ != activation::none) {
      v = activated(tag{}, act_, slope_, v);
    }
    return drops_ ? dropped(tag{}, v, index) : v;
  }

  /// What is left to do behind the clamp, for `count` slices of pixels in memory, `step` pixels apart; `index` is the
  /// place of the first lane of the first.
  void finish(float* values, int count, int step, std::uint32_t index) const {
    activate_pixels(values, count, step);
    drop(values, count, step * channel_block, index, step);
  }

  /// The activation of `count` slices of pixels, `step` blocks of channels apart, unless the clamp was all of it.
  void activate_pixels(float* values, int count, int step) const {
    if (is_clamp()) { return; }
    constexpr hn::CappedTag<float, 2 * channel_block> two_pixels;
    if constexpr (hn::MaxLanes(two_pixels) == 2 * channel_block) {
      if (step == 1) {
        activate(two_pixels, act_, slope_, values, count / 2, 2 * channel_block);
        values += count / 2 * 2 * channel_block;
        count %= 2;
      }
    }
    activate(tag{}, act_, slope_, values, count, step * channel_block);
  }

  /// Dropout of `count` slices of pixels, `distance` floats apart, where it is wanted: every `step`th pixel, from that
  /// on whose first lane has the place `index`.
  void drop(float* values, int count, int distance, std::uint32_t index, int step) const {
    if (!drops_) { return; }
    for (int i = 0; i < count; ++i, values += distance, index += static_cast<std::uint32_t>(step)) {
      store(dropped(tag{}, load(values), index), values);
    }
  }

  /// Dropout alone.
  template <class D>
  HWY_INLINE hn::Vec<D> dropped(D d, hn::Vec<D> v, std::uint32_t index) const {
    return hn::IfThenElseZero(survivors(d, index), hn::Mul(v, hn::Set(d, scale_)));
  }

  /// The gradient in front of the epilogue, from the gradient dy behind it and its result (or its input, where
  /// `slope_follows_from_result` says no).
  HWY_INLINE vec backward(vec known, vec dy, std::uint32_t index) const {
    if (act_ == activation::relu) { return in_front_of_relu(known, dy, scale_); }  // dropped: 0, too
    if (drops_) { dy = hn::Mul(dy, all(scale_)); }
    if (act_ != activation::none) {
      if (drops_ && slope_follows_from_result(act_)) {
        const float most = largest_result(act_);  // which rounding must not hide
        known = hn::IfThenElse(hn::Ge(known, all(most * scale_)), all(most), hn::Mul(known, all(1 / scale_)));
      }
      dy = hn::Mul(dy, slope_of(tag{}, act_, slope_, known));
    }
    return drops_ ? hn::IfThenElseZero(survivors(tag{}, index), dy) : dy;
  }

 private:
  template <class D>
  HWY_INLINE hn::Mask<D> survivors(D d, std::uint32_t index) const {
    const hn::RebindToUnsigned<D> du;
    auto h = hn::Add(hn::Set(du, index), hn::Mul(hn::Iota(du, 0), hn::Set(du, lane_distance_)));
    h = hn::Xor(h, hn::Set(du, seed_));
    h = hn::Mul(hn::Xor(h, hn::ShiftRight<16>(h)), hn::Set(du, 0x7feb352dU));
    h = hn::Mul(hn::Xor(h, hn::ShiftRight<15>(h)), hn::Set(du, 0x846ca68bU));
    h = hn::Xor(h, hn::ShiftRight<16>(h));
    return hn::RebindMask(d, hn::Not(hn::Lt(h, hn::Set(du, threshold_))));
  }

  activation act_;
  float slope_;
  bool drops_;
  float scale_;
  std::uint32_t threshold_;
  std::uint32_t seed_;
  std::uint32_t lane_distance_;
};

}  // namespace segx::simd::HWY_NAMESPACE

namespace segx::simd {
using namespace HWY_NAMESPACE;
}
