#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/finite.hpp>
#include <segx/cuda/arena.hpp>
#include <segx/runtime/training_session.hpp>

namespace segx {

/// A network that learns on a GPU, for callers whose weights, images and gradients are the host's: what
/// `training_session` says of the CPU, with a way there and back in every call. A training keeps them on the GPU
/// instead: `learner<…, cuda>`, which works through `run()`.
template <class Model>
class training_session<Model, cuda> {
  using engine = detail::engine<Model, cuda, purpose::training>;
  using state = gpu::session_memory;

 public:
  using scalar = float;
  using tensor4 = xt::xtensor<float, 4>;

  explicit training_session(session_options options) requires detail::fixed_size<Model>
      : training_session{std::make_unique<typename engine::plan>(), options} {}
  training_session(int height, int width,
                   session_options options) requires(!detail::fixed_size<Model> && std::default_initializable<Model>)
      : training_session{Model{}, height, width, options} {}
  training_session(const Model& network, int height, int width,
                   session_options options) requires(!detail::fixed_size<Model>)
      : training_session{std::make_unique<typename engine::plan>(network, height, width), options} {}

  shape input() const { return engine_.run.what().input(); }
  shape output() const { return engine_.run.what().output(); }
  int threads() const { return 1; }
  std::size_t bytes() const { return engine_.run.bytes(); }

  void forward(std::span<const float> weights, const tensor4& images, tensor4& logits, const dropout_draw& drawn) {
    expect_weights(weights);
    detail::expect_batch(images, input(), engine_.run.max_batch(), "images");
    batch_ = static_cast<int>(images.shape()[0]);
    drawn_ = drawn;
    rehearse(batch_);
    upload(state::weights_now, weights);
    copy_in(*engine_.on, images.data(), engine_.run.value(0, batch_));
    engine_.run.forward(values(state::weights_now), batch_, drawn_);
    engine_.fit_result(logits, static_cast<std::size_t>(batch_));
    copy_out(*engine_.on, engine_.run.value(engine_.run.last(), batch_), activation::none, logits.data());
  }

  void backward(std::span<const float> weights, const tensor4& dlogits) {
    expect_weights(weights);
    detail::expect_gradients(dlogits, batch_, output());
    copy_in(*engine_.on, dlogits.data(), engine_.run.gradient(engine_.run.last(), batch_));
    engine_.run.backward(values(state::weights_now), values(state::gradients), batch_, drawn_);
    batch_ = 0;
  }

  void freeze(std::span<const std::string> frozen, std::span<const std::string> steady = {}) {
    engine_.run.freeze([=](std::string_view layer) { return is_part_of(layer, frozen); },
                       [=](std::string_view layer) { return is_part_of(layer, frozen) || is_part_of(layer, steady); });
  }

  /// A copy of them, as they are now.
  std::span<float> gradients() {
    gradients_.resize(values(state::gradients).size());
    download(state::gradients, gradients_);
    return gradients_;
  }
  /// A copy of those of the learnables.
  std::span<float> slopes() { return gradients().first(engine_.run.what().learnables()); }
  void move_statistics(std::span<float> statistics, int batches = 1) {
    const std::span<const float> lost = gradients().subspan(engine_.run.what().learnables());
    segx::detail::move_statistics(statistics, lost, batches);
  }
  void clear_gradients() {
    const std::span<float> all = values(state::gradients);
    engine_.on->in.clear(all.data(), static_cast<std::int64_t>(all.size_bytes()));
  }

  std::string first_non_finite(std::span<const float> weights, const tensor4& images) {
    const int batch = static_cast<int>(images.shape()[0]);
    std::string name;
    upload(state::weights_now, weights);
    copy_in(*engine_.on, images.data(), engine_.run.value(0, batch));
    std::vector<float> found;
    engine_.run.forward(values(state::weights_now), batch, drawn_, [&](int i) {
      const view<float> all = engine_.run.value(i, batch);
      found.resize(static_cast<std::size_t>(all.extent.size()));
      for (int n = 0; n < batch && name.empty(); ++n) {  // on their way, all would take too much memory
        copy_out(*engine_.on, gpu::image_of(all, engine_.on->stored, n), activation::none, found.data());
        const bool is_whole = std::all_of(found.begin(), found.end(), [](float v) { return is_finite(v); });
        if (!is_whole) { name = engine_.run.what().nodes[i].name.view(); }
      }
    });
    return name;
  }

  // ---- for who keeps everything on the GPU ----

  cuda& on() { return *engine_.on; }
  executor<cuda>& run() { return engine_.run; }
  const arena<cuda>& memory() const { return engine_.run.memory(); }

  /// An array of the training on the GPU, and from and to it.
  std::span<float> values(gpu::session_memory::array which) const { return memory().state(which); }
  void upload(gpu::session_memory::array which, std::span<const float> from) {
    engine_.on->in.copy_to_device(values(which).data(), from.data(), static_cast<std::int64_t>(from.size_bytes()));
    engine_.on->in.wait();
  }
  void download(gpu::session_memory::array which, std::span<float> to) const {
    engine_.on->in.copy_to_host(to.data(), values(which).data(), static_cast<std::int64_t>(to.size_bytes()));
    engine_.on->in.wait();
  }

  /// Lets cuDNN find its algorithms for batches of this size, once; overwrites activations, but no weights or
  /// gradients.
  void rehearse(int batch) {
    if (rehearsed_.contains(batch)) { return; }
    const cuda::rehearsal rehearsing{*engine_.on};
    engine_.run.forward(values(state::weights_now), batch, dropout_draw{});
    engine_.run.backward(values(state::weights_now), values(state::gradients), batch, dropout_draw{});
    rehearsed_.insert(batch);
  }

 private:
  training_session(std::unique_ptr<typename engine::plan> plan, session_options options)
      : engine_{std::move(plan), options} {}

  void expect_weights(std::span<const float> weights) const {
    segx::detail::expect_count("weights", weights.size(), values(state::weights_now).size());
  }

  engine engine_;
  std::vector<float> gradients_;
  std::set<int> rehearsed_;
  int batch_ = 0;  // of the last forward pass, until a backward pass has used it up
  dropout_draw drawn_;
};

}  // namespace segx
