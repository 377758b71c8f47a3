#include <cudnn.h>

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/cuda/convolution.hpp>

#include "check.hpp"

// Convolutions by cuDNN 9, through its functions for single convolutions. NVIDIA calls them deprecated, in favour of
// graphs of operations; but they need no second library, and channels-last training has long run on them elsewhere.
// This file is compiled without the warning.

namespace segx::gpu {

namespace {

void check(cudnnStatus_t result, const char* call, const char* file, int line) {
  if (result == CUDNN_STATUS_SUCCESS) { return; }
  forget_error();
  char meaning[512] = "";
  cudnnGetLastErrorString(meaning, sizeof meaning);
  fail({"cuDNN: ", call, " failed in ", file_name(file), ":", line, ": ", cudnnGetErrorString(result),
        *meaning == '\0' ? "" : ": ", meaning});
}
#define SEGX_CUDNN(call) check(call, #call, __FILE__, __LINE__)

/// A handle of cuDNN's, with the pair of functions that make and end it.
template <class Handle, cudnnStatus_t (*Make)(Handle*), cudnnStatus_t (*End)(Handle)>
class owned {
 public:
  owned() { SEGX_CUDNN(Make(&handle_)); }
  ~owned() { static_cast<void>(End(handle_)); }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;
  operator Handle() const { return handle_; }

