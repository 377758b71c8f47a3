#include <segx/models/unet.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> unets() {
  return {{"unet8", any_network::of<unet8>},
          {"unet16", any_network::of<unet16>},
          {"unet32", any_network::of<unet32>},
          {"unet64", any_network::of<unet64>},
          {"unet16-rgb", any_network::of<unet16_rgb>}};
}

}  // namespace segx::tool
