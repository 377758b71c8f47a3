#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <segx/core/view.hpp>
#include <segx/kernels/elementwise.hpp>
#include <segx/runtime/arena.hpp>
#include <segx/runtime/program.hpp>

namespace segx {

/// What dropout does in one step of a training, or one pass of sampling.
struct dropout_draw {
  std::uint32_t seed = 0;
  float strength = 1;  // the probabilities that layers were made with are multiplied by this, in [0,1]

  epilogue at(epilogue then) const {
    then.dropout *= strength;
    return then;
  }
  std::uint32_t seed_of(int node) const { return hash32(seed + part_of(node)); }
  static constexpr std::uint32_t part_of(int node) { return 0x9e3779b9U * static_cast<std::uint32_t>(node); }
};

/// Runs a program: owns the arena for up to `max_batch` images and the packed weights. All memory is allocated when it
/// is made; running allocates nothing.
template <backend Backend>
class executor {
 public:
  using scalar = typename Backend::scalar;

  executor(Backend& on, const program<Backend>& what, int max_batch, int threads)
      : on_{&on},
        program_{what},
        max_batch_{max_batch},
        memory_{on, what, max_batch, threads},
        frozen_(what.nodes.size()),
        steady_(what.nodes.size()),
        learns_(what.nodes.size()),
        gates_(what.nodes.size()),
        gated_(what.nodes.size()) {
    find_who_learns();
    find_gates();
  }

  const program<Backend>& what() const { return program_; }
  int max_batch() const { return max_batch_; }
  std::size_t bytes() const { return memory_.bytes(); }

  /// The tensor that node i writes, and the gradient of the loss with respect to it.
  view<scalar> value(int i, int batch) const { return at(program_.value[i], i, batch); }
  view<scalar> gradient(int i, int batch) const { return at(program_.gradient[i], i, batch); }
  int last() const { return static_cast<int>(program_.nodes.size()) - 1; }

  /// The memory that it runs in.
  const arena<Backend>& memory() const { return memory_; }

  /// Keeps the weights of the layers `is_frozen(name)` as they are: backward passes end where nobody below them learns.
  /// Gradients of their weights are not to be used. Layers `is_steady(name)` normalise by running statistics, which
  /// stay as they are.
  void freeze(auto&& is_frozen, auto&& is_steady) {
    for (int i = 1; i <= last(); ++i) {
      frozen_[i] = is_frozen(program_.nodes[i].name.view());
      steady_[i] = is_steady(program_.nodes[i].name.view());
    }
    find_who_learns();
  }

  /// For prediction: brings the weights into the form that the kernels read; to be called after every change of them.
  void pack(std::span<const scalar> weights) {
    for (int i = 1; i <= last(); ++i) { pack_for_forward(i, weights); }
  }

  /// From value(0) to value(last()); `after(i)` is called behind each node. Without weights if they are packed. `drawn`
  /// is a dropout_draw, or says likewise what a layer draws.
  template <class Draw = dropout_draw, class After>
  void forward(std::span<const scalar> weights, int batch, const Draw& drawn, After&& after) {
    for (int i = 1; i <= last(); ++i) {
      if (program_.joined[i] || program_.streamed[i]) { continue; }
      const auto& node = program_.nodes[i];
      if (program_.why == purpose::training) { pack_for_forward(i, weights); }
      const forward_pass<scalar> pass = pass_of(i, weights, batch, drawn);
      if (program_.streamed[node.inputs[0]]) {
        node.op.forward_streamed(*on_, pass_of(node.inputs[0], weights, batch, drawn), pass);
      } else {
        node.op.forward(*on_, pass);
      }
      after(i);
    }
  }
  template <class Draw = dropout_draw>
  void forward(std::span<const scalar> weights, int batch, const Draw& drawn = {}) {
    forward(weights, batch, drawn, [](int) {});
  }

