#pragma once

#include <concepts>

#include <segx/core/choice.hpp>
#include <segx/core/layout.hpp>

namespace segx {

/// Root of all backends. A backend is a tag (it may carry a thread pool, a stream) that kernels overload on; one that
/// derives from another inherits every kernel it does not replace. It says its `scalar` and how it keeps tensors in
/// `memory`. The tag and its kernels come from one header, kernels/<backend>.hpp, so that nobody can ask for a kernel
/// before it is declared.
struct backend_base {};

template <class B>
concept backend = std::derived_from<B, backend_base> && std::floating_point<typename B::scalar> && requires {
  { B::memory } -> std::convertible_to<layout>;
};

}  // namespace segx
