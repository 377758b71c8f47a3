#include "models.hpp"

#include <algorithm>

namespace segx::tool {

const std::vector<known_model>& all_models() {
  static const std::vector<known_model> all = [] {
    std::vector<known_model> models;
    for (const auto family :
         {unets, paper_models, zoo_models, encoder_models, efficientnets_small, efficientnets_large}) {
      const std::vector<known_model> members = family();
      models.insert(models.end(), members.begin(), members.end());
    }
    return models;
  }();
  return all;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const known_model& model : all_models()) { names.emplace_back(model.name); }
  return names;
}

any_network model_named(const std::string& name) {
  const auto& all = all_models();
  const auto found = std::find_if(all.begin(), all.end(), [&](const known_model& m) { return m.name == name; });
  if (found != all.end()) { return found->network(); }
  std::string known;
  for (const std::string& n : model_names()) { known += (known.empty() ? "" : ", ") + n; }
  fail("there is no model \"" + name + "\"; known: " + known);
}

model_card read_card(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  safetensors_view view;
  model_card card;
  std::string wrong = parse_safetensors(bytes, view);
  if (wrong.empty()) { wrong = decode_card(view, card); }
  if (!wrong.empty()) { fail(file.string() + ": " + wrong); }
  return card;
}

any_network model_of(const std::filesystem::path& weights) {
  const std::string name = read_card(weights).model;
  try {
    return model_named(name);
  } catch (const error& unknown) { fail(weights.string() + ": " + unknown.what()); }
}

}  // namespace segx::tool
