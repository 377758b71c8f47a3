#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>

namespace segx {

namespace detail {

template <class T>
concept of_floats = std::floating_point<typename T::value_type>;

template <class T>
consteval void expect_masks() {
  static_assert(!of_floats<T>,
                "metrics take masks of 8 bits, losses take logits: make masks with threshold_logits, "
                "threshold_probabilities or argmax first");
}

}  // namespace detail

/// The mask of one class in one image [H,W]: 8-bit pixels that somebody else owns, and which of their values are
/// inside. All metrics take it; tensors of floats do not become one.
class mask_view {
 public:
  /// Inside where not 0, as in masks of 0 and 1 or of 0 and 255. The rows lie next to each other.
  mask_view(const std::uint8_t* pixels, int height, int width) : pixels_(pixels), height_(height), width_(width) {}
  mask_view(const xt::xtensor<std::uint8_t, 2>& mask)
      : mask_view(mask.data(), static_cast<int>(mask.shape()[0]), static_cast<int>(mask.shape()[1])) {}

  template <detail::of_floats Logits>
  mask_view(const Logits& /*logits*/) {
    detail::expect_masks<Logits>();
  }

  /// Of a map of class indices: inside where the index is k ∈ [0,256). Class 0 is the background.
  mask_view of_class(int k) const { return changed(0xff, k, true); }

  /// Of a map in which bit k ∈ [0,8) is set where class k is.
  mask_view of_bit(int k) const { return changed(1 << k, 0, false); }

  int height() const { return height_; }
  int width() const { return width_; }
  std::size_t size() const { return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_); }
  std::span<const std::uint8_t> pixels() const { return {pixels_, size()}; }

  /// Pixel i, in the order of rows, is inside.
  bool operator[](std::size_t i) const { return ((pixels_[i] & bits_) == value_) == equal_; }

 private:
  mask_view changed(int bits, int value, bool equal) const {
    mask_view changed = *this;
    changed.bits_ = static_cast<std::uint8_t>(bits);
    changed.value_ = static_cast<std::uint8_t>(value);
    changed.equal_ = equal;
    return changed;
  }

  const std::uint8_t* pixels_ = nullptr;
  int height_ = 0;
  int width_ = 0;
  std::uint8_t bits_ = 0xff;  // a pixel is inside where (pixel & bits == value) == equal
  std::uint8_t value_ = 0;
  bool equal_ = false;
};

/// Masks of a batch [N,K,H,W], inside where not 0: a plane for each class, or one plane that is a map.
class masks_view {
 public:
  masks_view(const xt::xtensor<std::uint8_t, 4>& masks) : masks_(&masks) {}

  template <detail::of_floats Logits>
  masks_view(const Logits& /*logits*/) {
    detail::expect_masks<Logits>();
  }

  int images() const { return static_cast<int>(masks_->shape()[0]); }
  int planes() const { return static_cast<int>(masks_->shape()[1]); }

  mask_view plane(int n, int k) const {
    const int height = static_cast<int>(masks_->shape()[2]);
    const int width = static_cast<int>(masks_->shape()[3]);
    const auto index = static_cast<std::size_t>(n) * masks_->shape()[1] + static_cast<std::size_t>(k);
    const mask_view first{masks_->data(), height, width};
    return {masks_->data() + index * first.size(), height, width};
  }

 private:
  const xt::xtensor<std::uint8_t, 4>* masks_ = nullptr;
};

namespace detail {

/// Throws unless both masks have the same height and width.
inline void expect_same_size(const mask_view& predicted, const mask_view& truth) {
  if (predicted.height() == truth.height() && predicted.width() == truth.width()) { return; }
  const auto text = [](const mask_view& m) { return joined({m.height(), "×", m.width()}); };
  fail({"metrics: the prediction has ", text(predicted), " pixels, but the truth has ", text(truth),
        "; compare masks of equal size"});
}

}  // namespace detail
}  // namespace segx
