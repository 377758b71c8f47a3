#include <segx/models/zoo.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> efficientnets_small() {
  return {{"efficientnet_b0", any_network::of<image_classifier<efficientnet<b0>>>},
          {"efficientnet_b1", any_network::of<image_classifier<efficientnet<b1>>>},
          {"efficientnet_b2", any_network::of<image_classifier<efficientnet<b2>>>},
          {"efficientnet_b3", any_network::of<image_classifier<efficientnet<b3>>>},
          {"efficientnet_b4", any_network::of<image_classifier<efficientnet<b4>>>}};
}

}  // namespace segx::tool
