#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include <segx/losses/bce.hpp>
#include <segx/losses/border_weight.hpp>
#include <segx/losses/boundary.hpp>
#include <segx/losses/class_balance.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/focal.hpp>
#include <segx/losses/focal_tversky.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/lovasz.hpp>
#include <segx/losses/tversky.hpp>

namespace {

template <class T>
using batch = xt::xtensor<T, 4>;

template <class T>
batch<T> filled(std::array<std::size_t, 4> extents, T value) {
  batch<T> x;
  x.resize(extents);
  std::fill_n(x.data(), x.size(), value);
  return x;
}

constexpr std::array<std::size_t, 4> extents{2, 3, 7, 11};  // two images of 231 pixels: blocks of 64 and a rest

template <class T>
batch<T> random_logits(double spread) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(0, spread);
  batch<T> x = filled<T>(extents, 0);
  for (std::size_t i = 0; i < x.size(); ++i) { x.data()[i] = static_cast<T>(static_cast<float>(normal(random))); }
  return x;
}

/// The first image has more foreground than the second, so that sums over the batch and over images differ.
template <class T>
batch<T> random_target() {
  std::mt19937 random(11);
  batch<T> x = filled<T>(extents, 0);
  for (std::size_t i = 0; i < x.size(); ++i) { x.data()[i] = random() % 10 < (i < x.size() / 2 ? 7 : 2) ? 1 : 0; }
  return x;
}

template <class T>
batch<T> convert(const batch<double>& x) {
  batch<T> y = filled<T>(extents, 0);
  std::copy_n(x.data(), x.size(), y.data());
  return y;
}

/// Largest |numeric − given| over the largest |numeric|, by central differences in double, which resolve 1e-15/h. An
/// overlap loss of an empty mask has gradients of 1e-12, less than that: there the error is relative to 1e-9/h.
template <class Loss>
double gradient_error(const Loss& loss, batch<double> logits, const batch<double>& target, double h) {
  batch<double> given = filled<double>(extents, 0);
  loss(logits, target, given);
  double largest = 0;
  double error = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    double& z = logits.data()[i];
    const double kept = z;
    z = kept + h;
    const double above = loss(logits, target);
    z = kept - h;
    const double below = loss(logits, target);
    z = kept;
    const double numeric = (above - below) / (2 * h);
    largest = std::max(largest, std::abs(numeric));
    error = std::max(error, std::abs(numeric - given.data()[i]));
  }
  return error / std::max(largest, 1e-9 / h);
}

bool all_finite(const auto& x) {
  return std::all_of(x.data(), x.data() + x.size(), [](auto v) { return std::isfinite(v); });
}

