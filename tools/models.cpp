#include "models.hpp"

#include <algorithm>
#include <initializer_list>

#include <segx/core/error.hpp>
#include <segx/predict/labels.hpp>

namespace segx::tool {

namespace {

std::vector<known_model> together(std::initializer_list<std::vector<known_model>> families) {
  std::vector<known_model> all;
  for (const auto& family : families) { all.insert(all.end(), family.begin(), family.end()); }
  return all;
}

std::vector<known_model> classifiers() {
  return together({encoder_models(), efficientnets_small(), efficientnets_large()});
}

std::vector<std::string> names_of(const std::vector<known_model>& models) {
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const known_model& model : models) { names.emplace_back(model.name); }
  return names;
}

}  // namespace

const std::vector<known_model>& all_models() {
  static const std::vector<known_model> all = together({unets(), paper_models(), zoo_models(), classifiers()});
  return all;
}

std::vector<std::string> model_names() { return names_of(all_models()); }

std::vector<std::string> classifier_names() { return names_of(classifiers()); }

any_network model_named(const std::string& name) {
  const auto& all = all_models();
  const auto found = std::find_if(all.begin(), all.end(), [&](const known_model& m) { return m.name == name; });
  if (found != all.end()) { return found->network(); }
  std::string known;
  for (const std::string& n : model_names()) { known += (known.empty() ? "" : ", ") + n; }
  fail({"there is no model \"", name, "\"; known: ", known});
}

any_network model_named(const std::string& name, int classes, label_kind labels) {
  any_network network = model_named(name);
  const head_choice wanted{classes, labels == label_kind::exclusive ? activation::softmax : activation::sigmoid};
  if (head_choice{network.classes, network.nodes().back().head} == wanted) { return network; }
  try {
    return network.with_head(wanted);
  } catch (const error& refused) { fail({"the model \"", name, "\" cannot segment: ", refused.what()}); }
}

model_card read_card(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  safetensors_view view;
  model_card card;
  std::string wrong = parse_safetensors(bytes, view);
  if (wrong.empty()) { wrong = decode_card(view, card); }
  if (!wrong.empty()) { fail({file.string(), ": ", wrong}); }
  return card;
}

any_network model_of(const std::filesystem::path& weights) {
  const model_card card = read_card(weights);
  try {
    for (const label_kind labels : {label_kind::binary, label_kind::exclusive, label_kind::overlapping}) {
      if (card.labels == text_of(labels)) {
        return model_named(card.model, static_cast<int>(class_names_of(card).size()), labels);
      }
    }
    return model_named(card.model);  // an encoder, or a file that says nothing of them
  } catch (const error& unknown) { fail({weights.string(), ": ", unknown.what()}); }
}

}  // namespace segx::tool
