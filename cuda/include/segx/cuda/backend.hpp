#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/core/layout.hpp>
#include <segx/cuda/convolution.hpp>
#include <segx/cuda/driver.hpp>
#include <segx/cuda/kernels.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/elementwise.hpp>
#include <segx/kernels/group_norm2d.hpp>
#include <segx/kernels/max_pool2d.hpp>
#include <segx/kernels/pass.hpp>
#include <segx/kernels/precision.hpp>

namespace segx {

/// A CUDA GPU. Tensors lie as [N,H,W,C], dense, which is what the tensor cores want; the user's arrays stay [N,C,H,W].
/// Work is given to a stream, the host does not wait for it.
///
/// The `view`s and pointers of passes are addresses of the GPU. Activations and packed weights lie there as `stored`
/// says, so `view<float>` gives no more than their place, and strides count numbers, not bytes.
struct cuda : backend_base {
  using scalar = float;
  static constexpr layout memory{.channels_last = true};

  /// Throws one sentence if there is no GPU that can be used.
  explicit cuda(precision wanted = precision::automatic, bool is_deterministic = true)
      : numbers{wanted == precision::automatic ? precision::bf16 : wanted},
        stored{stored_for(numbers)},
        convolve{(gpu::device(), in), numbers, is_deterministic} {
    queue_.in = &in;
    queue_.stored = stored;
  }
  ~cuda() {
    gpu::release(own_memory_);
    gpu::release(own_staging_);
  }
  cuda(const cuda&) = delete;
  cuda& operator=(const cuda&) = delete;

  static constexpr gpu::number stored_for(precision p) {
    if (p == precision::bf16 || p == precision::automatic) { return gpu::number::bfloat16; }
    return p == precision::fp16 ? gpu::number::float16 : gpu::number::float32;
  }

  precision numbers;
  gpu::number stored;
  gpu::stream in;
  gpu::convolutions convolve;

  /// Memory that kernels need beside their operands, in bytes, for batches of up to so many images and channels, and
  /// convolutions whose input and result take so many bytes.
  struct kernel_memory {
    std::int64_t sums = 0, coefficients = 0, workspace = 0;
    constexpr std::int64_t all() const { return sums + coefficients + workspace; }
  };
  static constexpr kernel_memory memory_for(int batch, int channels, std::int64_t operands = 0) {
    const std::int64_t doubles = std::int64_t{batch} * channels * 2 + least_sums;
    return {.sums = gpu::aligned_bytes(8 * doubles),
            .coefficients = gpu::aligned_bytes(std::int64_t{8} * gpu::doubles_of_channel * batch * channels),
            .workspace = gpu::aligned_bytes(gpu::convolution_workspace(operands))};
  }
  void work_in(void* given, const kernel_memory& m) {
    auto* bytes = static_cast<char*>(given);
    queue_.sums = reinterpret_cast<double*>(bytes);
    queue_.sums_capacity = m.sums / 8;
    queue_.coefficients = reinterpret_cast<double*>(bytes + m.sums);
    convolve.work_in(bytes + m.sums + m.coefficients, m.workspace);
  }

  /// Where kernels run. A backend that no session gave memory to (one that a single layer is tried on) takes its own.
  const gpu::queue& work() {
    if (queue_.sums == nullptr) {
      const kernel_memory m = memory_for(64, 4096);
      own_memory_ = gpu::allocate(m.all());
      work_in(own_memory_, m);
    }
    return queue_;
  }

  /// From now on kernels read what changes from step to step on the GPU, and not from their arguments.
  void read_step(const gpu::step_values* values, const gpu::training_status* status) {
    queue_.step = values;
    queue_.status = status;
  }
  /// While it lives, own kernels do not run, and convolutions look for their algorithms and try them.
  class rehearsal {
   public:
    explicit rehearsal(cuda& on) : on_{on} { on_.queue_.rehearses = true; }
    ~rehearsal() { on_.queue_.rehearses = false; }
    rehearsal(const rehearsal&) = delete;
    rehearsal& operator=(const rehearsal&) = delete;

   private:
    cuda& on_;
  };