  /// From gradient(last()), which the loss has written, to the gradients of the weights, which it adds to `dweights`.
  /// Values, batch and draw are those of the forward pass.
  template <class Draw = dropout_draw>
  void backward(std::span<const scalar> weights, std::span<scalar> dweights, int batch, const Draw& drawn) {
    for (int i = last(); i > 0; --i) {
      if (program_.joined[i] || !learns_[i]) { continue; }
      const auto& node = program_.nodes[i];
      if (learns_[node.inputs[0]] && node.op.pack != nullptr) {
        node.op.pack(*on_, {.x = input_shape(node, 0),
                            .y = node.output,
                            .parameters = parameters(node, weights.data()),
                            .packed_backward = memory_.packed(i)});
      }
      backward_pass<scalar> pass{.y = value(i, batch),
                                 .dy = gradient(i, batch),
                                 .adds = program_.adds[i],
                                 .parameters = parameters(node, weights.data()),
                                 .dparameters = parameters(node, dweights.data()),
                                 .packed = memory_.packed(i),
                                 .scratch = memory_.scratch(),
                                 .kept = memory_.kept(i),
                                 .batch_statistics = !steady_[i]};
      for (int k = 0; k < node.input_count; ++k) {
        pass.x[k] = value(node.inputs[k], batch);
        if (learns_[node.inputs[k]]) { pass.dx[k] = gradient(node.inputs[k], batch); }
      }
      if (gates_[i]) { pass.relu_scale = 1 / (1 - drawn.at(program_.nodes[node.inputs[0]].then).dropout); }
      const epilogue then = drawn.at(node.then);
      if (!then.empty() && !gated_[i]) {
        if (node.needs.slopes) {
          pass.then = then;
          pass.seed = drawn.seed_of(i);
        } else {
          const auto& known = slope_follows_from_result(then.act) ? pass.y : pass.x[0];
          epilogue_backward(*on_, then, known, pass.dy, drawn.seed_of(i));
        }
      }
      node.op.backward(*on_, pass);
    }
  }

 private:
  view<scalar> at(std::int64_t offset, int i, int batch) const {
    return memory_.at(offset, program_.nodes[i].output, batch);
  }
  /// A gradient is wanted where a layer, or one before it, has weights that are not frozen; never that of the images.
  void find_who_learns() {
    for (int i = 1; i <= last(); ++i) {
      const auto& node = program_.nodes[i];
      learns_[i] = node.parameter_count > 0 && !frozen_[i];
      for (int k = 0; k < node.input_count; ++k) { learns_[i] = learns_[i] || learns_[node.inputs[k]]; }
    }
  }
  /// In a training, the last of a value's readers to write its gradient, its first reader, takes the ReLU that made the
  /// value with it, if it can: memory is passed once less.
  void find_gates() {
    for (int i = 1; i <= last() && program_.why == purpose::training; ++i) {
      const int input = program_.nodes[i].inputs[0];
      const epilogue& then = program_.nodes[input].then;
      bool is_first_reader = true;
      for (int k = input + 1; k < i; ++k) { is_first_reader = is_first_reader && !program_.nodes[k].reads(input); }
      gates_[i] = program_.nodes[i].needs.gates && then.act == activation::relu && !then.whole_image &&
                  is_first_reader && !program_.joined[input];
      if (gates_[i]) { gated_[input] = true; }
    }
  }
  template <class Draw>
  forward_pass<scalar> pass_of(int i, std::span<const scalar> weights, int batch, const Draw& drawn) const {
    const auto& node = program_.nodes[i];
    forward_pass<scalar> pass{.y = value(i, batch),
                              .parameters = parameters(node, weights.data()),
                              .packed = memory_.packed(i),
                              .scratch = memory_.scratch(),
                              .then = drawn.at(node.then),
                              .seed = drawn.seed_of(i),
                              .kept = memory_.kept(i),
                              .batch_statistics = program_.why == purpose::training && !steady_[i]};
    for (int k = 0; k < node.input_count; ++k) { pass.x[k] = value(node.inputs[k], batch); }
    return pass;
  }
  void pack_for_forward(int i, std::span<const scalar> weights) {
    const auto& node = program_.nodes[i];
    if (node.op.pack == nullptr) { return; }
    node.op.pack(*on_, {.x = input_shape(node, 0),
                        .y = node.output,
                        .parameters = parameters(node, weights.data()),
                        .packed = memory_.packed(i)});
  }
  shape input_shape(const auto& node, int k) const { return program_.nodes[node.inputs[k]].output; }

  template <class Value>
  static std::array<Value*, 4> parameters(const auto& node, Value* weights) {
    std::array<Value*, 4> result{};
    if (weights == nullptr) { return result; }  // all kernels read packed ones
    for (int p = 0; p < node.parameter_count; ++p) { result[p] = weights + node.places[p]; }
    return result;
  }

  Backend* on_;  // a pointer, so that executors can be assigned
  program<Backend> program_;
  int max_batch_;
  arena<Backend> memory_;
  std::vector<bool> frozen_;
  std::vector<bool> steady_;
  std::vector<bool> learns_;
  std::vector<bool> gates_;  // the node's backward pass includes the ReLU that made its input
  std::vector<bool> gated_;  // … so that this node's own does without
};

}  // namespace segx
