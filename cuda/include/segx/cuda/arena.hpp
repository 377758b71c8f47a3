#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/cuda/backend.hpp>
#include <segx/cuda/training_kernels.hpp>
#include <segx/runtime/arena.hpp>
#include <segx/runtime/program.hpp>

namespace segx {

namespace gpu {

/// A piece of the one allocation of a session.
struct region {
  std::int64_t place = 0;  // bytes from its start
  std::int64_t bytes = 0;
};

/// All that a session keeps on the GPU, planned before anything is allocated. A batch of N images takes N times the
/// plan of one, tensor by tensor: the tensor at place p of an image's arena is the dense batch at place N · p.
struct session_memory {
  region values;                            // activations, and in training their gradients
  region kept;                              // float32, from forward to backward passes
  region scratch;                           // gradients of the weights of one layer, as stored
  region packed;                            // weights as stored
  region kernels;                           // see cuda::kernel_memory
  region images, targets, logits, dlogits;  // batches of the user's, float32; images and targets twice
  region step;   // of a training: step_memory, what the loss sums up, and the optimizer's groups
  region state;  // of a training: weights, gradients, the optimizer's moments, and the moving average
  std::int64_t bytes = 0;

  std::int64_t weights = 0;  // values
  cuda::kernel_memory for_kernels;
  std::int64_t loss_place = 0, groups_place = 0;  // bytes, in `step`
  std::vector<std::int64_t> kept_of_image;        // place of what each node keeps, in floats

  /// Arrays in `state`, by their order.
  enum array { weights_now, gradients, first_moment, second_moment, average, array_count };
};

/// The plan for batches of up to `batch` images.
inline session_memory plan_session_memory(const program<cuda>& what, number stored, int batch) {
  const bool trains = what.why == purpose::training;
  const std::int64_t size = bytes_of(stored);
  session_memory m;
  m.weights = what.weights;
  const auto add = [&m](region& r, std::int64_t bytes) {
    r = {m.bytes, aligned_bytes(bytes)};
    m.bytes += r.bytes;
  };
  std::int64_t kept = 0;
  int channels = 1;
  std::int64_t operands = 0;  // values of the largest convolution's input and result
  for (const auto& node : what.nodes) {
    if (node.needs.packed > 0) {
      operands = std::max(operands, what.nodes[node.inputs[0]].output.size() + node.output.size());
    }
    m.kept_of_image.push_back(kept);
    kept += trains ? segx::detail::aligned(node.needs.kept) : 0;
    channels = std::max(channels, node.output.channels);
  }
  m.for_kernels = cuda::memory_for(batch, channels, size * batch * operands);
  add(m.state, trains ? 4 * session_memory::array_count * what.weights : 0);
  add(m.values, size * batch * what.image);
  add(m.kept, 4 * batch * kept);
  add(m.scratch, size * what.scratch);
  add(m.packed, size * what.packed);
  add(m.kernels, m.for_kernels.all());
  if (trains) {
    m.loss_place = 256;
    m.groups_place = m.loss_place + 8 * doubles_of_loss(batch, what.output().channels);
    const std::int64_t most_groups = 4 * static_cast<std::int64_t>(what.nodes.size());  // arrays of weights
    add(m.step, m.groups_place + most_groups * static_cast<std::int64_t>(sizeof(group_step)));
    static_assert(sizeof(step_memory) <= 256);
  }
  const std::int64_t of_input = 4 * batch * what.input().size(), of_output = 4 * batch * what.output().size();
  add(m.images, (trains ? 2 : 1) * of_input);
  add(m.targets, trains ? 2 * of_output : 0);
  add(m.logits, of_output);
  add(m.dlogits, trains ? of_output : 0);
  return m;
}

/// The most images whose tensors have fewer than 2³¹ values: neither cuDNN nor segx's kernels count further.
inline int most_images(const program<cuda>& what) {
  std::int64_t largest = 1;
  for (const auto& node : what.nodes) { largest = std::max(largest, node.output.size()); }
  return static_cast<int>(std::numeric_limits<std::int32_t>::max() / largest);
}

/// The most images, up to `most`, whose plan takes no more than so many bytes; 0: not even one.
inline int batch_that_fits(const program<cuda>& what, number stored, int most, std::int64_t bytes) {
  int fits = 0;
  for (int beyond = std::min(most, most_images(what)) + 1; beyond - fits > 1;) {
    const int middle = fits + (beyond - fits) / 2;
    (plan_session_memory(what, stored, middle).bytes <= bytes ? fits : beyond) = middle;
  }
  return fits;
}

inline std::string gigabytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

/// Bytes that a session leaves free for what CUDA and cuDNN load when they first run.
inline constexpr std::int64_t left_to_libraries = std::int64_t{512} << 20U;

/// Why a session does not fit, and which batch would; empty if it does.
inline std::string lack_of_memory(const program<cuda>& what, number stored, int batch, std::int64_t bytes_free) {
  const bool is_counted = batch <= most_images(what);
  const std::int64_t needed = plan_session_memory(what, stored, batch).bytes;
  if (is_counted && needed <= bytes_free) { return ""; }
  const int fits = batch_that_fits(what, stored, batch, bytes_free);
  const shape in = what.input();
  return joined(
      {"a batch of ", batch, " images of ", in.height, "x", in.width,
       is_counted ? joined({" needs ", gigabytes(needed), " on the GPU, ", gigabytes(bytes_free),
                            " are free beside what CUDA and cuDNN load; "})
                  : " makes a tensor of 2147483648 values or more, which cuDNN does not take; ",
       fits > 0 ? joined({"a batch of ", fits, " would fit"}) : "not even one image fits: take smaller ones"});
}

}  // namespace gpu

/// The memory of a session on the GPU: one allocation.
template <>
class arena<cuda> {
 public:
  using scalar = float;

