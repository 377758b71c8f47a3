#include <catch2/catch.hpp>

#include <type_traits>

#include <segx/models/paper.hpp>

#include "training_step.hpp"

using namespace segx;

static_assert(resunet::at<256, 256>::output == shape{1, 256, 256});
static_assert(unet_effb3::at<512, 512>::output == shape{1, 512, 512});
static_assert(linknet_effb3::at<512, 512>::output == shape{1, 512, 512});
static_assert(std::is_same_v<paper_unet_1, paper_unet_4> && paper_unet_1::parameter_count == 31'030'593);

TEST_CASE("the paper's models compute what PyTorch computes", "[models][golden]") {
  golden::check_output("resunet", any_network::of<resunet>());
  golden::check_output("unet_effb3", any_network::of<unet_effb3>());
  golden::check_output("linknet_effb3", any_network::of<linknet_effb3>());
}

// In float gradients are not what they are in double: where ReLU's input, or the difference of two values under a
// maximum, is almost 0, some of them jump. PyTorch's own differ by up to 0.008 of their length here.
TEST_CASE("the paper's models learn what PyTorch's learn in a step", "[models][golden]") {
  const auto check = [](const char* name, const any_network& network, int extent) {
    golden::check_step<cpu>(name, network, extent, 0.03);
  };
  check("unet8", any_network::of<unet8>(), 64);
  check("unet64", any_network::of<unet64>(), 16);
  check("resunet", any_network::of<resunet>(), 32);
  check("unet_effb3", any_network::of<unet_effb3>(), 64);
  check("linknet_effb3", any_network::of<linknet_effb3>(), 64);
}
