#include <catch2/catch.hpp>
#include <limits>

#include <segx/metrics/argmax.hpp>
#include <segx/metrics/threshold.hpp>

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

using scores = xt::xtensor<float, 4>;
using masks = xt::xtensor<std::uint8_t, 4>;

}  // namespace

TEST_CASE("masks are where the probability is above the threshold", "[threshold]") {
  const scores logits = {{{{0.1F, 0.0F, -3.0F, 2.0F, not_a_number}}}};
  CHECK((segx::threshold_logits(logits) == masks{{{{1, 0, 0, 1, 0}}}}));
  CHECK((segx::threshold_logits(logits, 0.8F) == masks{{{{0, 0, 0, 1, 0}}}}));
  const scores probabilities = {{{{0.5F, 0.51F, 0.9F, not_a_number}}}};
  CHECK((segx::threshold_probabilities(probabilities) == masks{{{{0, 1, 1, 0}}}}));
  CHECK_THROWS_AS(segx::threshold_logits(logits, 1), segx::error);
  CHECK_THROWS_AS(segx::threshold_probabilities(logits, 0), segx::error);
}

TEST_CASE("argmax is the class of the largest logit, the first of equal ones", "[argmax]") {
  const scores logits = {{{{1.0F, 0.0F, 2.0F, not_a_number, 0.0F}},
                          {{3.0F, 0.0F, 2.5F, 1.0F, not_a_number}},
                          {{2.0F, 0.0F, 9.0F, 2.0F, 1.0F}}}};
  CHECK((segx::argmax(logits) == masks{{{{1, 0, 2, 0, 2}}}}));
  CHECK_THROWS_WITH(segx::argmax(xt::zeros<float>({1, 257, 1, 1})), Catch::Contains("257 channels"));
}
