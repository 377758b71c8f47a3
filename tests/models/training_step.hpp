#pragma once

#include <map>
#include <span>
#include <sstream>
#include <utility>

#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/optim/sgd.hpp>
#include <segx/runtime/training_session.hpp>

#include "golden.hpp"

namespace golden {

/// A step of stochastic gradient descent, and of the running statistics, as the trainer makes it; no dropout. Returns
/// the loss.
template <class Backend, class Network, class T = typename Backend::scalar>
double take_step(segx::weights<Network, T>& w, int extent) {
  segx::training_session<Network, Backend> session{
      w.network(), extent, extent, {.batch = 2, .numbers = segx::precision::fp32}};
  xt::xtensor<T, 4> logits;
  session.forward(w.values(), images<T>(2, w.network().channels, extent), logits, {.strength = 0});

  auto masks = xt::xtensor<T, 4>::from_shape(logits.shape());
  const std::vector<double> u = drawn("masks", masks.size());
  std::transform(u.begin(), u.end(), masks.begin(), [](double v) { return v > 0.3 ? T{1} : T{0}; });
  xt::xtensor<T, 4> dlogits = xt::zeros_like(logits);
  const double loss = (segx::bce + segx::jaccard)(logits, masks, dlogits);

  session.backward(w.values(), dlogits);
  segx::basic_sgd<T> sgd{{.learning_rate = 1, .momentum = 0, .weight_decay = 0.001}, w.learnable().size()};
  sgd.step(w.learnable(), session.slopes());
  session.move_statistics(w.statistics());
  return loss;
}

/// Each array's change has the length and the direction that PyTorch gives it.
template <class Backend, class Network>
void check_step(const std::string& name, const Network& network, int extent, double within) {
  INFO(name);
  using scalar = typename Backend::scalar;
  const std::vector<std::string> lines = lines_of("steps/" + name + ".txt");
  const segx::weights<Network, scalar> before = drawn_weights<scalar>(network);
  segx::weights<Network, scalar> after = before;
  CHECK(take_step<Backend>(after, extent) == Approx(std::stod(lines.at(0).substr(5))).epsilon(1e-5));

  std::map<std::string, std::pair<double, double>> expected;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::istringstream words{lines[i]};
    std::string array;
    words >> array;
    words >> expected[array].first >> expected[array].second;
  }
  const auto arrays = before.arrays();
  CHECK(arrays.size() == expected.size());
  for (const auto& was : arrays) {
    const scalar* is = after.values().data() + was.place;
    const std::vector<double> probe = drawn(was.name + "/probe", was.values.size());
    double squares = 0;
    double product = 0;
    for (std::size_t i = 0; i < probe.size(); ++i) {
      const double change = static_cast<double>(is[i]) - static_cast<double>(was.values[i]);
      squares += change * change;
      product += change * probe[i];
    }
    INFO(was.name);
    REQUIRE(expected.contains(was.name));
    const auto [length, along] = expected[was.name];
    CHECK(std::abs(std::sqrt(squares) - length) < within * length);
    CHECK(std::abs(product - along) < within * length);
  }
}

}  // namespace golden
