#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/models/unet.hpp>

/// The networks that the program knows, by name: the only place that lists them.
namespace segx::tool {

template <class Network>
struct named_model {
  using type = Network;
  std::string_view name;
};

inline constexpr auto for_each_model = [](auto&& visit) {
  visit(named_model<unet8>{"unet8"});
  visit(named_model<unet16>{"unet16"});
  visit(named_model<unet32>{"unet32"});
  visit(named_model<unet64>{"unet64"});
};

inline std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for_each_model([&](const auto& model) { names.emplace_back(model.name); });
  return names;
}

/// There is no network of this name.
struct unknown_model : error {
  using error::error;
};

/// Calls visit(named_model<Network>) for the network of this name.
template <class Visit>
void with_model(const std::string& name, Visit&& visit) {
  bool found = false;
  for_each_model([&](const auto& model) {
    if (model.name == name) {
      found = true;
      visit(model);
    }
  });
  if (!found) {
    std::string known;
    for (const std::string& n : model_names()) { known += (known.empty() ? "" : ", ") + n; }
    throw unknown_model("there is no model \"" + name + "\"; known: " + known);
  }
}

/// The card of a weight file, read before the network's type is known.
inline model_card read_card(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  safetensors_view view;
  model_card card;
  std::string wrong = parse_safetensors(bytes, view);
  if (wrong.empty()) { wrong = decode_card(view, card); }
  if (!wrong.empty()) { fail(file.string() + ": " + wrong); }
  return card;
}

/// Calls visit(named_model<Network>) for the network that a weight file is for.
template <class Visit>
void with_model_of(const std::filesystem::path& weights, Visit&& visit) {
  const std::string name = read_card(weights).model;
  try {
    with_model(name, visit);
  } catch (const unknown_model& unknown) { fail(weights.string() + ": " + unknown.what()); }
}

}  // namespace segx::tool