  /// Memory for a batch of the user's on its way: the session's, or its own where that is none or too small.
  void stage_in(void* given, std::int64_t floats) {
    staging_ = static_cast<float*>(given);
    staging_floats_ = floats;
  }
  float* staging(std::int64_t floats) {
    if (floats > staging_floats_) {
      in.wait();
      gpu::release(own_staging_);
      own_staging_ = gpu::allocate(4 * floats);
      stage_in(own_staging_, floats);
    }
    return staging_;
  }

  /// As kernels take it.
  template <class T>
  gpu::tensor tensor(const view<T>& v) const {
    return {const_cast<void*>(static_cast<const void*>(v.data)), v.batch, v.extent,
            v.data == nullptr ? 0 : v.stride / v.extent.plane()};
  }

 private:
  static constexpr std::int64_t least_sums = std::int64_t{1} << 18U;  // 2048 blocks of 32 channels, four sums each

  gpu::queue queue_;
  void* own_memory_ = nullptr;
  void* own_staging_ = nullptr;
  float* staging_ = nullptr;
  std::int64_t staging_floats_ = 0;
};

namespace detail {

/// Values between packed weights and the packed bias behind them, so that both are aligned.
constexpr std::int64_t padded(std::int64_t values) { return (values + 63) / 64 * 64; }

constexpr workspace packed_convolution(std::int64_t weights, int biases) {
  return {.packed = padded(weights) + biases, .packed_backward = weights, .scratch_backward = weights, .slopes = true};
}

}  // namespace detail

// ---- convolutions ----

/// Weights as stored, then the bias as stored; behind the pass, the gradient of the weights in scratch memory.
constexpr workspace conv2d_workspace(std::type_identity<cuda>, const conv2d_geometry& g, shape x, shape y, no_choice) {
  return detail::packed_convolution(std::int64_t{y.channels} * (x.channels / g.groups) * g.kernel * g.kernel,
                                    y.channels);
}
constexpr workspace conv_transpose2d_workspace(std::type_identity<cuda>, const conv2d_geometry& g, shape x, shape y) {
  return detail::packed_convolution(std::int64_t{x.channels} * y.channels * g.kernel * g.kernel, y.channels);
}

namespace detail {

inline void pack(cuda& on, const gpu::weight_extents& e, const packing<float>& p, int biases) {
  const gpu::queue& work = on.work();
  if (p.packed_backward != nullptr) { gpu::pack_weights(work, e, p.parameters[0], p.packed_backward); }
  if (p.packed == nullptr) { return; }
  gpu::pack_weights(work, e, p.parameters[0], p.packed);
  if (p.parameters[1] == nullptr) { return; }
  auto* bytes = reinterpret_cast<char*>(p.packed);
  gpu::pack_weights(work, {.a = biases}, p.parameters[1], bytes + padded(e.size()) * gpu::bytes_of(on.stored));
}

inline const void* packed_bias(const cuda& on, const gpu::weight_extents& e, const forward_pass<float>& f) {
  return reinterpret_cast<const char*>(f.packed) + padded(e.size()) * gpu::bytes_of(on.stored);
}

constexpr gpu::weight_extents conv2d_extents(const conv2d_geometry& g, shape x, shape y) {
  if (gpu::is_depthwise(g, x.channels, y.channels)) { return {1, x.channels, g.kernel, g.kernel}; }
  return {y.channels, x.channels / g.groups, g.kernel, g.kernel};
}
constexpr gpu::weight_extents conv_transpose2d_extents(const conv2d_geometry& g, shape x, shape y) {
  return {x.channels, y.channels, g.kernel, g.kernel};
}

}  // namespace detail

inline void conv2d_pack(cuda& on, const conv2d_geometry& g, const packing<float>& p) {
  detail::pack(on, detail::conv2d_extents(g, p.x, p.y), p, p.y.channels);
}

inline void conv2d_forward(cuda& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const gpu::queue& work = on.work();
  const gpu::tensor x = on.tensor(f.x[0]), y = on.tensor(f.y);
  bool is_finished = false;
  if (gpu::runs_direct(g)) {
    gpu::direct_convolution(work, g, x, f.packed, y, false);
  } else {
    const gpu::convolution c{g, x.batch, x.extent, y.extent};
    if (f.parameters[1] != nullptr && f.then == epilogue{.act = activation::relu}) {
      const void* bias = detail::packed_bias(on, detail::conv2d_extents(g, x.extent, y.extent), f);
      is_finished = on.convolve.forward_relu(work, c, x.data, f.packed, bias, y.data);
    }
    if (!is_finished) { on.convolve.forward(work, c, x.data, f.packed, y.data, false); }
  }
  if (!is_finished && (f.parameters[1] != nullptr || !f.then.empty())) {
    gpu::finish(work, y, f.parameters[1], y, f.then, f.seed);
  }
}

inline void conv2d_backward(cuda& on, const conv2d_geometry& g, const backward_pass<float>& b) {
  const gpu::queue& work = on.work();
  const gpu::tensor x = on.tensor(b.x[0]), dy = on.tensor(b.dy), dx = on.tensor(b.dx[0]);
  const gpu::convolution c{g, x.batch, x.extent, dy.extent};
  void* dw = b.scratch.of(0);
  gpu::epilogue_backward(work, b.then, b.seed, on.tensor(b.y), dy, b.dparameters[1]);
  if (gpu::runs_direct(g)) {
    if (dx) { gpu::direct_gradient_of_data(work, g, dy, b.packed, dx, b.adds[0]); }
    gpu::direct_gradient_of_weights(work, g, x, dy, dw);
  } else {
    if (dx) { on.convolve.gradient_of_data(work, c, dy.data, b.packed, dx.data, b.adds[0]); }
    on.convolve.gradient_of_weights(work, c, x.data, dy.data, dw);
  }
  gpu::add_unpacked(work, detail::conv2d_extents(g, x.extent, dy.extent), dw, b.dparameters[0]);
}

// A transposed convolution is the gradient, with respect to its input, of a convolution from y to x.

inline void conv_transpose2d_pack(cuda& on, const conv2d_geometry& g, const packing<float>& p) {
  detail::pack(on, detail::conv_transpose2d_extents(g, p.x, p.y), p, p.y.channels);
}

inline void conv_transpose2d_forward(cuda& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const gpu::queue& work = on.work();
  const gpu::tensor x = on.tensor(f.x[0]), y = on.tensor(f.y);
  on.convolve.gradient_of_data(work, {g, x.batch, y.extent, x.extent}, x.data, f.packed, y.data, false);
  if (f.parameters[1] != nullptr || !f.then.empty()) { gpu::finish(work, y, f.parameters[1], y, f.then, f.seed); }
}

inline void conv_transpose2d_backward(cuda& on, const conv2d_geometry& g, const backward_pass<float>& b) {
  const gpu::queue& work = on.work();
  const gpu::tensor x = on.tensor(b.x[0]), dy = on.tensor(b.dy), dx = on.tensor(b.dx[0]);
  const gpu::convolution c{g, x.batch, dy.extent, x.extent};
  gpu::epilogue_backward(work, b.then, b.seed, on.tensor(b.y), dy, b.dparameters[1]);
  if (dx) { on.convolve.forward(work, c, dy.data, b.packed, dx.data, b.adds[0]); }
  void* dw = b.scratch.of(0);
  on.convolve.gradient_of_weights(work, c, dy.data, x.data, dw);
  gpu::add_unpacked(work, detail::conv_transpose2d_extents(g, x.extent, dy.extent), dw, b.dparameters[0]);
}

// ---- norms ----

constexpr workspace batch_norm2d_workspace(std::type_identity<cuda>, shape x) {
  return {.kept = batch_norm2d_kept(x.channels), .slopes = true};
}
constexpr workspace group_norm2d_workspace(std::type_identity<cuda>, shape x) {
  return {.kept = group_norm2d_kept(x.channels), .slopes = true};
}

inline void batch_norm2d_forward(cuda& on, const batch_norm2d_geometry& g, const forward_pass<float>& f) {
  const gpu::norm_weights w{f.parameters[0], f.parameters[1]};
  float* kept = f.kept ? f.kept.of(0) : nullptr;
  if (f.batch_statistics) {
    gpu::batch_norm(on.work(), g, on.tensor(f.x[0]), w, kept, on.tensor(f.y), f.then, f.seed);
  } else {
    gpu::batch_norm_by(on.work(), g, on.tensor(f.x[0]), w, f.parameters[2], f.parameters[3], kept, on.tensor(f.y),
                       f.then, f.seed);
  }
}

inline void batch_norm2d_backward(cuda& on, const batch_norm2d_geometry& g, const backward_pass<float>& b) {
  const bool moves = b.batch_statistics;
  gpu::batch_norm_backward(
      on.work(), g, on.tensor(b.x[0]), b.kept.of(0), {b.parameters[0], b.parameters[1]}, b.parameters[2],
      b.parameters[3], b.then, b.seed, on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0],
      {b.dparameters[0], b.dparameters[1], moves ? b.dparameters[2] : nullptr, moves ? b.dparameters[3] : nullptr});
}

