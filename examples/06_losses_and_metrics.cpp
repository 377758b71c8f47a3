// Losses as types and by name, masks from logits, and metrics with their intervals, on batches in memory.
#include <cstdio>
#include <string>
#include <vector>

#include <segx/segx.hpp>

namespace {

// ---- losses: docs/losses.md ----

constexpr auto lungs = segx::bce + 0.5 * segx::jaccard_per_image;
constexpr auto classes =
    segx::cross_entropy + segx::dice_loss<segx::probability::softmax>{.over = segx::over::channel, .background = false};
const auto borders = segx::border_weight{.w0 = 10, .sigma = 5} * segx::bce + segx::dice;

static_assert(lungs.facts().reads == segx::probability::sigmoid);
static_assert(classes.facts().reads == segx::probability::softmax);

// ---- a batch [4,1,32,32]: squares, and logits that find most of them, the more the later the image ----

constexpr std::array<std::size_t, 4> extents{4, 1, 32, 32};

xt::xtensor<float, 4> squares() {
  xt::xtensor<float, 4> target = xt::zeros<float>(extents);
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t y = 8; y < 24; ++y) {
      for (std::size_t x = 8; x < 24; ++x) { target(n, 0, y, x) = 1; }
    }
  }
  return target;
}

xt::xtensor<float, 4> found(const xt::xtensor<float, 4>& target) {
  xt::xtensor<float, 4> logits = xt::zeros<float>(extents);
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t y = 0; y < 32; ++y) {
      for (std::size_t x = 0; x < 32; ++x) { logits(n, 0, y, x) = y + n > 10 && target(n, 0, y, x) > 0 ? 2 : -2; }
    }
  }
  return logits;
}

}  // namespace

int main() {
  const xt::xtensor<float, 4> target = squares();
  const xt::xtensor<float, 4> logits = found(target);

  const segx::any_loss chosen = segx::parse_loss("focal(gamma=2,alpha=0.25) + dice(over=image)");
  xt::xtensor<float, 4> dlogits = xt::zeros<float>(extents);
  std::printf("%-40s %.4f\n", lungs.text().c_str(), lungs(logits, target));
  std::printf("%-40s %.4f\n", borders.text().c_str(), borders(logits, target, dlogits));  // adds dL/dlogits
  std::printf("%-40s %.4f\n\n", chosen.text().c_str(), chosen(logits, target));

  // ---- metrics: docs/metrics.md ----

  const xt::xtensor<std::uint8_t, 4> predicted = segx::threshold_logits(logits);  // argmax(logits) behind a softmax
  const xt::xtensor<std::uint8_t, 4> truth = segx::threshold_probabilities(target);
  const segx::spacing spacing{.row = {0.5}, .column = {0.5}};

  std::vector<segx::class_scores<segx::millimetre>> rows;
  std::vector<double> dice;
  for (int n = 0; n < 4; ++n) {
    const segx::mask_view p = segx::masks_view{predicted}.plane(n, 0);
    const segx::mask_view t = segx::masks_view{truth}.plane(n, 0);
    rows.push_back({"image " + std::to_string(n), "lung", segx::count_from_masks(p, t),
                    segx::surface_distances(p, t, spacing)});  // without a spacing: in pixels, of another type
    dice.push_back(rows.back().counts.dice());
  }
  std::fputs(segx::score_table<segx::millimetre>(rows).c_str(), stdout);

  const segx::interval<double> mean = segx::bootstrap_mean<double>(dice, {.confidence = 0.95, .seed = 1});
  std::printf("\nDice, mean over images: 95 %% within %.3f to %.3f\n", mean.low, mean.high);
}
