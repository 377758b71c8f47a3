#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/image/label_map.hpp>
#include <segx/io/weight_file.hpp>

#include "devices.hpp"

/// The networks that the program knows, by name. Commands are compiled once, for `any_network`; tools/models/ has a
/// file for each family, which alone sees the types.
namespace segx::tool {

struct known_model {
  std::string_view name;
  any_network (*network)();
};

/// A family of networks; models.cpp puts them together.
std::vector<known_model> unets();
std::vector<known_model> paper_models();
std::vector<known_model> zoo_models();
std::vector<known_model> encoder_models();
std::vector<known_model> efficientnets_small();
std::vector<known_model> efficientnets_large();

const std::vector<known_model>& all_models();
std::vector<std::string> model_names();
/// Those that name a picture as a whole, and are the encoders of others.
std::vector<std::string> classifier_names();

/// The network of this name, for one class. Throws `error`, which lists those that there are.
any_network model_named(const std::string& name);

/// … for as many classes as the data have. Throws `error` where it is no network that segments.
any_network model_named(const std::string& name, int classes, label_kind labels);

/// A weight file's card, read before the network is known.
model_card read_card(const std::filesystem::path& file);

/// The network that a weight file is for, with the file's classes.
any_network model_of(const std::filesystem::path& weights);

}  // namespace segx::tool
