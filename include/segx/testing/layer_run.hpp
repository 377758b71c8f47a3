#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <segx/core/graph.hpp>
#include <segx/core/random.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>
#include <segx/runtime/arena.hpp>
#include <segx/runtime/buffer.hpp>
#include <segx/runtime/transfer.hpp>

namespace segx::testing {

/// One array in [N,C,H,W] or in a weight file's layout, whatever the backend.
using array = std::vector<double>;

/// Everything that goes into one layer. `draw` fills it with values that a float holds exactly.
struct layer_inputs {
  int batch = 1;
  std::vector<shape> extents;     // of the inputs
  std::vector<array> x;           // [N,C,H,W] each
  std::vector<array> parameters;  // in the order of the layer's `parameters`
  array dy;                       // gradient with respect to the result
  epilogue then;                  // what the layer applies to its result
  std::uint32_t seed = 0;         // of the dropout in `then`
  bool batch_statistics = true;   // false: as deployed, or in a part that keeps its running statistics
};

/// Gradients of one layer, or the values that they are to be added to.
struct layer_gradients {
  std::vector<array> x;  // one for each input
  std::vector<array> parameters;
};

/// Where a test keeps what a layer reads and writes, and how it waits until a backend has done its work; a backend that
/// computes elsewhere has a specialisation.
template <class Backend>
struct test_memory {
  using memory = buffer<typename Backend::scalar>;
  /// From one image to the next, with a gap between them.
  static std::int64_t stride(shape extent) { return (Backend::memory.floats(extent) + 31) / 16 * 16; }
  static void finish(Backend&) {}
};

namespace detail {

/// f(layer, shapes…) with one shape or two, as the layer takes them.
template <class Layer, class Function>
decltype(auto) with_shapes(const Layer& layer, const std::vector<shape>& x, Function&& f) {
  if constexpr (requires { layer.output_shape(x[0], x[1]); }) {
    return f(x.at(0), x.at(1));
  } else {
    return f(x.at(0));
  }
}

/// Multiples of 2⁻¹⁶ in ±[0.25, 2.25): exact in every element type, and away from the kink of a ReLU.
inline array drawn(random_generator& random, std::int64_t size) {
  array values(static_cast<std::size_t>(size));
  for (double& v : values) {
    const double magnitude = 0.25 + static_cast<double>(random.below(1U << 17U)) * 0x1p-16;
    v = random.below(2) == 0 ? magnitude : -magnitude;
  }
  return values;
}

/// Weights, divided by a power of two so that results stay near one.
inline array drawn(random_generator& random, const parameter& p) {
  array values = drawn(random, p.size());
  if (p.is_statistic && p.start == init::one) {  // a variance
    for (double& v : values) { v = std::abs(v); }
  }
  const double summands = static_cast<double>(p.size()) / p.extents[0];
  for (double& v : values) { v *= std::exp2(-std::round(std::log2(summands) / 2)); }
  return values;
}

}  // namespace detail

template <class Layer>
shape output_shape(const Layer& layer, const std::vector<shape>& x) {
  return detail::with_shapes(layer, x, [&](auto... s) { return layer.output_shape(s...); });
}

/// The learnables of a layer for inputs of these shapes.
template <class Layer>
std::vector<parameter> parameters(const Layer& layer, const std::vector<shape>& x) {
  return detail::with_shapes(layer, x, [&]([[maybe_unused]] auto... s) -> std::vector<parameter> {
    if constexpr (requires { layer.parameters(s...); }) {
      const auto list = layer.parameters(s...);
      return {list.begin(), list.end()};
    } else {
      return {};
    }
  });
}

/// Random inputs of a layer: the same for the same seed, on every machine.
template <class Layer>
layer_inputs draw(const Layer& layer, int batch, const std::vector<shape>& x, epilogue then = {},
                  std::uint64_t seed = 1) {
  random_generator random{seed};
  layer_inputs in;
  in.batch = batch;
  in.extents = x;
  in.then = then;
  in.seed = static_cast<std::uint32_t>(seed);
  if constexpr (requires { Layer::as_epilogue; }) { in.then = Layer::as_epilogue; }
  for (const shape& s : x) { in.x.push_back(detail::drawn(random, batch * s.size())); }
  for (const parameter& p : parameters(layer, x)) { in.parameters.push_back(detail::drawn(random, p)); }
  in.dy = detail::drawn(random, batch * output_shape(layer, x).size());
  return in;
}

/// Values to which gradients are added.
inline layer_gradients draw_gradients(const layer_inputs& like, std::uint64_t seed = 2) {
  random_generator random{seed};
  layer_gradients result;
  for (const array& x : like.x) { result.x.push_back(detail::drawn(random, static_cast<std::int64_t>(x.size()))); }
  for (const array& p : like.parameters) {
    result.parameters.push_back(detail::drawn(random, static_cast<std::int64_t>(p.size())));
  }
  return result;
}

/// Runs one layer, a layer type or an object with the same functions, on a backend as a session would, but in hostile
/// memory: outputs and scratch memory hold NaN before, lanes behind the last channel hold garbage, and there is a gap
/// between images.
template <backend Backend, class Layer>
class layer_run {
 public:
  using scalar = typename Backend::scalar;