struct bce_case {
  static inline const auto loss = segx::bce;
};
struct weighted_bce_case {
  static inline const auto loss = segx::bce_loss{.pos_weight = {2, 0.5, 3}, .smoothing = 0.1};
};
struct balanced_bce_case {
  static inline const auto loss = segx::class_balance{} * segx::bce;
};
struct border_bce_case {
  static inline const auto loss = segx::border_weight{.w0 = 4, .sigma = 2} * segx::bce;
};
struct twice_weighted_case {
  static inline const auto loss = segx::border_weight{} * (segx::class_balance{} * (segx::bce + segx::focal));
};
struct jaccard_case {
  static inline const auto loss = segx::jaccard;
};
struct jaccard_per_image_case {
  static inline const auto loss = segx::jaccard_per_image;
};
struct smooth_jaccard_case {
  static inline const auto loss = segx::jaccard_loss<>{.smooth = 20};
};
struct jaccard_per_plane_case {
  static inline const auto loss = segx::jaccard_loss<>{.over = segx::over::plane};
};
struct dice_case {
  static inline const auto loss = segx::dice;
};
struct dice_per_image_case {
  static inline const auto loss = segx::dice_per_image;
};
struct smooth_dice_case {
  static inline const auto loss = segx::dice_loss<>{.smooth = 20};
};
struct dice_per_class_case {
  static inline const auto loss = segx::dice_loss<>{.over = segx::over::channel, .background = false};
};
struct tversky_case {
  static inline const auto loss = segx::tversky;
};
struct focal_tversky_case {
  static inline const auto loss = segx::focal_tversky;
};
struct focal_case {
  static inline const auto loss = segx::focal;
};
struct focal_with_root_case {
  static inline const auto loss = segx::focal_loss{.gamma = 0.5, .alpha = 0.6};
};
struct lovasz_hinge_case {
  static constexpr double step = 1e-6;  // its gradient jumps where two pixels change places
  static inline const auto loss = segx::lovasz_hinge;
};
struct lovasz_hinge_per_plane_case {
  static constexpr double step = 1e-6;
  static inline const auto loss = segx::lovasz_hinge_loss{.over = segx::over::plane};
};
struct boundary_case {
  static inline const auto loss = segx::boundary;
};
struct cross_entropy_case {
  static inline const auto loss = segx::cross_entropy;
};
struct weighted_cross_entropy_case {
  static inline const auto loss = segx::cross_entropy_loss{.weights = {0.5, 2, 3}, .smoothing = 0.1};
};
struct balanced_cross_entropy_case {
  static inline const auto loss = segx::class_balance{} * segx::cross_entropy;
};
struct softmax_dice_case {
  static inline const auto loss =
      segx::dice_loss<segx::probability::softmax>{.over = segx::over::channel, .background = false};
};
struct softmax_jaccard_case {
  static inline const auto loss = segx::softmax_jaccard;
};
struct softmax_tversky_case {
  static inline const auto loss = segx::softmax_tversky;
};
struct softmax_focal_tversky_case {
  static inline const auto loss = segx::softmax_focal_tversky;
};
struct softmax_focal_case {
  static inline const auto loss = segx::softmax_focal;
};
struct weighted_softmax_focal_case {
  static inline const auto loss = segx::softmax_focal_loss{.gamma = 0.5, .alpha = {0.2, 1, 2}};
};
struct lovasz_softmax_case {
  static constexpr double step = 1e-6;
  static inline const auto loss = segx::lovasz_softmax;
};
struct softmax_boundary_case {
  static inline const auto loss = segx::boundary_loss<segx::probability::softmax>{.background = false};
};
struct scaled_case {
  static inline const auto loss = 0.3 * segx::jaccard;
};
struct sum_case {
  static inline const auto loss = segx::bce + 0.5 * segx::jaccard + 2 * (segx::dice + segx::bce);
};

}  // namespace

#define ALL_LOSSES                                                                                                    \
  bce_case, weighted_bce_case, balanced_bce_case, border_bce_case, twice_weighted_case, jaccard_case,                 \
      jaccard_per_image_case, smooth_jaccard_case, jaccard_per_plane_case, dice_case, dice_per_image_case,            \
      smooth_dice_case, dice_per_class_case, tversky_case, focal_tversky_case, focal_case, focal_with_root_case,      \
      lovasz_hinge_case, lovasz_hinge_per_plane_case, boundary_case, cross_entropy_case, weighted_cross_entropy_case, \
      balanced_cross_entropy_case, softmax_dice_case, softmax_jaccard_case, softmax_tversky_case,                     \
      softmax_focal_tversky_case, softmax_focal_case, weighted_softmax_focal_case, lovasz_softmax_case,               \
      softmax_boundary_case, scaled_case, sum_case

/// How far the gradient check moves a logit.
template <class Case>
constexpr double step_of = 1e-4;
template <class Case>
  requires requires { Case::step; }
constexpr double step_of<Case> = Case::step;

TEMPLATE_TEST_CASE("gradients agree with central differences", "[loss]", ALL_LOSSES) {
  const auto error = [](double spread, const batch<double>& target) {
    return gradient_error(TestType::loss, random_logits<double>(spread), target, step_of<TestType>);
  };
  CHECK(error(2, random_target<double>()) < 1e-6);
  CHECK(error(8, random_target<double>()) < 1e-6);
  CHECK(error(2, filled<double>(extents, 0)) < 1e-6);
  CHECK(error(2, filled<double>(extents, 1)) < 1e-6);
}

