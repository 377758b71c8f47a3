#pragma once

#include <cstdint>

#include <segx/core/epilogue.hpp>
#include <segx/core/shape.hpp>
#include <segx/cuda/driver.hpp>
#include <segx/kernels/avg_pool2d.hpp>
#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/conv2d.hpp>
#include <segx/kernels/group_norm2d.hpp>
#include <segx/kernels/pool2d.hpp>
#include <segx/kernels/prelu.hpp>
#include <segx/kernels/upsample2d.hpp>

/// segx's own kernels, as functions that give work to a stream. They are compiled by nvcc for the GPU, and by the
/// host's compiler for the emulation: the same lines, cuda/src/*.cu.
namespace segx::gpu {

/// How activations are stored. All arithmetic is in float32; sums are in double, of short runs in float32.
enum class number : unsigned char { float32, bfloat16, float16 };

constexpr std::int64_t bytes_of(number stored) { return stored == number::float32 ? 4 : 2; }

/// A batch on the GPU, [N,H,W,C]: the channels of a pixel side by side, `pixel` numbers from one pixel to the next.
struct tensor {
  void* data = nullptr;
  int batch = 0;
  shape extent;
  std::int64_t pixel = 0;

  constexpr std::int64_t pixels() const { return batch * extent.plane(); }
  constexpr explicit operator bool() const { return data != nullptr; }
};

/// What changes from step to step. It lies on the GPU, so that a recorded step can be played with other values.
struct step_values {
  const float* images = nullptr;   // of the batch, [N,C,H,W], on the GPU
  const float* targets = nullptr;  // [N,K,H,W]
  std::uint32_t seed = 0;          // of all dropout
  float dropout = 1;               // strength of it, as in dropout_draw
  float share = 1;                 // of this batch in the gradient of the step
  float batches = 1;               // of the step
  float fresh = 1;                 // share of the weights in their moving average
};
struct training_status;

/// Numbers in double that a reduction may leave for each channel of an image.
inline constexpr int doubles_of_channel = 5;

/// Where kernels run, and what they need beside their operands.
struct queue {
  stream* in = nullptr;
  number stored = number::float32;
  const step_values* step = nullptr;        // of a recorded step; none: seeds and dropout are taken as they are given
  const training_status* status = nullptr;  // … and how its training fares
  double* sums = nullptr;                   // memory of reductions
  std::int64_t sums_capacity = 0;           // doubles
  double* coefficients = nullptr;           // what a reduction found, for the kernel behind it: [N,5,C]
  bool rehearses = false;                   // only convolutions run, to find their algorithms
};

// ---- elementwise ----

/// y = then(x + bias[c]); no bias: none. y may be x.
void finish(const queue& on, tensor x, const float* bias, tensor y, const epilogue& then, std::uint32_t seed);
/// y = then(a + b)
void add(const queue& on, tensor a, tensor b, tensor y, const epilogue& then, std::uint32_t seed);
/// dy *= then'(…), see epilogue_backward in kernels/elementwise.hpp; db[c] += Σ of that, unless db is null.
void epilogue_backward(const queue& on, const epilogue& then, std::uint32_t seed, tensor known, tensor dy, float* db);
/// to (+)= from
void copy(const queue& on, tensor from, tensor to, bool adds);
/// The channels from `first` on, `count` of them.
constexpr tensor channels_of(tensor t, number stored, int first, int count) {
  t.data = static_cast<char*>(t.data) + first * bytes_of(stored);
  t.extent.channels = count;
  return t;
}

/// y = then(x · factor[n,c]) and its gradients
void scale_channels(const queue& on, tensor x, tensor factor, tensor y, const epilogue& then, std::uint32_t seed);
void scale_channels_backward(const queue& on, tensor x, tensor factor, tensor dy, tensor dx, bool adds_x,
                             tensor dfactor, bool adds_factor);
/// y = then(x · factor[n,i,j]) and its gradients
void scale_planes(const queue& on, tensor x, tensor factor, tensor y, const epilogue& then, std::uint32_t seed);
void scale_planes_backward(const queue& on, tensor x, tensor factor, tensor dy, tensor dx, bool adds_x, tensor dfactor,
                           bool adds_factor);

void prelu(const queue& on, const prelu_geometry& g, tensor x, const float* slope, tensor y);
void prelu_backward(const queue& on, const prelu_geometry& g, tensor x, const float* slope, tensor dy, tensor dx,
                    bool adds, float* dslope);

void softmax(const queue& on, tensor x, tensor y);
void softmax_backward(const queue& on, tensor y, tensor dy, tensor dx, bool adds);

// ---- norms: `kept` is mean[C], then 1/√(var + ε)[C], of all images or of each; null: nobody will want it.
// Backward, dy is the gradient behind `then`, whose slope follows from x: it is not read once more. ----

struct norm_weights {
  const float* weight = nullptr;  // γ and β; none: 1 and 0
  const float* bias = nullptr;
};

/// By the statistics of the batch.
void batch_norm(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, float* kept, tensor y,
                const epilogue& then, std::uint32_t seed);
/// By running statistics.
void batch_norm_by(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, const float* mean,
                   const float* variance, float* kept, tensor y, const epilogue& then, std::uint32_t seed);
/// Adds to dweight, dbias; and to dmean and dvariance what the step takes off running statistics, if those of the batch
/// were used (else they are null).
struct batch_norm_gradients {
  float *weight, *bias, *mean, *variance;
};
void batch_norm_backward(const queue& on, const batch_norm2d_geometry& g, tensor x, const float* kept, norm_weights w,
                         const float* running_mean, const float* running_variance, const epilogue& then,
                         std::uint32_t seed, tensor dy, tensor dx, bool adds, const batch_norm_gradients& d);

void group_norm(const queue& on, const group_norm2d_geometry& g, tensor x, norm_weights w, float* kept,
                std::int64_t kept_stride, tensor y, const epilogue& then, std::uint32_t seed);
void group_norm_backward(const queue& on, const group_norm2d_geometry& g, tensor x, const float* kept,
                         std::int64_t kept_stride, norm_weights w, const epilogue& then, std::uint32_t seed, tensor dy,
                         tensor dx, bool adds, float* dweight, float* dbias);

// ---- pixels that meet: pooling and enlarging ----

void max_pool(const queue& on, const pool2d_geometry& g, tensor x, tensor y);
/// `relu_scale`: see backward_pass
void max_pool_backward(const queue& on, const pool2d_geometry& g, tensor x, tensor dy, tensor dx, bool adds,
                       float relu_scale);
void avg_pool(const queue& on, const avg_pool2d_geometry& g, tensor x, tensor y);
void avg_pool_backward(const queue& on, const avg_pool2d_geometry& g, tensor dy, tensor dx, bool adds);
void global_avg_pool(const queue& on, tensor x, tensor y);
void global_avg_pool_backward(const queue& on, tensor dy, tensor dx, bool adds);
void upsample(const queue& on, const upsample2d_geometry& g, tensor x, tensor y);
void upsample_backward(const queue& on, const upsample2d_geometry& g, tensor dy, tensor dx, bool adds);

// ---- convolutions that cuDNN is not asked for; weights [K,R,R,C/groups] as stored, of depthwise ones [R,R,C] ----

/// y (+)= w ∗ x, without a bias
void direct_convolution(const queue& on, const conv2d_geometry& g, tensor x, const void* w, tensor y, bool adds);
void direct_gradient_of_data(const queue& on, const conv2d_geometry& g, tensor dy, const void* w, tensor dx, bool adds);
void direct_gradient_of_weights(const queue& on, const conv2d_geometry& g, tensor x, tensor dy, void* dw);

/// Weights between float32 [A,B,R,S], as files have them, and [A,R,S,B] as stored; back, they are added.
struct weight_extents {
  int a = 1, b = 1, r = 1, s = 1;
  constexpr std::int64_t size() const { return std::int64_t{a} * b * r * s; }
};
void pack_weights(const queue& on, weight_extents e, const float* from, void* to);
void add_unpacked(const queue& on, weight_extents e, const void* from, float* to);

// ---- batches of the user's, float32 [N,C,H,W], in memory of the GPU ----

void load_batch(const queue& on, const float* from, tensor to);
/// Through the activation at the end of a network.
void store_batch(const queue& on, tensor from, activation head, float* to);

}  // namespace segx::gpu
