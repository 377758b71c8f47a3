#include <segx/models/paper.hpp>

#include "../models.hpp"

namespace segx::tool {

std::vector<known_model> paper_models() {
  return {{"resunet", any_network::of<resunet>},
          {"unet-effb3", any_network::of<unet_effb3>},
          {"linknet-effb3", any_network::of<linknet_effb3>},
          {"resunet8", any_network::of<resunet8>},
          {"unet-effhalf", any_network::of<unet_effhalf>},
          {"linknet-effhalf", any_network::of<linknet_effhalf>}};
}

}  // namespace segx::tool
