#include <cudnn.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/cuda/convolution.hpp>

#include "cuda/src/check.hpp"

using namespace segx;

// What segx makes of the answers of cuDNN, which a GPU would not give on demand: in place of cuDNN there is a stand-in,
// which computes nothing.

namespace {

/// What the stand-in answers, and which algorithms it was told to run.
struct answers {
  cudnnStatus_t measured = CUDNN_STATUS_SUCCESS, ranked = CUDNN_STATUS_SUCCESS;  // of searches
  std::vector<int> order_by_speed, order;                                        // … and what they find
  std::size_t workspace = 0;                                                     // of each algorithm
  std::map<int, cudnnStatus_t> fails;                                            // when run; others do not
  cudaError_t gpu = cudaSuccess;
  std::vector<int> tried;
} says;

template <class Found>
cudnnStatus_t find(cudnnStatus_t status, const std::vector<int>& algorithms, int* count, Found* found) {
  *count = 0;
  for (const int a : algorithms) {
    Found& next = found[(*count)++] = {};
    next.algo = static_cast<decltype(next.algo)>(a);
    next.time = static_cast<float>(*count);
    next.determinism = CUDNN_DETERMINISTIC;
  }
  return status;
}
cudnnStatus_t run(int algorithm) {
  says.tried.push_back(algorithm);
  const auto failing = says.fails.find(algorithm);
  return failing == says.fails.end() ? CUDNN_STATUS_SUCCESS : failing->second;
}
cudnnStatus_t tell_workspace(std::size_t* bytes) {
  *bytes = says.workspace;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

#define SEGX_SUCCEEDS(name, ...) \
  cudnnStatus_t name(__VA_ARGS__) { return CUDNN_STATUS_SUCCESS; }

extern "C" {

SEGX_SUCCEEDS(cudnnCreate, cudnnHandle_t*)
SEGX_SUCCEEDS(cudnnDestroy, cudnnHandle_t)
SEGX_SUCCEEDS(cudnnSetStream, cudnnHandle_t, cudaStream_t)
SEGX_SUCCEEDS(cudnnCreateTensorDescriptor, cudnnTensorDescriptor_t*)
SEGX_SUCCEEDS(cudnnDestroyTensorDescriptor, cudnnTensorDescriptor_t)
SEGX_SUCCEEDS(cudnnCreateFilterDescriptor, cudnnFilterDescriptor_t*)
SEGX_SUCCEEDS(cudnnDestroyFilterDescriptor, cudnnFilterDescriptor_t)
SEGX_SUCCEEDS(cudnnCreateConvolutionDescriptor, cudnnConvolutionDescriptor_t*)
SEGX_SUCCEEDS(cudnnDestroyConvolutionDescriptor, cudnnConvolutionDescriptor_t)
SEGX_SUCCEEDS(cudnnCreateActivationDescriptor, cudnnActivationDescriptor_t*)
SEGX_SUCCEEDS(cudnnDestroyActivationDescriptor, cudnnActivationDescriptor_t)
SEGX_SUCCEEDS(cudnnSetTensor4dDescriptor, cudnnTensorDescriptor_t, cudnnTensorFormat_t, cudnnDataType_t, int, int, int,
              int)
SEGX_SUCCEEDS(cudnnSetFilter4dDescriptor, cudnnFilterDescriptor_t, cudnnDataType_t, cudnnTensorFormat_t, int, int, int,
              int)
SEGX_SUCCEEDS(cudnnSetConvolution2dDescriptor, cudnnConvolutionDescriptor_t, int, int, int, int, int, int,
              cudnnConvolutionMode_t, cudnnDataType_t)
SEGX_SUCCEEDS(cudnnSetConvolutionGroupCount, cudnnConvolutionDescriptor_t, int)
SEGX_SUCCEEDS(cudnnSetConvolutionMathType, cudnnConvolutionDescriptor_t, cudnnMathType_t)
SEGX_SUCCEEDS(cudnnSetActivationDescriptor, cudnnActivationDescriptor_t, cudnnActivationMode_t, cudnnNanPropagation_t,
              double)
const char* cudnnGetErrorString(cudnnStatus_t) { return "as the stand-in was told"; }
void cudnnGetLastErrorString(char*, std::size_t) {}

cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t, const cudnnTensorDescriptor_t, const void*,
                                                     const cudnnFilterDescriptor_t, const void*,
                                                     const cudnnConvolutionDescriptor_t, const cudnnTensorDescriptor_t,
                                                     void*, const int, int* count, cudnnConvolutionFwdAlgoPerf_t* found,
                                                     void*, std::size_t) {
  return find(says.measured, says.order_by_speed, count, found);
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(cudnnHandle_t, const cudnnFilterDescriptor_t, const void*,
                                                          const cudnnTensorDescriptor_t, const void*,
                                                          const cudnnConvolutionDescriptor_t,
                                                          const cudnnTensorDescriptor_t, void*, const int, int* count,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* found, void*,
                                                          std::size_t) {
  return find(says.measured, says.order_by_speed, count, found);
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(cudnnHandle_t, const cudnnTensorDescriptor_t, const void*,
                                                            const cudnnTensorDescriptor_t, const void*,
                                                            const cudnnConvolutionDescriptor_t,
                                                            const cudnnFilterDescriptor_t, void*, const int, int* count,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* found, void*,
                                                            std::size_t) {
  return find(says.measured, says.order_by_speed, count, found);
}
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                     const cudnnFilterDescriptor_t, const cudnnConvolutionDescriptor_t,
                                                     const cudnnTensorDescriptor_t, const int, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  return find(says.ranked, says.order, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, const cudnnFilterDescriptor_t,
                                                          const cudnnTensorDescriptor_t,
                                                          const cudnnConvolutionDescriptor_t,
                                                          const cudnnTensorDescriptor_t, const int, int* count,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* found) {
  return find(says.ranked, says.order, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                            const cudnnTensorDescriptor_t,
                                                            const cudnnConvolutionDescriptor_t,
                                                            const cudnnFilterDescriptor_t, const int, int* count,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  return find(says.ranked, says.order, count, found);
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                      const cudnnFilterDescriptor_t, const cudnnConvolutionDescriptor_t,
                                                      const cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t,
                                                      std::size_t* bytes) {
  return tell_workspace(bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, const cudnnFilterDescriptor_t,
                                                           const cudnnTensorDescriptor_t,
                                                           const cudnnConvolutionDescriptor_t,
                                                           const cudnnTensorDescriptor_t, cudnnConvolutionBwdDataAlgo_t,
                                                           std::size_t* bytes) {
  return tell_workspace(bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                             const cudnnTensorDescriptor_t,
                                                             const cudnnConvolutionDescriptor_t,
                                                             const cudnnFilterDescriptor_t,
                                                             cudnnConvolutionBwdFilterAlgo_t, std::size_t* bytes) {
  return tell_workspace(bytes);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void*, const cudnnTensorDescriptor_t, const void*,
                                      const cudnnFilterDescriptor_t, const void*, const cudnnConvolutionDescriptor_t,
                                      cudnnConvolutionFwdAlgo_t algorithm, void*, std::size_t, const void*,
                                      const cudnnTensorDescriptor_t, void*) {
  return run(algorithm);
}
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t, const void*, const cudnnTensorDescriptor_t, const void*, const cudnnFilterDescriptor_t, const void*,
    const cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t algorithm, void*, std::size_t, const void*,
    const cudnnTensorDescriptor_t, const void*, const cudnnTensorDescriptor_t, const void*,
    const cudnnActivationDescriptor_t, const cudnnTensorDescriptor_t, void*) {
  return run(algorithm);
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void*, const cudnnFilterDescriptor_t, const void*,
                                           const cudnnTensorDescriptor_t, const void*,
                                           const cudnnConvolutionDescriptor_t, cudnnConvolutionBwdDataAlgo_t algorithm,
                                           void*, std::size_t, const void*, const cudnnTensorDescriptor_t, void*) {
  return run(algorithm);
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t, const void*, const cudnnTensorDescriptor_t, const void*,
                                             const cudnnTensorDescriptor_t, const void*,
                                             const cudnnConvolutionDescriptor_t,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void*, std::size_t, const void*,
                                             const cudnnFilterDescriptor_t, void*) {
  return run(algorithm);
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return says.gpu; }

}  // extern "C"

namespace segx::gpu {

void forget_error() {}
void check(cudaError_t result, const char* call, const char*, int) {
  if (result != cudaSuccess) { fail({"the GPU failed: ", call}); }
}

}  // namespace segx::gpu

namespace {

/// Convolutions that are rehearsed, of one shape.
class rehearsed {
 public:
  explicit rehearsed(bool deterministic = true) : of{in, precision::tf32, deterministic} {
    says = {};
    of.work_in(nullptr, 100);
    on.in = &in;
    on.rehearses = true;  // the direct kernels do not run
    on.sums_capacity = 1000;
  }

  gpu::stream in;
  gpu::convolutions of;

  void forward() { of.forward(on, c, nullptr, nullptr, nullptr, false); }
  bool forward_relu() { return of.forward_relu(on, c, nullptr, nullptr, nullptr, nullptr); }
  void gradient_of_data() { of.gradient_of_data(on, c, nullptr, nullptr, nullptr, false); }
  void gradient_of_weights() { of.gradient_of_weights(on, c, nullptr, nullptr, nullptr); }

  /// Which algorithms the next call tries.
  template <class Call>
  std::vector<int> tried_by(Call call) {
    says.tried.clear();
    (this->*call)();
    return says.tried;
  }

 private:
  gpu::queue on;
  const gpu::convolution c{{.kernel = 3, .padding = 1}, 1, {8, 4, 4}, {8, 4, 4}};
};

constexpr void (rehearsed::*all_three[])() = {&rehearsed::forward, &rehearsed::gradient_of_data,
                                              &rehearsed::gradient_of_weights};
using algorithms = std::vector<int>;

}  // namespace

TEST_CASE("an algorithm of cuDNN's that does not run makes way for the next, until one ran", "[cuda]") {
  for (const cudnnStatus_t failure : {CUDNN_STATUS_NOT_SUPPORTED, CUDNN_STATUS_BAD_PARAM, CUDNN_STATUS_INTERNAL_ERROR,
                                      CUDNN_STATUS_EXECUTION_FAILED, CUDNN_STATUS_EXECUTION_FAILED_CUDART}) {
    for (const auto call : all_three) {
      rehearsed r;
      says.order = {3, 4, 0};
      says.fails = {{3, failure}};
      CHECK(r.tried_by(call) == algorithms{3, 4});
      CHECK(r.tried_by(call) == algorithms{4});
      CHECK(r.of.without_algorithm() == 0);
      says.fails = {{4, failure}};
      CHECK_THROWS_WITH(r.tried_by(call), Catch::Matchers::Contains("as the stand-in was told"));
    }
  }
}

TEST_CASE("… but not where the GPU itself failed", "[cuda]") {
  for (const auto call : all_three) {
    rehearsed r;
    says.order = {3, 4};
    says.fails = {{3, CUDNN_STATUS_EXECUTION_FAILED}};
    says.gpu = cudaErrorIllegalAddress;
    CHECK_THROWS_WITH(r.tried_by(call), Catch::Matchers::Contains("the GPU failed: cudnnConvolution"));
  }
}

TEST_CASE("a search that measures and fails gives way to cuDNN's own order", "[cuda]") {
  for (const auto call : all_three) {
    rehearsed r{false};
    says.order_by_speed = {4, 3};
    says.order = {3, 4};
    CHECK(r.tried_by(call) == algorithms{4});
    rehearsed failing{false};
    says.order_by_speed = {4, 3};
    says.order = {3, 4};
    says.measured = CUDNN_STATUS_INTERNAL_ERROR;
    CHECK(failing.tried_by(call) == algorithms{3});
    rehearsed broken{false};
    says.measured = says.ranked = CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED;
    CHECK_THROWS_WITH(broken.tried_by(call), Catch::Matchers::Contains("the search for an algorithm failed"));
  }
}

TEST_CASE("where cuDNN names no algorithm, one that serves most shapes is tried before the direct kernels", "[cuda]") {
  for (const auto call : all_three) {
    rehearsed r;  // all three of them have the number 1
    CHECK(r.tried_by(call) == algorithms{1});
    CHECK(r.of.without_algorithm() == 0);
    rehearsed unnamed;
    says.ranked = CUDNN_STATUS_NOT_SUPPORTED;
    CHECK(unnamed.tried_by(call) == algorithms{1});
    rehearsed last;
    says.order = {3};
    says.fails = {{3, CUDNN_STATUS_NOT_SUPPORTED}};
    CHECK(last.tried_by(call) == algorithms{3, 1});

    rehearsed refused;
    says.fails = {{1, CUDNN_STATUS_NOT_SUPPORTED}};
    CHECK(refused.tried_by(call) == algorithms{1});
    CHECK(refused.tried_by(call).empty());
    CHECK(refused.of.without_algorithm() == 1);
    rehearsed large;
    says.workspace = 101;
    CHECK(large.tried_by(call).empty());
    CHECK(large.of.without_algorithm() == 1);
    rehearsed broken;
    says.fails = {{1, CUDNN_STATUS_NOT_INITIALIZED}};
    CHECK_THROWS_WITH(broken.tried_by(call), Catch::Matchers::Contains("as the stand-in was told"));
  }
}

TEST_CASE("bias and ReLU are not fused where no algorithm does it, unless the GPU itself failed", "[cuda]") {
  rehearsed r;
  says.order = {6, 1};
  says.fails = {{6, CUDNN_STATUS_EXECUTION_FAILED}};
  CHECK(r.forward_relu());
  CHECK(says.tried == algorithms{6, 1});
  rehearsed unfused;
  says.order = {6};
  says.fails = {{6, CUDNN_STATUS_EXECUTION_FAILED}, {1, CUDNN_STATUS_NOT_SUPPORTED}};
  CHECK_FALSE(unfused.forward_relu());
  CHECK_FALSE(unfused.forward_relu());
  rehearsed failing;
  says.order = {6};
  says.fails = {{6, CUDNN_STATUS_EXECUTION_FAILED}};
  says.gpu = cudaErrorIllegalAddress;
  CHECK_THROWS_WITH(failing.forward_relu(), "the GPU failed: cudnnConvolutionBiasActivationForward");
}
