// Replaces every form of operator new, and fails if one is called while a session predicts or a network trains.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>

namespace {

std::atomic<long> allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) { throw std::bad_alloc{}; }
  return memory;
}

constexpr std::size_t usual = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return allocate(size, usual); }
void* operator new[](std::size_t size) { return allocate(size, usual); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, usual); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, usual); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(a));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

int failures = 0;

/// Fails if `work` allocates more than `expected` times.
template <class Work>
void expect_allocations(const char* what, bool expected, Work&& work) {
  const long before = allocations;
  work();
  const long found = allocations - before;
  const bool is_as_expected = (found > 0) == expected;
  std::printf("%s: %ld allocations%s\n", what, found, is_as_expected ? "" : ": WRONG");
  failures += is_as_expected ? 0 : 1;
}

using images = xt::xtensor<float, 4>;

void predict(int threads) {
  const auto weights = segx::weights<segx::unet8>::random(1);
  const images two = images::from_shape({2, 1, 64, 48});
  images result = images::from_shape({2, 1, 64, 48});
  segx::session<segx::unet8::at<64, 48>> fixed{weights, {.batch = 2, .threads = threads}};
  segx::session<segx::unet8> dynamic{weights, 64, 48, {.batch = 2, .threads = threads}};
  expect_allocations("predict, fixed size", false, [&] { fixed.predict(two, result); });
  expect_allocations("logits, fixed size", false, [&] { fixed.logits(two, result); });
  expect_allocations("predict, size known when it runs", false, [&] { dynamic.predict(two, result); });
  expect_allocations("predict into a new tensor", true, [&] { result = fixed.predict(two); });  // the counter works
}

void train(int threads) {
  const auto weights = segx::weights<segx::unet8>::random(1);
  const images two = images::from_shape({2, 1, 64, 48});
  images logits = images::from_shape({2, 1, 64, 48});
  segx::training_session<segx::unet8> session{64, 48, {.batch = 2, .threads = threads}};
  expect_allocations("a step of training", false, [&] {
    session.forward(weights.values(), two, logits, {1});
    session.backward(weights.values(), two);
  });
}

}  // namespace

int main() {
  for (const int threads : {1, 2}) {
    std::printf("%d threads\n", threads);
    predict(threads);
    train(threads);
  }
  return failures == 0 ? 0 : 1;
}