inline void group_norm2d_forward(cuda& on, const group_norm2d_geometry& g, const forward_pass<float>& f) {
  float* kept = f.kept ? f.kept.of(0) : nullptr;
  gpu::group_norm(on.work(), g, on.tensor(f.x[0]), {f.parameters[0], f.parameters[1]}, kept, f.kept.stride,
                  on.tensor(f.y), f.then, f.seed);
}

inline void group_norm2d_backward(cuda& on, const group_norm2d_geometry& g, const backward_pass<float>& b) {
  gpu::group_norm_backward(on.work(), g, on.tensor(b.x[0]), b.kept.of(0), b.kept.stride,
                           {b.parameters[0], b.parameters[1]}, b.then, b.seed, on.tensor(b.dy), on.tensor(b.dx[0]),
                           b.adds[0], b.dparameters[0], b.dparameters[1]);
}

// ---- windows ----

constexpr workspace max_pool2d_workspace(std::type_identity<cuda>, const pool2d_geometry&, shape) {
  return {.gates = true};
}

inline void max_pool2d_forward(cuda& on, const pool2d_geometry& g, const forward_pass<float>& f) {
  gpu::max_pool(on.work(), g, on.tensor(f.x[0]), on.tensor(f.y));
}
inline void max_pool2d_backward(cuda& on, const pool2d_geometry& g, const backward_pass<float>& b) {
  gpu::max_pool_backward(on.work(), g, on.tensor(b.x[0]), on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0], b.relu_scale);
}
inline void avg_pool2d_forward(cuda& on, const avg_pool2d_geometry& g, const forward_pass<float>& f) {
  gpu::avg_pool(on.work(), g, on.tensor(f.x[0]), on.tensor(f.y));
}
inline void avg_pool2d_backward(cuda& on, const avg_pool2d_geometry& g, const backward_pass<float>& b) {
  gpu::avg_pool_backward(on.work(), g, on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0]);
}
inline void global_avg_pool2d_forward(cuda& on, const forward_pass<float>& f) {
  gpu::global_avg_pool(on.work(), on.tensor(f.x[0]), on.tensor(f.y));
}
inline void global_avg_pool2d_backward(cuda& on, const backward_pass<float>& b) {
  gpu::global_avg_pool_backward(on.work(), on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0]);
}
inline void upsample2d_forward(cuda& on, const upsample2d_geometry& g, const forward_pass<float>& f) {
  gpu::upsample(on.work(), g, on.tensor(f.x[0]), on.tensor(f.y));
}
inline void upsample2d_backward(cuda& on, const upsample2d_geometry& g, const backward_pass<float>& b) {
  gpu::upsample_backward(on.work(), g, on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0]);
}