 private:
  Handle handle_{};
};

using tensor_descriptor = owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using filter_descriptor = owned<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using convolution_descriptor =
    owned<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor>;
using activation_descriptor =
    owned<cudnnActivationDescriptor_t, cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor>;

cudnnDataType_t type_of(number stored) {
  switch (stored) {
    case number::bfloat16:
      return CUDNN_DATA_BFLOAT16;
    case number::float16:
      return CUDNN_DATA_HALF;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

cudnnMathType_t mathematics_of(precision numbers) {
  if (numbers == precision::fp32) { return CUDNN_FMA_MATH; }
  // bfloat16 runs on tensor cores by default; asked for them, older algorithms were seen to give NaN (oneDNN, PR 1583).
  return numbers == precision::fp16 ? CUDNN_TENSOR_OP_MATH : CUDNN_DEFAULT_MATH;
}

void set(const tensor_descriptor& d, number stored, int batch, shape s) {
  SEGX_CUDNN(cudnnSetTensor4dDescriptor(d, CUDNN_TENSOR_NHWC, type_of(stored), batch, s.channels, s.height, s.width));
}

/// What cuDNN says of an algorithm, of all three kinds alike.
template <class Found>
std::vector<candidate> candidates(const Found* found, int count, bool is_winograd(decltype(Found::algo))) {
  std::vector<candidate> result;
  for (int i = 0; i < count; ++i) {
    const Found& f = found[i];
    result.push_back({.algorithm = static_cast<int>(f.algo),
                      .mathematics = static_cast<int>(f.mathType),
                      .works = f.status == CUDNN_STATUS_SUCCESS,
                      .seconds = static_cast<double>(f.time) / 1000,
                      .workspace = static_cast<std::int64_t>(f.memory),
                      .is_deterministic = f.determinism == CUDNN_DETERMINISTIC,
                      .rounds_factors = f.mathType == CUDNN_TENSOR_OP_MATH ||
                                        f.mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION || is_winograd(f.algo)});
  }
  return result;
}

bool is_winograd(cudnnConvolutionFwdAlgo_t a) {
  return a == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD || a == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED;
}
bool is_winograd(cudnnConvolutionBwdDataAlgo_t a) {
  return a == CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD || a == CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED;
}
bool is_winograd(cudnnConvolutionBwdFilterAlgo_t a) {
  return a == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD || a == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED;
}

constexpr int most_algorithms = 16;
constexpr float one = 1, zero = 0;

/// Whether cuDNN does not work at all: it is not initialised, or a library of its own is missing or of another version.
bool is_broken(cudnnStatus_t result) {
  return result != CUDNN_STATUS_SUCCESS && CUDNN_STATUS_CATEGORY(result) < CUDNN_STATUS_BAD_PARAM;
}

/// One shape of convolution: its descriptors, and the algorithms that serve.
struct prepared {
  prepared(const convolution& c, number stored, precision numbers) {
    const conv2d_geometry& g = c.geometry;
    set(x, stored, c.batch, c.x);
    set(y, stored, c.batch, c.y);
    set(bias, stored, 1, {c.y.channels, 1, 1});
    SEGX_CUDNN(cudnnSetFilter4dDescriptor(w, type_of(stored), CUDNN_TENSOR_NHWC, c.y.channels, c.x.channels / g.groups,
                                          g.kernel, g.kernel));
    SEGX_CUDNN(cudnnSetConvolution2dDescriptor(how, g.padding, g.padding, g.stride, g.stride, g.dilation, g.dilation,
                                               CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    SEGX_CUDNN(cudnnSetConvolutionGroupCount(how, g.groups));
    SEGX_CUDNN(cudnnSetConvolutionMathType(how, mathematics_of(numbers)));
    constexpr double no_ceiling = std::numeric_limits<double>::max();
    SEGX_CUDNN(cudnnSetActivationDescriptor(relu, CUDNN_ACTIVATION_RELU, CUDNN_NOT_PROPAGATE_NAN, no_ceiling));
  }

  tensor_descriptor x, y, bias;
  filter_descriptor w;
  convolution_descriptor how;
  activation_descriptor relu;

  struct choice {
    bool looked_for = false, was_run = false;
    std::vector<candidate> algorithms;  // the best first; none: the direct kernels run
    bool is_direct() const { return looked_for && algorithms.empty(); }
  };
  choice forward[2], data[2], weights;  // of results that are new, and that are added to others
  bool fusing_was_tried = false;
  std::optional<candidate> fusing;  // does bias and relu in the forward pass
};

}  // namespace

struct convolutions::implementation {
  implementation(stream& s, precision n, bool deterministic)
      : in{static_cast<cudaStream_t>(s.handle())},
        numbers{n},
        wanted{.workspace = 0, .deterministic = deterministic, .exact = n == precision::fp32} {
    SEGX_CUDNN(cudnnSetStream(handle, in));
  }

  owned<cudnnHandle_t, cudnnCreate, cudnnDestroy> handle;
  cudaStream_t in;
  precision numbers;
  demands wanted;
  void* workspace = nullptr;
  std::map<std::array<int, 13>, std::unique_ptr<prepared>> known;

  prepared& of(const convolution& c, number stored) {
    const conv2d_geometry& g = c.geometry;
    const std::array key{g.kernel,
                         g.stride,
                         g.padding,
                         g.dilation,
                         g.groups,
                         c.batch,
                         c.x.channels,
                         c.x.height,
                         c.x.width,
                         c.y.channels,
                         c.y.height,
                         c.y.width,
                         static_cast<int>(stored)};
    if (const auto found = known.find(key); found != known.end()) { return *found->second; }
    return *known.emplace(key, std::make_unique<prepared>(c, stored, numbers)).first->second;
  }

  /// Brings the mathematics of the choice into the descriptor; strict float32 stays as it was asked for.
  void use(prepared& p, const candidate& c) const {
    const auto chosen = wanted.exact ? CUDNN_FMA_MATH : static_cast<cudnnMathType_t>(c.mathematics);
    SEGX_CUDNN(cudnnSetConvolutionMathType(p.how, chosen));
  }
  /// Before algorithms are looked for, which an earlier choice must not narrow.
  void use_any(prepared& p) const { SEGX_CUDNN(cudnnSetConvolutionMathType(p.how, mathematics_of(numbers))); }
  auto bytes() const { return static_cast<std::size_t>(wanted.workspace); }

  /// Behind a failure of one algorithm, which another may not share: throws if the GPU itself failed, as every call
  /// will then that comes.
  void expect_sound(const char* call, int line) const {
    forget_error();
    check(cudaStreamSynchronize(in), call, __FILE__, line);
  }

  /// Fills `chosen` if nothing was looked for yet: by their speed, measured by measure(found, &count), where results
  /// may be written and other runs of the program may have other bits; else in cuDNN's own order, rank(found, &count),
  /// which is always the same. A measurement would take now one, now the other of two that are alike. Behind all of
  /// them comes `general`, which serves most shapes, so that the direct kernels, slower than any, do not run only
  /// because cuDNN named none that meets the demands. If it was named, to try it twice does no harm.
  template <class Found>
  void look_for(prepared& p, prepared::choice& chosen, bool may_write, bool is_winograd(decltype(Found::algo)),
                auto&& measure, auto&& rank, decltype(Found::algo) general, auto&& workspace_of) const {
    if (std::exchange(chosen.looked_for, true)) { return; }
    Found found[most_algorithms];
    int count = 0;
    cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED;
    use_any(p);
    const auto search = [&](auto&& by) {
      status = by(found, &count);
      if (status != CUDNN_STATUS_SUCCESS) {
        count = 0;
        expect_sound("the search for an algorithm", __LINE__);
      }
      forget_error();  // of algorithms that were tried
    };
    if (may_write && !wanted.deterministic) { search(measure); }
    if (status != CUDNN_STATUS_SUCCESS) { search(rank); }
    if (is_broken(status)) { check(status, "the search for an algorithm", __FILE__, __LINE__); }

    std::vector<candidate> all = candidates(found, count, is_winograd);
    std::size_t workspace_of_general = 0;
    const bool works = workspace_of(general, &workspace_of_general) == CUDNN_STATUS_SUCCESS;
    forget_error();
    all.push_back({.algorithm = static_cast<int>(general),
                   .mathematics = static_cast<int>(mathematics_of(numbers)),
                   .works = works,
                   .seconds = std::numeric_limits<double>::infinity(),
                   .workspace = static_cast<std::int64_t>(workspace_of_general),
                   .is_deterministic = true});
    chosen.algorithms = suitable(all, wanted);
  }

  prepared::choice& forward(prepared& p, const void* x, const void* w, void* y, bool adds, bool may_write) {
    look_for<cudnnConvolutionFwdAlgoPerf_t>(
        p, p.forward[adds], may_write, is_winograd,
        [&](auto* found, int* count) {
          return cudnnFindConvolutionForwardAlgorithmEx(handle, p.x, x, p.w, w, p.how, p.y, y, most_algorithms, count,
                                                        found, workspace, bytes());
        },
        [&](auto* found, int* count) {
          return cudnnGetConvolutionForwardAlgorithm_v7(handle, p.x, p.w, p.how, p.y, most_algorithms, count, found);
        },
        CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
        [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionForwardWorkspaceSize(handle, p.x, p.w, p.how, p.y, algorithm, bytes);
        });
    return p.forward[adds];
  }
  prepared::choice& data(prepared& p, const void* dy, const void* w, void* dx, bool adds, bool may_write) {
    look_for<cudnnConvolutionBwdDataAlgoPerf_t>(
        p, p.data[adds], may_write, is_winograd,
        [&](auto* found, int* count) {
          return cudnnFindConvolutionBackwardDataAlgorithmEx(handle, p.w, w, p.y, dy, p.how, p.x, dx, most_algorithms,
                                                             count, found, workspace, bytes());
        },
        [&](auto* found, int* count) {
          return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, p.w, p.y, p.how, p.x, most_algorithms, count,
                                                             found);
        },
        CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
        [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardDataWorkspaceSize(handle, p.w, p.y, p.how, p.x, algorithm, bytes);
        });
    return p.data[adds];
  }
  prepared::choice& weights(prepared& p, const void* x, const void* dy, void* dw) {
    look_for<cudnnConvolutionBwdFilterAlgoPerf_t>(
        p, p.weights, true, is_winograd,
        [&](auto* found, int* count) {
          return cudnnFindConvolutionBackwardFilterAlgorithmEx(handle, p.x, x, p.y, dy, p.how, p.w, dw, most_algorithms,
                                                               count, found, workspace, bytes());
        },
        [&](auto* found, int* count) {
          return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, p.x, p.y, p.how, p.w, most_algorithms, count,
                                                               found);
        },
        CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
        [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, p.x, p.y, p.how, p.w, algorithm, bytes);
        });
    return p.weights;
  }

  /// Runs a convolution, algorithm(number), by the first of the algorithms that works; false if none does. cuDNN
  /// refuses some, and recommends others that then fail to run: that shows when one first runs, which is before
  /// anything is recorded. Once it ran, a failure is an error.
  bool run(prepared& p, prepared::choice& chosen, const char* call, int line, auto&& algorithm) const {
    cudnnStatus_t result = CUDNN_STATUS_SUCCESS;
    while (!chosen.algorithms.empty()) {
      use(p, chosen.algorithms.front());
      result = algorithm(chosen.algorithms.front().algorithm);
      if (chosen.was_run || result == CUDNN_STATUS_SUCCESS) {
        check(result, call, __FILE__, line);
        chosen.was_run = true;
        return true;
      }
      expect_sound(call, line);
      chosen.algorithms.erase(chosen.algorithms.begin());
    }
    if (is_broken(result)) { check(result, call, __FILE__, line); }
    return false;
  }

  cudnnStatus_t run_relu(prepared& p, const candidate& by, const void* x, const void* w, const void* bias, void* y) {
    use(p, by);
    return cudnnConvolutionBiasActivationForward(handle, &one, p.x, x, p.w, w, p.how,
                                                 static_cast<cudnnConvolutionFwdAlgo_t>(by.algorithm), workspace,
                                                 bytes(), &zero, p.y, y, p.bias, bias, p.relu, p.y, y);
  }
};

convolutions::convolutions(stream& in, precision numbers, bool deterministic)
    : self_{std::make_unique<implementation>(in, numbers, deterministic)} {}
convolutions::~convolutions() = default;

void convolutions::work_in(void* memory, std::int64_t bytes) {
  self_->workspace = memory;
  self_->wanted.workspace = bytes;
}

void convolutions::forward(const queue& on, const convolution& c, const void* x, const void* w, void* y, bool adds) {
  prepared& p = self_->of(c, on.stored);
  prepared::choice& chosen = self_->forward(p, x, w, y, adds, on.rehearses || !adds);
  const bool is_done = self_->run(p, chosen, "cudnnConvolutionForward", __LINE__, [&](int algorithm) {
    return cudnnConvolutionForward(self_->handle, &one, p.x, x, p.w, w, p.how,
                                   static_cast<cudnnConvolutionFwdAlgo_t>(algorithm), self_->workspace, self_->bytes(),
                                   adds ? &one : &zero, p.y, y);
  });
  if (!is_done) { direct_convolution(on, c.geometry, c.x_at(x), w, c.y_at(y), adds); }
}

bool convolutions::forward_relu(const queue& on, const convolution& c, const void* x, const void* w, const void* bias,
                                void* y) {
  prepared& p = self_->of(c, on.stored);
  if (!std::exchange(p.fusing_was_tried, true)) {  // cuDNN says by trying: the best, and the one that fuses most
    const std::vector<candidate>& all = self_->forward(p, x, w, y, false, true).algorithms;
    for (const candidate& by : all) {
      if (&by != all.data() && by.algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) { continue; }
      if (self_->run_relu(p, by, x, w, bias, y) == CUDNN_STATUS_SUCCESS) {
        p.fusing = by;
        return true;
      }
      self_->expect_sound("cudnnConvolutionBiasActivationForward", __LINE__);
    }
  }
  if (!p.fusing) { return false; }
  if (!on.rehearses) {
    check(self_->run_relu(p, *p.fusing, x, w, bias, y), "cudnnConvolutionBiasActivationForward", __FILE__, __LINE__);
  }
  return true;
}

void convolutions::gradient_of_data(const queue& on, const convolution& c, const void* dy, const void* w, void* dx,
                                    bool adds) {
  prepared& p = self_->of(c, on.stored);
  prepared::choice& chosen = self_->data(p, dy, w, dx, adds, on.rehearses || !adds);
  const bool is_done = self_->run(p, chosen, "cudnnConvolutionBackwardData", __LINE__, [&](int algorithm) {
    return cudnnConvolutionBackwardData(self_->handle, &one, p.w, w, p.y, dy, p.how,
                                        static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm), self_->workspace,
                                        self_->bytes(), adds ? &one : &zero, p.x, dx);
  });
  if (!is_done) { direct_gradient_of_data(on, c.geometry, c.y_at(dy), w, c.x_at(dx), adds); }
}

void convolutions::gradient_of_weights(const queue& on, const convolution& c, const void* x, const void* dy, void* dw) {
  prepared& p = self_->of(c, on.stored);
  prepared::choice& chosen = self_->weights(p, x, dy, dw);
  const bool is_done = self_->run(p, chosen, "cudnnConvolutionBackwardFilter", __LINE__, [&](int algorithm) {
    return cudnnConvolutionBackwardFilter(self_->handle, &one, p.x, x, p.y, dy, p.how,
                                          static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm), self_->workspace,
                                          self_->bytes(), &zero, p.w, dw);
  });
  if (!is_done) { direct_gradient_of_weights(on, c.geometry, c.x_at(x), c.y_at(dy), dw); }
}

int convolutions::without_algorithm() const {
  int count = 0;
  for (const auto& [key, p] : self_->known) {
    for (const prepared::choice* c : {&p->forward[0], &p->forward[1], &p->data[0], &p->data[1], &p->weights}) {
      count += static_cast<int>(c->is_direct());
    }
  }
  return count;
}

}  // namespace segx::gpu