TEMPLATE_TEST_CASE("float agrees with double", "[loss]", ALL_LOSSES) {
  for (const double spread : {1.0, 10.0}) {
    const batch<double> logits = random_logits<double>(spread);
    const batch<double> target = random_target<double>();
    batch<double> wide = filled<double>(extents, 0);
    batch<float> narrow = filled<float>(extents, 0);
    const double value = TestType::loss(logits, target, wide);
    CHECK(TestType::loss(convert<float>(logits), convert<float>(target), narrow) == Approx(value).epsilon(1e-6));
    double largest = 0;
    double error = 0;
    for (std::size_t i = 0; i < wide.size(); ++i) {
      largest = std::max(largest, std::abs(wide.data()[i]));
      error = std::max(error, std::abs(wide.data()[i] - narrow.data()[i]));
    }
    CHECK(error < 1e-6 * largest);
  }
}

TEMPLATE_TEST_CASE("the gradient is added, times the weight; the value ignores the weight", "[loss]", ALL_LOSSES) {
  const batch<double> logits = random_logits<double>(2);
  const batch<double> target = random_target<double>();
  batch<double> once = filled<double>(extents, 0);
  batch<double> thrice = filled<double>(extents, 5);
  const double value = TestType::loss(logits, target);
  CHECK(TestType::loss(logits, target, once) == value);
  CHECK(TestType::loss(logits, target, thrice, 3) == value);
  double error = 0;
  for (std::size_t i = 0; i < once.size(); ++i) {
    error = std::max(error, std::abs(thrice.data()[i] - (5 + 3 * once.data()[i])));
  }
  CHECK(error < 1e-14);
}

TEMPLATE_TEST_CASE("extreme logits and empty or full masks stay finite", "[loss]", ALL_LOSSES) {
  const auto check = [](auto zero, double magnitude) {
    using T = decltype(zero);
    for (const double z : {-magnitude, magnitude}) {
      for (const T t : {T{0}, T{1}}) {
        batch<T> logits = filled<T>(extents, static_cast<T>(z));
        const batch<T> target = filled<T>(extents, t);
        batch<T> gradient = filled<T>(extents, 0);
        INFO("logit " << z << ", target " << t);
        const double value = TestType::loss(logits, target, gradient);
        CHECK(std::isfinite(value));
        CHECK(value >= 0);
        CHECK(all_finite(gradient));
        for (std::size_t i = 0; i < logits.size(); i += 2) { logits.data()[i] *= -1; }
        CHECK(std::isfinite(TestType::loss(logits, target, gradient)));
        CHECK(all_finite(gradient));
      }
    }
  };
  for (const double magnitude : {20.0, 50.0, 88.0, 1000.0, 1e30}) {
    check(float{}, magnitude);
    check(double{}, magnitude);
  }
}

TEMPLATE_TEST_CASE("a NaN logit makes the loss NaN", "[loss]", ALL_LOSSES) {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    batch<T> logits = filled<T>(extents, 1);
    logits.data()[100] = std::numeric_limits<T>::quiet_NaN();
    CHECK(std::isnan(TestType::loss(logits, filled<T>(extents, 1))));
  };
  check(float{});
  check(double{});
}

TEMPLATE_TEST_CASE("equal input gives equal bits", "[loss]", ALL_LOSSES) {
  const batch<float> logits = random_logits<float>(3);
  const batch<float> target = random_target<float>();
  batch<float> first = filled<float>(extents, 0);
  batch<float> second = filled<float>(extents, 0);
  CHECK(TestType::loss(logits, target, first) == TestType::loss(logits, target, second));
  CHECK((first == second));
}

TEMPLATE_TEST_CASE("unequal or empty shapes are refused", "[loss]", ALL_LOSSES) {
  const batch<float> logits = filled<float>(extents, 0);
  batch<float> gradient = filled<float>(extents, 0);
  batch<float> smaller = filled<float>({2, 3, 7, 10}, 0);
  CHECK_THROWS_WITH(TestType::loss(logits, smaller),
                    Catch::Contains("logits are [2,3,7,11]") && Catch::Contains("target is [2,3,7,10]"));
  CHECK_THROWS_WITH(TestType::loss(logits, logits, smaller), Catch::Contains("gradient is [2,3,7,10]"));
  CHECK_THROWS_AS(TestType::loss(smaller, logits, gradient), segx::error);
  const batch<float> nothing = filled<float>({0, 3, 7, 11}, 0);
  CHECK_THROWS_WITH(TestType::loss(nothing, nothing), Catch::Contains("no pixels"));
}
