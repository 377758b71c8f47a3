#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <segx/cuda/arena.hpp>
#include <segx/testing/layer_run.hpp>

/// Memory that host and GPU both see, for tests.
template <class T>
class shared_buffer {
 public:
  shared_buffer() = default;
  explicit shared_buffer(std::size_t size)
      : data_{static_cast<T*>(segx::gpu::allocate_shared(static_cast<std::int64_t>(size * sizeof(T))))}, size_{size} {}
  ~shared_buffer() { segx::gpu::release(data_); }
  shared_buffer(shared_buffer&& other) noexcept { *this = std::move(other); }
  shared_buffer& operator=(shared_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

template <>
struct segx::testing::test_memory<segx::cuda> {
  using memory = shared_buffer<float>;
  static std::int64_t stride(segx::shape extent) { return extent.size(); }  // batches are dense
  static void finish(segx::cuda& on) { on.in.wait(); }
};

/// The GPU in each of its precisions, with the errors that they may make. TF32 keeps ten bits of a factor; where tensor
/// cores cut the others off, and do not round, sums of few products err by up to 1.7e-3.
template <segx::precision Numbers>
struct cuda_in {
  using type = segx::cuda;
  static type make() { return type{Numbers}; }
  static constexpr double exact = Numbers == segx::precision::fp32   ? 1e-5
                                  : Numbers == segx::precision::tf32 ? 2e-3
                                  : Numbers == segx::precision::bf16 ? 1e-2
                                                                     : 2e-3;  // rounds up to four times
  static constexpr double winograd = exact;
  static constexpr double gradient = 1e-3;
};

using other_backend = segx::cuda;

#define SEGX_BACKEND_TEST(...)                                                                    \
  TEMPLATE_TEST_CASE(__VA_ARGS__, cuda_in<segx::precision::fp32>, cuda_in<segx::precision::tf32>, \
                     cuda_in<segx::precision::bf16>, cuda_in<segx::precision::fp16>)
#define SEGX_GRADIENT_TEST(...) TEMPLATE_TEST_CASE(__VA_ARGS__, cuda_in<segx::precision::fp32>)
#define SEGX_FLOAT_TEST(...) \
  TEMPLATE_TEST_CASE(__VA_ARGS__, cuda_in<segx::precision::fp32>, cuda_in<segx::precision::tf32>)
