#pragma once

#include <concepts>
#include <string_view>
#include <tuple>
#include <vector>

#include <segx/core/graph.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/kernels/reference.hpp>
#include <segx/runtime/operation.hpp>
#include <segx/testing/layer_run.hpp>

#include "cases/backends.hpp"

/// A layer of `Inputs` inputs of known shapes as a value: what tests do with every layer is compiled once.
template <int Inputs>
class any_layer {
 public:
  template <class Layer>
  any_layer(const Layer& layer, const std::vector<segx::shape>& x)
      : name{Layer::name}, y_{segx::testing::output_shape(layer, x)}, parameters_{segx::testing::parameters(layer, x)} {
    if constexpr (requires { Layer::as_epilogue; }) { then = Layer::as_epilogue; }
    segx::testing::detail::with_shapes(layer, x, [this](auto... s) {
      std::apply(
          [&](auto&... on) {
            ((on = {on.op.template of<Layer>(), on.op.template needs<Layer>(s...)}), ...);
          },
          on_);
    });
  }

  std::string_view name;
  segx::epilogue then{};

  template <std::same_as<segx::shape>... X>
    requires(sizeof...(X) == Inputs)
  segx::shape output_shape(X...)
  const { return y_; }
  std::vector<segx::parameter> parameters(std::same_as<segx::shape> auto...) const { return parameters_; }
  template <segx::backend B>
  segx::workspace needs(std::same_as<segx::shape> auto...) const {
    return on<B>().needs;
  }
  template <class B>
  void pack(B& backend, const segx::packing<typename B::scalar>& p) const {
    if (on<B>().op.pack != nullptr) { on<B>().op.pack(backend, p); }
  }
  template <class B>
  void forward(B& backend, const segx::forward_pass<typename B::scalar>& f) const {
    on<B>().op.forward(backend, f);
  }
  template <class B>
  void backward(B& backend, const segx::backward_pass<typename B::scalar>& b) const {
    on<B>().op.backward(backend, b);
  }

 private:
  template <class B>
  struct kernels {
    segx::operation<B> op;
    segx::workspace needs;
  };
  template <class B>
  const kernels<B>& on() const {
    return std::get<kernels<B>>(on_);
  }

  segx::shape y_;
  std::vector<segx::parameter> parameters_;
  std::tuple<kernels<segx::reference<double>>, kernels<segx::reference<float>>, kernels<other_backend>> on_;
};

template <class Layer>
any_layer(const Layer&, const std::vector<segx::shape>&) -> any_layer<segx::layer_on<Layer, segx::shape> ? 1 : 2>;
