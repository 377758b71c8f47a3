#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <segx/core/view.hpp>
#include <segx/runtime/buffer.hpp>
#include <segx/runtime/program.hpp>

namespace segx {

/// The memory that a program runs in, for up to `max_batch` images: an arena for each, one behind the other, then the
/// scratch memory of each thread; and packed weights. A backend with memory of its own has a specialisation.
template <class Backend>
class arena {
 public:
  using scalar = typename Backend::scalar;

  arena(Backend&, const program<Backend>& what, int max_batch, int threads)
      : image_{what.image},
        scratch_{what.scratch},
        kept_{what.why == purpose::training ? what.kept : std::span<const std::int64_t>{}},
        packed_places_{what.packed_weights},
        images_{max_batch * what.image},
        values_(static_cast<std::size_t>(images_ + threads * what.scratch)),
        packed_(static_cast<std::size_t>(what.packed)) {}

  std::size_t bytes() const { return (values_.size() + packed_.size()) * sizeof(scalar); }

  /// The tensor at a place of the plan.
  view<scalar> at(std::int64_t place, shape extent, int batch) const {
    return {values_.data() + place, batch, image_, extent};
  }
  /// What node i keeps of an image, and its packed weights.
  kept_memory<scalar> kept(int i) const {
    return kept_.empty() ? kept_memory<scalar>{} : kept_memory<scalar>{values_.data() + kept_[i], image_};
  }
  scalar* packed(int i) const { return packed_.data() + packed_places_[i]; }
  scratch_memory<scalar> scratch() const { return {values_.data() + images_, scratch_}; }

 private:
  std::int64_t image_, scratch_;
  std::span<const std::int64_t> kept_, packed_places_;
  std::int64_t images_;  // floats of all images
  buffer<scalar> values_;
  buffer<scalar> packed_;
};

/// An array of the user's as the kernels of a backend read it: here, a copy. A backend with memory of its own has a
/// specialisation.
template <class Backend>
class resident {
 public:
  using scalar = typename Backend::scalar;

  void assign(Backend&, std::span<const scalar> values) { values_.assign(values.begin(), values.end()); }
  void clear() { std::vector<scalar>{}.swap(values_); }
  std::span<const scalar> span() const { return values_; }

 private:
  std::vector<scalar> values_;
};

/// True if kernels read the user's arrays where they are.
template <class Backend>
inline constexpr bool shares_memory = true;

}  // namespace segx
