#include <segx/models/zoo.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> zoo_models() {
  return {{"unet-mobilenetv2", any_network::of<unet_mobilenetv2<1>>},
          {"unet-mobilenetv2-rgb", any_network::of<unet_mobilenetv2<3>>},
          {"linknet-mobilenetv2", any_network::of<linknet_mobilenetv2<1>>},
          {"unet-resnet18", any_network::of<unet_resnet<18>>},
          {"unet-resnet34", any_network::of<unet_resnet<34>>},
          {"unet-resnet50", any_network::of<unet_resnet<50>>},
          {"unetplusplus-resnet18", any_network::of<unet_plus_plus_resnet18>},
          {"attention-unet-resnet18", any_network::of<attention_unet_resnet18>},
          {"fpn-resnet18", any_network::of<fpn_resnet18>}};
}

}  // namespace segx::tool