  layer_run(Backend& on, const Layer& layer, const layer_inputs& in)
      : on_{on}, layer_{layer}, in_{in}, y_extent_{output_shape(layer, in.extents)} {
    for (std::size_t k = 0; k < in.x.size(); ++k) { x_.push_back(loaded(in.x[k], in.extents[k])); }
    for (const array& p : in.parameters) {
      parameters_.push_back(poisoned(static_cast<std::int64_t>(p.size())));
      std::copy(p.begin(), p.end(), parameters_.back().data());
    }
    const workspace needs =
        segx::testing::detail::with_shapes(layer, in.extents, [&]([[maybe_unused]] auto... s) -> workspace {
          if constexpr (requires { layer.template needs<Backend>(s...); }) {
            return layer.template needs<Backend>(s...);
          }
          return {};
        });
    packed_ = poisoned(needs.packed);
    packed_backward_ = poisoned(needs.packed_backward);
    gates_ = needs.gates;
    slopes_ = needs.slopes;
    kept_floats_ = needs.kept;
    kept_ = poisoned(kept_floats_ * in.batch);
    scratch_floats_ = std::max(needs.scratch, needs.scratch_backward);
    scratch_ = poisoned(scratch_floats_ * thread_count());
    if constexpr (requires(const packing<scalar>& p) { layer.pack(on, p); }) {
      layer.pack(
          on, packing<scalar>{in.extents[0], y_extent_, parameter_pointers(), packed_.data(), packed_backward_.data()});
      test_memory<Backend>::finish(on);
    }
  }

  /// The result y.
  array forward() {
    tensor_memory y = unwritten(y_extent_);
    forward_pass<scalar> pass{
        .y = y.of, .then = in_.then, .seed = in_.seed, .kept = kept(), .batch_statistics = in_.batch_statistics};
    for (std::size_t k = 0; k < x_.size(); ++k) { pass.x[k] = x_[k].of; }
    const bool keeps = packed_.size() == 0 || !shares_memory<Backend>;  // else who packs, never looks at them again
    if (keeps) { pass.parameters = parameter_pointers(); }
    pass.packed = packed_.data();
    pass.scratch = scratch();
    layer_.forward(on_, pass);
    return read(y);
  }

  /// The gradients, given the forward result y, behind a call of `forward` where the layer keeps something. With
  /// `start`, dx and dparameters are added to it; otherwise dx is written and dparameters are added to zero. For an
  /// input that is not `wanted` (as an image's is not) dx is left empty. `relu_scale` is for layers that gate.
  layer_gradients backward(const array& y, const std::optional<layer_gradients>& start = {},
                           std::array<bool, 2> wanted = {true, true}, float relu_scale = 0) {
    const tensor_memory result = loaded(y, y_extent_);
    const tensor_memory dy = loaded(in_.dy, y_extent_);
    backward_pass<scalar> pass{.y = result.of,
                               .dy = dy.of,
                               .kept = kept(),
                               .batch_statistics = in_.batch_statistics,
                               .relu_scale = relu_scale};
    std::vector<tensor_memory> dx;
    for (std::size_t k = 0; k < x_.size(); ++k) {
      dx.push_back(start ? loaded(start->x[k], in_.extents[k]) : unwritten(in_.extents[k]));
      pass.x[k] = x_[k].of;
      if (wanted[k]) { pass.dx[k] = dx[k].of; }
      pass.adds[k] = start.has_value();
    }
    std::vector<memory> dparameters;
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      dparameters.emplace_back(parameters_[p].size());
      if (start) { std::copy(start->parameters[p].begin(), start->parameters[p].end(), dparameters[p].data()); }
      pass.dparameters[p] = dparameters[p].data();
    }
    pass.parameters = parameter_pointers();
    pass.packed = packed_backward_.data();
    pass.scratch = scratch();
    if (slopes_) {
      pass.then = in_.then;
      pass.seed = in_.seed;
    } else if (!in_.then.empty()) {
      const auto& known = slope_follows_from_result(in_.then.act) ? pass.y : pass.x[0];
      epilogue_backward(on_, in_.then, known, pass.dy, in_.seed);
    }
    layer_.backward(on_, pass);
    test_memory<Backend>::finish(on_);

