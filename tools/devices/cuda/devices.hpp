#pragma once

#include <string>
#include <type_traits>

#include <segx/cuda/arena.hpp>
#include <segx/runtime/any_network.hpp>

/// What a program that was built with CUDA computes on.
namespace segx::tool {

using any_network = any_network_on<cuda>;

/// Calls run(std::type_identity<Backend>{}) with the backend of this name. Throws where there is no GPU.
template <class Run>
void on_device(const std::string& name, Run&& run) {
  if (name != "cuda") { return run(std::type_identity<cpu>{}); }
  gpu::device();
  run(std::type_identity<cuda>{});
}

}  // namespace segx::tool
