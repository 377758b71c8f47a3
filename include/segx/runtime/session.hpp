#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/kernels/cpu.hpp>
#include <segx/runtime/engine.hpp>
#include <segx/runtime/fold_norms.hpp>
#include <segx/runtime/transfer.hpp>
#include <segx/runtime/weights.hpp>

namespace segx {

/// A network with its weights, ready to predict:
///
///   segx::session<lung_net::at<256, 256>> lungs{weights};      // planned by the compiler
///   segx::session<lung_net> lungs{weights, 256, 256};          // the same, for a size known when it runs
///   lungs.predict(images, probabilities);                      // [N,1,256,256] → [N,1,256,256]
///
/// Memory is allocated when the session is made; `predict` into a tensor of the right shape allocates nothing. The
/// weights are copied, in the form that the kernels read. A session serves one caller at a time.
template <class Model, backend Backend = cpu, purpose Why = purpose::inference>
  requires(Why != purpose::training)
class session {
  static_assert(is_network<typename detail::network_of<Model>::type>,
                "a session is one of a network<input<C>, ...> or of its at<H,W>, not of a chain or a layer");
  using engine = detail::engine<Model, Backend, Why>;
  using runs_as = segx::runs_as<Backend>;

 public:
  using scalar = typename Backend::scalar;
  using network = typename detail::network_of<Model>::type;
  using tensor4 = xt::xtensor<scalar, 4>;

  template <std::derived_from<network> Network>
    requires detail::fixed_size<Model>
  explicit session(const weights<Network, scalar>& w, session_options options = {})
      : session{std::make_unique<typename engine::plan>(), w.values(), options} {}

  /// Throws `error` if the network does not take images of this size.
  template <std::derived_from<network> Network>
    requires(!detail::fixed_size<Model>)
  session(const weights<Network, scalar>& w, int height, int width, session_options options = {})
      : session{std::make_unique<typename engine::plan>(w.network(), height, width), w.values(), options} {}

  /// Exchanges the weights; the memory stays. Throws `error` if they are not as many.
  template <std::derived_from<network> Network>
  void set_weights(const weights<Network, scalar>& w) {
    set(w.values());
  }

  shape input() const { return engine_.run.what().input(); }
  shape output() const { return engine_.run.what().output(); }

  /// Bytes that the session holds: arena, scratch memory and packed weights.
  std::size_t bytes() const { return engine_.run.bytes() + weights_.span().size() * sizeof(scalar); }

  /// True if some kernel reads the weights as they are, because it packs nothing, or where they lie elsewhere: then the
  /// session keeps a copy.
  static bool needs_weights(const program<runs_as>& what) {
    if (!shares_memory<runs_as>) { return true; }
    for (const auto& node : what.nodes) {
      if (node.parameter_count > 0 && node.needs.packed == 0) { return true; }
    }
    return false;
  }

  /// What the network ends in: probabilities for a network with a sigmoid at its end. [N,C,H,W] → [N,K,H,W], N ≤ batch.
  /// `drawn` is what a sampling session drops; others drop nothing.
  void predict(const tensor4& images, tensor4& result, const dropout_draw& drawn = {}) {
    run(images, result, engine_.run.what().head, drawn);
  }
  tensor4 predict(const tensor4& images) {
    tensor4 result;
    predict(images, result);
    return result;
  }
  /// Of any other expression of xtensor, which is copied. Throws `error` where it has not four dimensions.
  template <detail::other_expression<tensor4> Images>
  void predict(const Images& images, tensor4& result, const dropout_draw& drawn = {}) {
    predict(detail::as_batch<scalar>(images), result, drawn);
  }
  template <detail::other_expression<tensor4> Images>
  tensor4 predict(const Images& images) {
    return predict(detail::as_batch<scalar>(images));
  }

  /// The values before the activation at the end.
  void logits(const tensor4& images, tensor4& result, const dropout_draw& drawn = {}) {
    run(images, result, activation::none, drawn);
  }
  tensor4 logits(const tensor4& images) {
    tensor4 result;
    logits(images, result);
    return result;
  }
  template <detail::other_expression<tensor4> Images>
  void logits(const Images& images, tensor4& result, const dropout_draw& drawn = {}) {
    logits(detail::as_batch<scalar>(images), result, drawn);
  }
  template <detail::other_expression<tensor4> Images>
  tensor4 logits(const Images& images) {
    return logits(detail::as_batch<scalar>(images));
  }

 private:
  session(std::unique_ptr<typename engine::plan> plan, std::span<const scalar> w, session_options options)
      : engine_{std::move(plan), options}, keeps_weights_{needs_weights(engine_.run.what())} {
    set(w);
  }

  void set(std::span<const scalar> w) {
    detail::expect_count("weights", w.size(), static_cast<std::size_t>(engine_.run.what().weights));
    std::vector<scalar> folded;
    if (folds_norms(engine_.run.what())) {
      folded.assign(w.begin(), w.end());
      fold_norms(engine_.run.what(), std::span{folded});
      w = folded;
    }
    if (keeps_weights_) {
      weights_.assign(*engine_.on, w);
      w = weights_.span();
    }
    engine_.run.pack(w);
    if (!keeps_weights_) { weights_.clear(); }
  }

  void run(const tensor4& images, tensor4& result, activation head, const dropout_draw& drawn) {
    auto& executor = engine_.run;
    detail::expect_batch(images, input(), executor.max_batch(), "images");
    const std::size_t batch_size = images.shape()[0];
    const int batch = static_cast<int>(batch_size);
    copy_in(*engine_.on, images.data(), executor.value(0, batch));
    executor.forward(weights_.span(), batch, drawn);  // kernels that pack never look at the weights
    engine_.fit_result(result, batch_size);           // now: it may be the images' own tensor
    copy_out(*engine_.on, executor.value(executor.last(), batch), head, result.data());
  }

  engine engine_;
  bool keeps_weights_;
  resident<runs_as> weights_;
};

/// A network that predicts with dropout on, as in training, differently for each draw.
template <class Model, backend Backend = cpu>
using sampling_session = session<Model, Backend, purpose::sampling>;

}  // namespace segx
