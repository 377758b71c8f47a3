#include <catch2/catch.hpp>

#include <segx/models/zoo.hpp>
#include <segx/runtime/any_network.hpp>

#include "golden.hpp"

using namespace segx;

TEST_CASE("encoders compute what torchvision's models compute", "[models][golden]") {
  golden::check_output("efficientnet_b3", any_network::of<image_classifier<efficientnet<b3>>>());
  golden::check_output("resnet18", any_network::of<image_classifier<resnet<18>>>());
  golden::check_output("mobilenet_v2", any_network::of<image_classifier<mobilenet_v2<>>>());
  golden::check_output("mobilenet_v3_small",
                       any_network::of<image_classifier<mobilenet_v3<mobilenet_v3_size::small>>>());
}

TEST_CASE("decoders and gray images compute what PyTorch computes", "[models][golden]") {
  golden::check_output("unet_plus_plus_resnet18", any_network::of<unet_plus_plus_resnet18>());
  golden::check_output("attention_unet_resnet18", any_network::of<attention_unet_resnet18>());
  golden::check_output("fpn_resnet18", any_network::of<fpn_resnet18>());
  golden::check_output("linknet_mobilenetv2", any_network::of<linknet_mobilenetv2<1>>());
}
