#include <segx/train/parameter_groups.hpp>

#include <catch2/catch.hpp>
#include <vector>

#include <segx/layers/batch_norm2d.hpp>
#include <segx/models/unet.hpp>

using segx::parameter_group;

namespace {

/// first.weight [8,1,3,3], first.bias [8], norm.weight [8], norm.bias [8], head.weight [1,8,1,1], head.bias [1]; and
/// statistics of norm.
struct net
    : segx::network<segx::input<1>,
                    segx::chain<segx::named<"first", segx::conv3x3<8>>, segx::named<"norm", segx::batch_norm2d<>>,
                                segx::relu, segx::named<"head", segx::conv1x1<1>>, segx::sigmoid>> {};

}  // namespace

TEST_CASE("without factors, arrays of one dimension are learned without weight decay") {
  const segx::weights<net> w;
  CHECK(segx::parameter_groups_of(w, {}, false) ==
        std::vector<parameter_group>{{0, 72, 1, true}, {72, 24, 1, false}, {96, 8, 1, true}, {104, 1, 1, false}});
  CHECK(segx::parameter_groups_of(w, {}, true) == std::vector<parameter_group>{{0, 105, 1, true}});
  CHECK(segx::frozen_layers_of(w, {}).empty());
}

TEST_CASE("factors go by the longest name, and 0 leaves a part out") {
  const segx::weights<net> w;
  const segx::rate_factors factors{{"first", 0}, {"first.bias", 0.5}, {"norm", 0}, {"head", 0.1}};
  CHECK(segx::parameter_groups_of(w, factors, true) ==
        std::vector<parameter_group>{{72, 8, 0.5, true}, {96, 9, 0.1, true}});
  CHECK(segx::frozen_layers_of(w, factors) == std::vector<std::string>{"norm"});  // a bias of "first" still learns
}

TEST_CASE("a part's name fits whole names only") {
  const segx::rate_factors factors{{"encoder.1", 0.5}};
  CHECK(segx::rate_factor_of("encoder.1", factors) == 0.5);
  CHECK(segx::rate_factor_of("encoder.1.conv1.weight", factors) == 0.5);
  CHECK(segx::rate_factor_of("encoder.10.conv1.weight", factors) == 1);
  CHECK(segx::rate_factor_of("encoder", factors) == 1);
}

TEST_CASE("only a part with running statistics can be steady") {
  CHECK_NOTHROW(segx::expect_parts(segx::weights<net>{}, {.steady = "norm"}));
  CHECK_THROWS_WITH(segx::expect_parts(segx::weights<segx::unet8>{}, {.steady = "encoder"}),
                    "steady: the part \"encoder\" has no batch normalisation whose running statistics could stay");
}

TEST_CASE("a factor for a part that there is not is refused with the parts that there are") {
  const segx::weights<segx::unet8> w;
  CHECK_NOTHROW(segx::expect_parts(w, {.learning_rate_factors = {{"encoder", 0}, {"decoder.0.up", 2}}}));
  CHECK_THROWS_WITH(
      segx::expect_parts(w, {.learning_rate_factors = {{"encoder", 0}, {"encodr", 0}}}),
      Catch::Contains("no part \"encodr\"; its parts are \"encoder\", \"bottleneck\", \"decoder\", \"head\""));
}
