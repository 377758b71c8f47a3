#include <segx/models/zoo.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> efficientnets_large() {
  return {{"efficientnet_b5", any_network::of<image_classifier<efficientnet<b5>>>},
          {"efficientnet_b6", any_network::of<image_classifier<efficientnet<b6>>>},
          {"efficientnet_b7", any_network::of<image_classifier<efficientnet<b7>>>}};
}

}  // namespace segx::tool