  /// Throws `error` before anything is allocated, if there is not enough.
  arena(cuda& on, const program<cuda>& what, int max_batch, int)
      : size_{gpu::bytes_of(on.stored)},
        max_batch_{max_batch},
        packed_places_{what.packed_weights},
        trains_{what.why == purpose::training},
        plan_{checked(on, what, max_batch)},
        data_{static_cast<char*>(gpu::allocate(plan_.bytes))} {
    on.work_in(data_.get() + plan_.kernels.place, plan_.for_kernels);
    on.stage_in(at(plan_.images), std::max(plan_.images.bytes, plan_.logits.bytes) / 4);
  }

  const gpu::session_memory& plan() const { return plan_; }
  std::size_t bytes() const { return static_cast<std::size_t>(plan_.bytes); }

  view<scalar> at(std::int64_t place, shape extent, int batch) const {
    return {floats(plan_.values, size_ * max_batch_ * place), batch, extent.size(), extent};
  }
  kept_memory<scalar> kept(int i) const {
    if (!trains_) { return {}; }
    const std::int64_t place = plan_.kept_of_image[static_cast<std::size_t>(i)];
    const std::int64_t stride =
        (i + 1 < static_cast<int>(plan_.kept_of_image.size()) ? plan_.kept_of_image[static_cast<std::size_t>(i) + 1]
                                                              : plan_.kept.bytes / 4 / max_batch_) -
        place;
    return {floats(plan_.kept, 4 * max_batch_ * place), stride};
  }
  scalar* packed(int i) const { return floats(plan_.packed, size_ * packed_places_[static_cast<std::size_t>(i)]); }
  scratch_memory<scalar> scratch() const { return {floats(plan_.scratch, 0), 0}; }

  /// An array of the training's state.
  std::span<float> state(gpu::session_memory::array which) const {
    return {floats(plan_.state, 4 * plan_.weights * which), static_cast<std::size_t>(plan_.weights)};
  }
  /// Batches of the user's: of the two that are there for images and targets, the first or the second.
  float* images(int which) const { return floats(plan_.images, which * plan_.images.bytes / 2); }
  float* targets(int which) const { return floats(plan_.targets, which * plan_.targets.bytes / 2); }
  gpu::step_memory& step() const { return *reinterpret_cast<gpu::step_memory*>(data_.get() + plan_.step.place); }
  double* loss_sums() const { return reinterpret_cast<double*>(data_.get() + plan_.step.place + plan_.loss_place); }
  group_step* groups() const {
    return reinterpret_cast<group_step*>(data_.get() + plan_.step.place + plan_.groups_place);
  }
  float* logits() const { return floats(plan_.logits, 0); }
  float* dlogits() const { return floats(plan_.dlogits, 0); }

 private:
  static gpu::session_memory checked(const cuda& on, const program<cuda>& what, int max_batch) {
    const std::int64_t available = gpu::free_memory() - gpu::left_to_libraries;
    if (const std::string why = gpu::lack_of_memory(what, on.stored, max_batch, available); !why.empty()) { fail(why); }
    return gpu::plan_session_memory(what, on.stored, max_batch);
  }
  char* at(const gpu::region& r) const { return data_.get() + r.place; }
  float* floats(const gpu::region& r, std::int64_t bytes) const {
    return reinterpret_cast<float*>(data_.get() + r.place + bytes);
  }

  std::int64_t size_;
  int max_batch_;
  std::span<const std::int64_t> packed_places_;
  bool trains_;
  gpu::session_memory plan_;
  struct release {
    void operator()(char* memory) const { gpu::release(memory); }
  };
  std::unique_ptr<char, release> data_;
};

/// Weights on the GPU.
template <>
class resident<cuda> {
 public:
  resident() = default;
  ~resident() { gpu::release(data_); }
  resident(resident&& other) noexcept { swap(other); }
  resident& operator=(resident&& other) noexcept {
    swap(other);
    return *this;
  }

  void assign(cuda& on, std::span<const float> values) {
    const auto bytes = static_cast<std::int64_t>(values.size_bytes());
    if (values.size() != size_) {
      clear();
      data_ = static_cast<float*>(gpu::allocate(bytes));
      size_ = values.size();
    }
    on.in.copy_to_device(data_, values.data(), bytes);
    on.in.wait();
  }
  void clear() {
    gpu::release(data_);
    data_ = nullptr;
    size_ = 0;
  }
  std::span<const float> span() const { return {data_, size_}; }

 private:
  void swap(resident& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  float* data_ = nullptr;
  std::size_t size_ = 0;
};

template <>
inline constexpr bool shares_memory<cuda> = false;

}  // namespace segx
