#pragma once

#include <string>
#include <type_traits>

#include <segx/core/error.hpp>
#include <segx/runtime/any_network.hpp>

/// What a program that was built without CUDA computes on.
namespace segx::tool {

using any_network = segx::any_network;

/// Calls run(std::type_identity<Backend>{}) with the backend of this name.
template <class Run>
void on_device(const std::string& name, Run&& run) {
  if (name == "cuda") {
    fail("this program was built without CUDA: build it where the CUDA toolkit and cuDNN are, or say --device cpu");
  }
  run(std::type_identity<cpu>{});
}

}  // namespace segx::tool
