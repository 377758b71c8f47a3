#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include <segx/cuda/learner.hpp>
#include <segx/cuda/training_bytes.hpp>

#include "devices.hpp"
#include "moments.hpp"

namespace segx::tool {

/// Bytes of the GPU that a training may take.
inline std::optional<std::int64_t> memory_for_training(std::type_identity<cuda>) {
  return gpu::free_memory() - gpu::left_to_libraries;
}

/// By the GPU's own clock: the host, which only gives work, is far ahead of it.
template <>
class moments<cuda> {
 public:
  moments(cuda& on, std::size_t count) : in_{on.in}, at_(count) {}

  void record(std::size_t k) { at_[k].record(in_); }
  void wait() { in_.wait(); }
  double seconds(std::size_t first, std::size_t next) const {
    return gpu::event::seconds_between(at_[first], at_[next]);
  }

 private:
  gpu::stream& in_;
  std::vector<gpu::event> at_;
};

}  // namespace segx::tool
