#pragma once

#include <cuda_runtime.h>

#include <string_view>

namespace segx::gpu {

/// Throws `error` unless a call of CUDA succeeded: what was called, where, and what the answer means.
void check(cudaError_t result, const char* call, const char* file, int line);

/// CUDA keeps the last error of a thread, of whatever call; the next launch of a kernel would be blamed for one that
/// was dealt with.
void forget_error();

/// Without its folders.
constexpr const char* file_name(const char* path) {
  const std::string_view text{path};
  const auto last = text.rfind('/');
  return last == text.npos ? path : path + last + 1;
}

/// Fails where the program has no kernels that this GPU can run.
cudaError_t look_for_kernels();

#define SEGX_CHECK(call) ::segx::gpu::check(call, #call, __FILE__, __LINE__)

}  // namespace segx::gpu
