#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include <opencv2/core.hpp>

#include <segx/core/error.hpp>
#include <segx/image/plane.hpp>
#include <segx/predict/flips.hpp>
#include <segx/predict/labels.hpp>
#include <segx/runtime/session.hpp>

namespace segx {

/// In which ways a network looks at one input.
struct averaging {
  flips over = flips::none;  // test-time augmentation
  int dropout_passes = 0;    // Monte-Carlo dropout: passes, each with dropout drawn anew; 0: one without dropout
  std::uint32_t seed = 0;    // of the dropout
};

/// A network that looks at its input several times, and says the mean of what it found and how much that varied:
///
///   p̄[k] = 1/T Σ_t p_t[k],    uncertainty = max_k √(1/T Σ_t (p_t[k] − p̄[k])²)  ∈ [0, 1/2]
///
/// over T passes: for each flip of the input (whose results are flipped back) as many as `dropout_passes` says.
///
/// Source of the latter: Gal & Ghahramani, "Dropout as a Bayesian approximation", ICML 2016, arXiv:1506.02142; of
/// augmentation as a measure: Wang et al., Neurocomputing 338 (2019), arXiv:1807.07356.
template <class Network, class Backend = cpu>
class averaged_network {
 public:
  using tensor4 = xt::xtensor<float, 4>;

  /// Throws `error` if the network does not take images of this size, or has no dropout where some is asked for.
  averaged_network(const weights<Network>& w, int height, int width, const averaging& how, int threads,
                   precision numbers = precision::automatic)
      : how_{how},
        classes_{w.network().classes},
        labels_{label_kind_of(w.network())},
        network_{make(w, height, width, how, {1, threads, numbers})} {
    const shape output = std::visit([](const auto& network) { return network.output(); }, network_);
    if (output.height != height || output.width != width) {
      fail({"averaging: the network must say something of each pixel; of images of ", height, "x", width, " it gives ",
            output.height, "x", output.width});
    }
    if (is_plain()) { return; }
    const shape input{w.network().channels, height, width};
    flipped_.resize(detail::extents_of(1, input));
    found_.resize(detail::extents_of(1, output));
    squares_.resize(found_.shape());
  }

  int passes() const { return count_of(how_.over) * draws(); }

  /// Planes of a result: the probability of each class, then the uncertainty, where passes are several or drop.
  int planes() const { return classes_ + (is_plain() ? 0 : 1); }

  /// Bytes that it holds.
  std::size_t bytes() const {
    const std::size_t of_network = std::visit([](const auto& network) { return network.bytes(); }, network_);
    return of_network + sizeof(float) * (flipped_.size() + found_.size() + squares_.size() + averaged_.size());
  }

  /// Makes it draw the same dropout again that it drew first.
  void restart() { passes_done_ = 0; }

  /// The values whose sigmoid or softmax the mean is, as losses take them: input [1,C,H,W] → result [1,K,H,W]
  void logits(const tensor4& input, tensor4& result) {
    if (is_plain()) {
      return std::visit([&](auto& network) { network.logits(input, result, draw()); }, network_);
    }
    predict(input, averaged_);
    result.resize(found_.shape());
    constexpr double least = 1e-7;  // what floats tell from 0 and 1
    for (std::size_t i = 0; i < result.size(); ++i) {
      const double p = std::clamp<double>(averaged_.data()[i], least, 1 - least);
      result.data()[i] = static_cast<float>(labels_ == label_kind::exclusive ? std::log(p) : std::log(p / (1 - p)));
    }
  }

  /// input [1,C,H,W] → result [1,P,H,W]
  void predict(const tensor4& input, tensor4& result) {
    if (is_plain()) { return pass(input, result); }
    result.resize({1, static_cast<std::size_t>(planes()), input.shape()[2], input.shape()[3]});
    result.fill(0);
    squares_.fill(0);
    for (int f = 0, seen = 0; f < count_of(how_.over); ++f) {
      for (std::size_t c = 0; c < input.shape()[1]; ++c) {
        flipped(detail::plane_header(input, 0, c), f).copyTo(detail::plane_header(flipped_, 0, c));
      }
      for (int d = 0; d < draws(); ++d) {
        pass(flipped_, found_);
        ++seen;
        for (int k = 0; k < classes_; ++k) { add(k, f, seen, result); }
      }
    }
    write_uncertainty(result);
  }

 private:
  using any_session = std::variant<session<Network, Backend>, sampling_session<Network, Backend>>;

  static any_session make(const weights<Network>& w, int height, int width, const averaging& how,
                          session_options options) {
    if (how.dropout_passes == 0) { return session<Network, Backend>{w, height, width, options}; }
    if (how.dropout_passes < 0) { fail("averaging: the passes of Monte-Carlo dropout cannot be less than 0"); }
    const auto& nodes = w.network().nodes();
    if (std::none_of(nodes.begin(), nodes.end(), [](const auto& node) { return node.then.dropout > 0; })) {
      fail("averaging: Monte-Carlo dropout needs a network with dropout, this one has none");
    }
    return sampling_session<Network, Backend>{w, height, width, options};
  }

  /// One pass without dropout: its result is that of the network.
  bool is_plain() const { return how_.over == flips::none && how_.dropout_passes == 0; }
  int draws() const { return std::max(1, how_.dropout_passes); }

  void pass(const tensor4& input, tensor4& result) {
    std::visit([&](auto& network) { network.predict(input, result, draw()); }, network_);
  }
  dropout_draw draw() { return {.seed = hash32(how_.seed + passes_done_++)}; }

  /// Takes what the pass number `seen` found of class k into its mean and its sum of squares. Source: Welford,
  /// Technometrics 4 (1962).
  void add(int k, int f, int seen, tensor4& result) {
    const cv::Mat upright = flipped(detail::plane_header(found_, 0, static_cast<std::size_t>(k)), f);
    const std::size_t pixels = upright.total();
    const float* p = upright.ptr<float>();
    float* mean = result.data() + k * pixels;
    float* squares = squares_.data() + k * pixels;
    for (std::size_t i = 0; i < pixels; ++i) {
      const float beside_old = p[i] - mean[i];
      mean[i] += beside_old / static_cast<float>(seen);
      squares[i] += beside_old * (p[i] - mean[i]);
    }
  }

  void write_uncertainty(tensor4& result) const {
    const std::size_t pixels = result.shape()[2] * result.shape()[3];
    float* uncertainty = result.data() + classes_ * pixels;
    for (std::size_t i = 0; i < pixels; ++i) {
      float most = 0;
      for (int k = 0; k < classes_; ++k) { most = std::max(most, squares_.data()[k * pixels + i]); }
      uncertainty[i] = std::sqrt(most / static_cast<float>(passes()));
    }
  }

  averaging how_;
  int classes_;
  label_kind labels_;
  any_session network_;
  std::uint32_t passes_done_ = 0;
  tensor4 flipped_;   // [1,C,H,W]
  tensor4 found_;     // [1,K,H,W], by one pass
  tensor4 squares_;   // [1,K,H,W], Σ (p − p̄)²
  tensor4 averaged_;  // [1,P,H,W], for logits
};

}  // namespace segx
