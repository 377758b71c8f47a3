#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/finite.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/runtime/engine.hpp>
#include <segx/runtime/transfer.hpp>
#include <segx/runtime/weights.hpp>

namespace segx {

/// A network that learns: forward to logits, backward to the gradients of its weights. Fixed or dynamic size, as
/// `session`. The weights stay the caller's; `forward` reads them as they are when it is called. A step:
///
///   learner.forward(w.values(), images, logits, {.seed = step});
///   …                                               // dlogits = dL/dlogits
///   learner.clear_gradients();
///   learner.backward(w.values(), dlogits);
///   optimizer.step(w.learnable(), learner.slopes());
///   learner.move_statistics(w.statistics());         // of batch normalisations, which networks are deployed with
template <class Model, backend Backend = cpu>
class training_session {
  using engine = detail::engine<Model, Backend, purpose::training>;

 public:
  using scalar = typename Backend::scalar;
  using tensor4 = xt::xtensor<scalar, 4>;

  explicit training_session(session_options options) requires detail::fixed_size<Model>
      : training_session{std::make_unique<typename engine::plan>(), options} {}

  /// Throws `error` if the network does not take images of this size.
  training_session(int height, int width,
                   session_options options) requires(!detail::fixed_size<Model> && std::default_initializable<Model>)
      : training_session{Model{}, height, width, options} {}
  training_session(const Model& network, int height, int width,
                   session_options options) requires(!detail::fixed_size<Model>)
      : training_session{std::make_unique<typename engine::plan>(network, height, width), options} {}

  shape input() const { return engine_.run.what().input(); }
  shape output() const { return engine_.run.what().output(); }
  int threads() const { return engine_.threads(); }

  /// Bytes that the session holds: arena, scratch memory, packed weights and gradients.
  std::size_t bytes() const { return engine_.run.bytes() + gradients_.size() * sizeof(scalar); }

  /// images [N,C,H,W] → logits [N,K,H,W], N ≤ batch. Allocates nothing if `logits` has its shape already.
  void forward(std::span<const scalar> weights, const tensor4& images, tensor4& logits, const dropout_draw& drawn) {
    auto& executor = engine_.run;
    expect_weights(weights);
    detail::expect_batch(images, input(), executor.max_batch(), "images");
    batch_ = static_cast<int>(images.shape()[0]);
    drawn_ = drawn;
    copy_in(*engine_.on, images.data(), executor.value(0, batch_));
    executor.forward(weights, batch_, drawn_);
    engine_.fit_result(logits, static_cast<std::size_t>(batch_));
    copy_out(*engine_.on, executor.value(executor.last(), batch_), activation::none, logits.data());
  }

  template <class Network>
  void forward(const weights<Network, scalar>& w, const tensor4& images, tensor4& logits, const dropout_draw& drawn) {
    forward(w.values(), images, logits, drawn);
  }

  /// Adds the gradients of the learnables, and what running statistics are to lose, to `gradients()`, from dlogits =
  /// dL/dlogits of the last forward pass. Once for each: gradients take the memory of values that nobody needs any
  /// more.
  void backward(std::span<const scalar> weights, const tensor4& dlogits) {
    auto& executor = engine_.run;
    expect_weights(weights);
    detail::expect_gradients(dlogits, batch_, output());
    copy_in(*engine_.on, dlogits.data(), executor.gradient(executor.last(), batch_));
    executor.backward(weights, gradients_.span(), batch_, drawn_);
    batch_ = 0;
  }

  template <class Network>
  void backward(const weights<Network, scalar>& w, const tensor4& dlogits) {
    backward(w.values(), dlogits);
  }

  /// Keeps some layers as they are: those in parts of these names, "encoder" or "encoder.2". Weights of `frozen` parts
  /// must be left alone by the optimizer; what lies below the last layer that learns takes no time in backward passes.
  /// Batch normalisations in `frozen` and in `steady` parts use and keep their running statistics.
  void freeze(std::span<const std::string> frozen, std::span<const std::string> steady = {}) {
    engine_.run.freeze([=](std::string_view layer) { return is_part_of(layer, frozen); },
                       [=](std::string_view layer) { return is_part_of(layer, frozen) || is_part_of(layer, steady); });
  }

  /// In the order of the weights: those of the learnables, then what each running statistic is to lose, which is no
  /// gradient and not for an optimizer.
  std::span<scalar> gradients() { return gradients_.span(); }
  /// The gradients of the learnables.
  std::span<scalar> slopes() { return gradients_.span().first(engine_.run.what().learnables()); }
  /// Moves the running statistics by what the backward passes since `clear_gradients` say: the mean over so many.
  void move_statistics(std::span<scalar> statistics, int batches = 1) {
    const std::span<const scalar> lost = gradients_.span().subspan(engine_.run.what().learnables());
    detail::move_statistics(statistics, lost, batches);
  }
  void clear_gradients() { std::fill_n(gradients_.data(), gradients_.size(), scalar{}); }

  /// Name of the first layer whose result is not finite when the last forward pass is done again; empty if all are.
  std::string first_non_finite(std::span<const scalar> weights, const tensor4& images) {
    auto& executor = engine_.run;
    const int batch = static_cast<int>(images.shape()[0]);
    std::string name;
    copy_in(*engine_.on, images.data(), executor.value(0, batch));
    executor.forward(weights, batch, drawn_, [&](int i) {
      const view<scalar> y = executor.value(i, batch);
      const auto value = elements<Backend::memory>(y);
      for_each_element(y, [&](int n, int c, int row, int column) {
        if (name.empty() && !is_finite(value(n, c, row, column))) { name = executor.what().nodes[i].name.view(); }
      });
    });
    return name;
  }

 private:
  training_session(std::unique_ptr<typename engine::plan> plan, session_options options)
      : engine_{std::move(plan), options}, gradients_(static_cast<std::size_t>(engine_.run.what().weights)) {}

  void expect_weights(std::span<const scalar> weights) const {
    detail::expect_count("weights", weights.size(), gradients_.size());
  }

  engine engine_;
  buffer<scalar> gradients_;
  int batch_ = 0;  // of the last forward pass, until a backward pass has used it up
  dropout_draw drawn_;
};

}  // namespace segx