    layer_gradients gradients;
    for (std::size_t k = 0; k < dx.size(); ++k) { gradients.x.push_back(wanted[k] ? read(dx[k]) : array{}); }
    for (const auto& p : dparameters) { gradients.parameters.emplace_back(p.data(), p.data() + p.size()); }
    return gradients;
  }

  /// True if the backend's layer can take over the ReLU that made its input.
  bool gates() const { return gates_; }

  /// Inputs and gradients of a layer as the backend holds them, which may be with fewer bits: so that the largest of a
  /// window, say, is the same one elsewhere.
  static layer_inputs as_held(Backend& on, const Layer& layer, layer_inputs in) {
    const layer_inputs given = in;
    layer_run run{on, layer, given};
    for (std::size_t k = 0; k < in.x.size(); ++k) { in.x[k] = run.read(run.x_[k]); }
    in.dy = run.held(given.dy);
    return in;
  }
  array held(const array& y) { return read(loaded(y, y_extent_)); }

 private:
  using memory = typename test_memory<Backend>::memory;
  struct tensor_memory {
    memory values;
    view<scalar> of;
  };

  static memory poisoned(std::int64_t size) {
    memory values(static_cast<std::size_t>(size));
    std::fill_n(values.data(), values.size(), std::numeric_limits<scalar>::quiet_NaN());
    return values;
  }
  tensor_memory unwritten(shape extent) const {
    const std::int64_t stride = test_memory<Backend>::stride(extent);
    tensor_memory m{poisoned(in_.batch * stride), {}};
    m.of = {m.values.data(), in_.batch, stride, extent};
    return m;
  }
  tensor_memory loaded(const array& values, shape extent) {
    tensor_memory m = unwritten(extent);
    const std::vector<scalar> converted(values.begin(), values.end());
    copy_in(on_, converted.data(), m.of);
    segx::set_spare_lanes<Backend::memory>(m.of, scalar{1000});
    return m;
  }
  array read(const tensor_memory& m) const {
    std::vector<scalar> values(static_cast<std::size_t>(m.of.batch * m.of.extent.size()));
    copy_out(on_, m.of, activation::none, values.data());
    const bool has_lanes = Backend::memory.is_blocked(m.of.extent);
    for (int n = 0; has_lanes && n < m.of.batch;
         ++n) {  // lanes behind the last channel are read by others and must be finite
      for (std::int64_t i = 0; i < Backend::memory.floats(m.of.extent); ++i) {
        if (!std::isfinite(m.of.image(n)[i])) { values[0] = std::numeric_limits<scalar>::quiet_NaN(); }
      }
    }
    return {values.begin(), values.end()};
  }

  std::array<const scalar*, 4> parameter_pointers() const {
    std::array<const scalar*, 4> result{};
    for (std::size_t p = 0; p < parameters_.size(); ++p) { result[p] = parameters_[p].data(); }
    return result;
  }
  kept_memory<scalar> kept() const { return {kept_.data(), kept_floats_}; }
  scratch_memory<scalar> scratch() const { return {scratch_.data(), scratch_floats_}; }
  int thread_count() const {
    if constexpr (requires { on_.threads.size(); }) { return on_.threads.size(); }
    return 1;
  }

  Backend& on_;
  const Layer& layer_;
  const layer_inputs& in_;
  shape y_extent_;
  std::vector<tensor_memory> x_;
  std::vector<memory> parameters_;
  memory packed_, packed_backward_, scratch_, kept_;
  std::int64_t scratch_floats_ = 0;
  bool gates_ = false;
  bool slopes_ = false;
  std::int64_t kept_floats_ = 0;
};

}  // namespace segx::testing
