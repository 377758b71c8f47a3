#include <cuda_runtime.h>

#include <chrono>
#include <string>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/cuda/device_check.hpp>
#include <segx/cuda/driver.hpp>

#include "check.hpp"

namespace segx::gpu {

namespace {

cudaStream_t raw(const stream& s) { return static_cast<cudaStream_t>(s.handle()); }

/// What is known of the first GPU; throws if there is none.
device_facts look() {
  device_facts found;
  // Without a driver these two calls succeed, and say 0.
  SEGX_CHECK(cudaDriverGetVersion(&found.driver));
  SEGX_CHECK(cudaRuntimeGetVersion(&found.runtime));
  if (found.driver == 0) { fail("there is no NVIDIA driver on this machine; compute on the CPU (--device cpu)"); }
  int count = 0;
  const cudaError_t problem = cudaGetDeviceCount(&count);
  if (problem == cudaErrorNoDevice || (problem == cudaSuccess && count == 0)) {
    fail(
        "the NVIDIA driver shows no GPU to this process (see nvidia-smi, and the variable CUDA_VISIBLE_DEVICES); "
        "compute on the CPU (--device cpu)");
  }
  if (problem == cudaErrorInsufficientDriver) { fail(old_driver(found)); }
  check(problem, "cudaGetDeviceCount(&count)", __FILE__, __LINE__);
  cudaDeviceProp properties{};
  SEGX_CHECK(cudaGetDeviceProperties(&properties, 0));
  found.name = properties.name;
  found.major = properties.major;
  found.minor = properties.minor;
  found.memory = static_cast<std::int64_t>(properties.totalGlobalMem);
  if (const std::string why = refusal(found); !why.empty()) { fail(why); }
  SEGX_CHECK(cudaSetDevice(0));
  if (look_for_kernels() != cudaSuccess) {
    forget_error();
    fail(no_kernels(found));
  }
  return found;
}

}  // namespace

void forget_error() { static_cast<void>(cudaGetLastError()); }

void check(cudaError_t result, const char* call, const char* file, int line) {
  if (result == cudaSuccess) { return; }
  forget_error();
  fail({"CUDA: ", call, " failed in ", file_name(file), ":", line, ": ", cudaGetErrorString(result), " (",
        cudaGetErrorName(result), ")"});
}

void expect_launched(const char* file, unsigned line) {
  check(cudaGetLastError(), "the launch of a kernel", file, static_cast<int>(line));
}

const device_facts& device() {
  static const device_facts first = look();
  return first;
}

std::string why_no_device() {
  try {
    device();
    return "";
  } catch (const error& why) { return why.what(); }
}

std::int64_t free_memory() {
  device();
  std::size_t free = 0, all = 0;
  SEGX_CHECK(cudaMemGetInfo(&free, &all));
  return static_cast<std::int64_t>(free);
}

namespace {
/// On this thread's own stream, for which it waits, as the streams of sessions do not. To wait for the device would end
/// what another thread is recording.
void* cleared(void* memory, std::int64_t bytes) {
  SEGX_CHECK(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), cudaStreamPerThread));
  SEGX_CHECK(cudaStreamSynchronize(cudaStreamPerThread));
  return memory;
}
}  // namespace

void* allocate(std::int64_t bytes) {
  device();
  void* memory = nullptr;
  SEGX_CHECK(cudaMalloc(&memory, static_cast<std::size_t>(bytes > 0 ? bytes : 1)));
  return cleared(memory, bytes);
}
// When a program ends, CUDA may have ended before: what releasing says is of no use.
void release(void* memory) {
  static_cast<void>(cudaFree(memory));
  forget_error();
}

void* allocate_pinned(std::int64_t bytes) {
  device();
  void* memory = nullptr;
  SEGX_CHECK(cudaMallocHost(&memory, static_cast<std::size_t>(bytes > 0 ? bytes : 1)));
  return memory;
}
void release_pinned(void* memory) {
  static_cast<void>(cudaFreeHost(memory));
  forget_error();
}

void* allocate_shared(std::int64_t bytes) {
  device();
  void* memory = nullptr;
  SEGX_CHECK(cudaMallocManaged(&memory, static_cast<std::size_t>(bytes > 0 ? bytes : 1)));
  return cleared(memory, bytes);
}

stream::stream() {
  device();
  cudaStream_t made = nullptr;
  SEGX_CHECK(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
  handle_ = made;
}
stream::~stream() { static_cast<void>(cudaStreamDestroy(raw(*this))); }

void stream::copy_to_device(void* to, const void* from, std::int64_t bytes) {
  SEGX_CHECK(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, raw(*this)));
}
void stream::copy_to_host(void* to, const void* from, std::int64_t bytes) {
  SEGX_CHECK(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, raw(*this)));
}
void stream::copy_on_device(void* to, const void* from, std::int64_t bytes) {
  SEGX_CHECK(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, raw(*this)));
}
void stream::clear(void* memory, std::int64_t bytes) {
  SEGX_CHECK(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), raw(*this)));
}
void stream::wait() { SEGX_CHECK(cudaStreamSynchronize(raw(*this))); }

namespace {
cudaEvent_t raw(void* handle) { return static_cast<cudaEvent_t>(handle); }
}  // namespace

event::event() {
  device();
  cudaEvent_t made = nullptr;
  SEGX_CHECK(cudaEventCreate(&made));
  handle_ = made;
}
event::~event() { static_cast<void>(cudaEventDestroy(raw(handle_))); }
void event::record(stream& in) { SEGX_CHECK(cudaEventRecord(raw(handle_), raw(in))); }
void event::let_wait(stream& other) const { SEGX_CHECK(cudaStreamWaitEvent(raw(other), raw(handle_), 0)); }
double event::wait() const {
  const auto start = std::chrono::steady_clock::now();
  SEGX_CHECK(cudaEventSynchronize(raw(handle_)));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
double event::seconds_between(const event& first, const event& second) {
  float milliseconds = 0;
  SEGX_CHECK(cudaEventElapsedTime(&milliseconds, raw(first.handle_), raw(second.handle_)));
  return static_cast<double>(milliseconds) / 1000;
}

recording::~recording() {
  if (handle_ != nullptr) { static_cast<void>(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(handle_))); }
}
recording& recording::operator=(recording&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}
// Stricter modes forbid this thread the calls that CUDA deems unsafe beside a recording. But a kernel that is first
// launched here is loaded here, and cuDNN may set attributes of its own, which may take such calls; what is recorded
// does not depend on them.
void recording::begin(stream& in) { SEGX_CHECK(cudaStreamBeginCapture(raw(in), cudaStreamCaptureModeRelaxed)); }
recording recording::end(stream& in) {
  cudaGraph_t graph = nullptr;
  SEGX_CHECK(cudaStreamEndCapture(raw(in), &graph));
  cudaGraphExec_t ready = nullptr;
  const cudaError_t made = cudaGraphInstantiate(&ready, graph, 0);
  SEGX_CHECK(cudaGraphDestroy(graph));
  check(made, "cudaGraphInstantiate(&ready, graph, 0)", __FILE__, __LINE__);
  recording result;
  result.handle_ = ready;
  return result;
}
void recording::abandon(stream& in) {
  cudaGraph_t graph = nullptr;
  static_cast<void>(cudaStreamEndCapture(raw(in), &graph));
  if (graph != nullptr) { static_cast<void>(cudaGraphDestroy(graph)); }
  forget_error();
}
void recording::play(stream& in) const { SEGX_CHECK(cudaGraphLaunch(static_cast<cudaGraphExec_t>(handle_), raw(in))); }

}  // namespace segx::gpu