// ---- elementwise ----

inline void pointwise_forward(cuda& on, const forward_pass<float>& f) {
  gpu::finish(on.work(), on.tensor(f.x[0]), nullptr, on.tensor(f.y), f.then, f.seed);
}
inline void pointwise_backward(cuda& on, const backward_pass<float>& b) {
  gpu::copy(on.work(), on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0]);
}
inline void epilogue_backward(cuda& on, const epilogue& then, view<const float> known, view<float> dy,
                              std::uint32_t seed) {
  gpu::epilogue_backward(on.work(), then, seed, on.tensor(known), on.tensor(dy), nullptr);
}
inline void add_forward(cuda& on, const forward_pass<float>& f) {
  gpu::add(on.work(), on.tensor(f.x[0]), on.tensor(f.x[1]), on.tensor(f.y), f.then, f.seed);
}
inline void add_backward(cuda& on, const backward_pass<float>& b) {
  for (int k = 0; k < 2; ++k) { gpu::copy(on.work(), on.tensor(b.dy), on.tensor(b.dx[k]), b.adds[k]); }
}
inline void concat_forward(cuda& on, const forward_pass<float>& f) {
  for (int k = 0, first = 0; k < 2; ++k) {
    const int channels = f.x[k].extent.channels;
    gpu::copy(on.work(), on.tensor(f.x[k]), gpu::channels_of(on.tensor(f.y), on.stored, first, channels), false);
    first += channels;
  }
}
inline void concat_backward(cuda& on, const backward_pass<float>& b) {
  for (int k = 0, first = 0; k < 2; ++k) {
    const int channels = b.x[k].extent.channels;  // dx[0] is empty if the image is joined
    gpu::copy(on.work(), gpu::channels_of(on.tensor(b.dy), on.stored, first, channels), on.tensor(b.dx[k]), b.adds[k]);
    first += channels;
  }
}
inline void channel_scale_forward(cuda& on, const forward_pass<float>& f) {
  gpu::scale_channels(on.work(), on.tensor(f.x[0]), on.tensor(f.x[1]), on.tensor(f.y), f.then, f.seed);
}
inline void channel_scale_backward(cuda& on, const backward_pass<float>& b) {
  gpu::scale_channels_backward(on.work(), on.tensor(b.x[0]), on.tensor(b.x[1]), on.tensor(b.dy), on.tensor(b.dx[0]),
                               b.adds[0], on.tensor(b.dx[1]), b.adds[1]);
}
inline void plane_scale_forward(cuda& on, const forward_pass<float>& f) {
  gpu::scale_planes(on.work(), on.tensor(f.x[0]), on.tensor(f.x[1]), on.tensor(f.y), f.then, f.seed);
}
inline void plane_scale_backward(cuda& on, const backward_pass<float>& b) {
  gpu::scale_planes_backward(on.work(), on.tensor(b.x[0]), on.tensor(b.x[1]), on.tensor(b.dy), on.tensor(b.dx[0]),
                             b.adds[0], on.tensor(b.dx[1]), b.adds[1]);
}
inline void prelu_forward(cuda& on, const prelu_geometry& g, const forward_pass<float>& f) {
  gpu::prelu(on.work(), g, on.tensor(f.x[0]), f.parameters[0], on.tensor(f.y));
}
inline void prelu_backward(cuda& on, const prelu_geometry& g, const backward_pass<float>& b) {
  gpu::prelu_backward(on.work(), g, on.tensor(b.x[0]), b.parameters[0], on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0],
                      b.dparameters[0]);
}
inline void softmax_forward(cuda& on, const forward_pass<float>& f) {
  gpu::softmax(on.work(), on.tensor(f.x[0]), on.tensor(f.y));
}
inline void softmax_backward(cuda& on, const backward_pass<float>& b) {
  gpu::softmax_backward(on.work(), on.tensor(b.y), on.tensor(b.dy), on.tensor(b.dx[0]), b.adds[0]);
}

// ---- batches of the user's ----

namespace gpu {

/// Image n of a batch.
inline view<float> image_of(view<float> batch, number stored, int n) {
  batch.data = reinterpret_cast<float*>(reinterpret_cast<char*>(batch.data) + n * batch.stride * bytes_of(stored));
  batch.batch = 1;
  return batch;
}

}  // namespace gpu

/// Images of the host, [N,C,H,W], to the GPU; waits for it, as the caller may change or free them at once.
inline void copy_in(cuda& on, const float* nchw, const view<float>& to) {
  const std::int64_t floats = to.batch * to.extent.size();
  float* staging = on.staging(floats);
  on.in.copy_to_device(staging, nchw, 4 * floats);
  gpu::load_batch(on.work(), staging, on.tensor(to));
  on.in.wait();
}
/// … and back, through the activation at the end of a network; waits, too.
inline void copy_out(cuda& on, const view<float>& from, activation head, float* nchw) {
  const std::int64_t floats = from.batch * from.extent.size();
  float* staging = on.staging(floats);
  gpu::store_batch(on.work(), on.tensor(from), head, staging);
  on.in.copy_to_host(nchw, staging, 4 * floats);
  on.in.wait();
}

}  // namespace segx
