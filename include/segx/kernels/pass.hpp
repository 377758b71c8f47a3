#pragma once

#include <array>
#include <cstdint>

#include <segx/core/epilogue.hpp>
#include <segx/core/view.hpp>

namespace segx {

/// Memory that belongs to one thread while a kernel runs.
template <class T>
struct scratch_memory {
  T* data = nullptr;
  std::int64_t stride = 0;  // values from one thread's memory to the next one's

  T* of(int thread) const { return data + thread * stride; }
};

/// Memory of each image, from the forward to the backward pass of its layer.
template <class T>
struct kept_memory {
  T* data = nullptr;
  std::int64_t stride = 0;  // values from one image's memory to the next one's

  T* of(int image) const { return data + image * stride; }
  explicit operator bool() const { return data != nullptr; }
};

/// Everything that the forward kernel of a layer reads and writes.
template <class T>
struct forward_pass {
  std::array<view<const T>, 2> x{};      // inputs; where a layer `takes_addend`, the second is added as `then` says
  view<T> y{};                           // result, to be written whole
  std::array<const T*, 4> parameters{};  // learnables, in the order of the layer's `parameters`, PyTorch's layout
  const T* packed = nullptr;             // what `pack` made of them
  scratch_memory<T> scratch{};
  epilogue then{};                // to be applied to y
  std::uint32_t seed = 0;         // of the dropout in `then`
  kept_memory<T> kept{};          // for the backward pass; only in training
  bool batch_statistics = false;  // normalise by the statistics of this batch, not by running ones
};

/// Everything that the backward kernel of a layer reads and writes. dx and dparameters are gradients of the loss.
template <class T>
struct backward_pass {
  std::array<view<const T>, 2> x{};
  view<const T> y{};            // the forward result, where the layer asked for it
  view<T> dy{};                 // with respect to the value before the epilogue (but see `then`); may be overwritten
  std::array<view<T>, 2> dx{};  // no data: not wanted
  std::array<bool, 2> adds{};   // dx already holds the gradient of another reader: add to it
  std::array<const T*, 4> parameters{};
  std::array<T*, 4> dparameters{};  // to be added to
  const T* packed = nullptr;
  scratch_memory<T> scratch{};
  kept_memory<T> kept{};
  bool batch_statistics = false;
  /// Above 0, where the layer `gates`: x[0] is the result of a ReLU and of a dropout that scales by this, and dx[0] is
  /// to be the gradient in front of them.
  float relu_scale = 0;
  /// Where the layer `slopes`: the epilogue that made y, and dy is with respect to the value behind it.
  epilogue then{};
  std::uint32_t seed = 0;  // of the dropout in `then`
};

/// A layer's weights, to be brought into the form that a backend's kernels read.
template <class T>
struct packing {
  shape x, y;  // of input and result
  std::array<const T*, 4> parameters{};
  T* packed = nullptr;           // for the forward kernel; none: not wanted now
  T* packed_backward = nullptr;  // for the backward kernel; none: not wanted now
};

}  // namespace segx
