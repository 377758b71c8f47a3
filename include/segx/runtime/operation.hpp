#pragma once

#include <array>

#include <segx/core/graph.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

/// How a backend runs one layer: the functions of the layer's type, as pointers in the table that the graph is. One
/// instantiation for each distinct layer, not for each place in a network. A function that does not exist is null.
template <class Backend>
struct operation {
  using scalar = typename Backend::scalar;

  choices<Backend> choice = choice_of<Backend>;  // by which `needs` goes
  void (*pack)(Backend&, const packing<scalar>&) = nullptr;
  void (*forward)(Backend&, const forward_pass<scalar>&) = nullptr;
  void (*backward)(Backend&, const backward_pass<scalar>&) = nullptr;
  /// `forward` of two layers, the first of which streams its result to this one: see `workspace`.
  void (*forward_streamed)(Backend&, const forward_pass<scalar>& first, const forward_pass<scalar>&) = nullptr;
  bool has_forward = false;   // for constants: with -fsanitize=undefined GCC does not take a comparison with null
  bool has_backward = false;  // for one

  template <class Layer>
  static constexpr operation of() {
    operation op;
    if constexpr (requires(Backend & on, const packing<scalar>& p) { Layer::pack(on, p); }) {
      op.pack = &Layer::template pack<Backend>;
    }
    if constexpr (requires(Backend & on, const forward_pass<scalar>& f) { Layer::forward(on, f); }) {
      op.forward = &Layer::template forward<Backend>;
      op.has_forward = true;
    }
    if constexpr (requires(Backend & on, const forward_pass<scalar>& f) { Layer::forward_streamed(on, f, f); }) {
      op.forward_streamed = &Layer::template forward_streamed<Backend>;
    }
    if constexpr (requires(Backend & on, const backward_pass<scalar>& b) { Layer::backward(on, b); }) {
      op.backward = &Layer::template backward<Backend>;
      op.has_backward = true;
    }
    return op;
  }

  constexpr operation without_backward() const {
    operation op = *this;
    op.backward = nullptr;
    op.has_backward = false;
    return op;
  }

  template <class Layer, class... Shapes>
  constexpr workspace needs(Shapes... in) const {
    if constexpr (requires { Layer::template needs<Backend>(in..., choice); }) {
      return Layer::template needs<Backend>(in..., choice);
    } else if constexpr (requires { Layer::template needs<Backend>(in...); }) {
      return Layer::template needs<Backend>(in...);
    } else {
      return {};
    }
  }
};

}  // namespace segx
