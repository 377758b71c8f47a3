#include <segx/models/zoo.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> encoder_models() {
  return {{"resnet18", any_network::of<image_classifier<resnet<18>>>},
          {"resnet34", any_network::of<image_classifier<resnet<34>>>},
          {"resnet50", any_network::of<image_classifier<resnet<50>>>},
          {"mobilenet_v2", any_network::of<image_classifier<mobilenet_v2<>>>},
          {"mobilenet_v2_tf", any_network::of<image_classifier<tf_mobilenet_v2, 1001>>},
          {"mobilenet_v2_0.35_tf", any_network::of<image_classifier<mobilenet_v2<0.35, halving::at_end>>>},
          {"mobilenet_v3_small", any_network::of<image_classifier<mobilenet_v3<mobilenet_v3_size::small>>>},
          {"mobilenet_v3_large", any_network::of<image_classifier<mobilenet_v3<mobilenet_v3_size::large>>>}};
}

}  // namespace segx::tool
