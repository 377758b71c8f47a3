#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/optim/parameter_group.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// Factors of the learning rate by the name of a part of a network, "encoder" or "encoder.2.conv1", for all that is in
/// it. Of several names that fit, the longest decides; 0 freezes. What no name fits has the factor 1.
using rate_factors = std::map<std::string, double>;

inline double rate_factor_of(std::string_view array, const rate_factors& factors) {
  double factor = 1;
  std::size_t longest = 0;
  for (const auto& [part, value] : factors) {
    if (part.size() >= longest && is_part_of(array, {&part, 1})) {
      longest = part.size();
      factor = value;
    }
  }
  return factor;
}

/// How an optimizer moves the learnables of a network, frozen ones left out. Without `decay_biases`, weight decay
/// leaves out the arrays of one dimension: biases, and the scales and shifts of norms, which it would only pull away
/// from the data.
template <class Network>
std::vector<parameter_group> parameter_groups_of(const weights<Network>& w, const rate_factors& factors,
                                                 bool decay_biases) {
  std::vector<parameter_group> groups;
  for (const auto& array : w.arrays()) {
    const double rate = rate_factor_of(array.name, factors);
    if (array.start.is_statistic || rate == 0) { continue; }
    const parameter_group next{static_cast<std::size_t>(array.place), array.values.size(), rate,
                               decay_biases || array.extents.size() > 1};
    parameter_group* last = groups.empty() ? nullptr : &groups.back();
    if (last != nullptr && last->first + last->count == next.first && last->rate == next.rate &&
        last->decays == next.decays) {
      last->count += next.count;  // one range for neighbours that move alike
    } else {
      groups.push_back(next);
    }
  }
  return groups;
}

/// Names of the layers all of whose learnables are frozen.
template <class Network>
std::vector<std::string> frozen_layers_of(const weights<Network>& w, const rate_factors& factors) {
  std::map<std::string, bool> is_frozen;
  for (const auto& array : w.arrays()) {
    if (array.start.is_statistic) { continue; }
    const std::string layer = array.name.substr(0, array.name.rfind('.'));
    const bool frozen = rate_factor_of(array.name, factors) == 0;
    is_frozen[layer] = frozen && is_frozen.try_emplace(layer, true).first->second;
  }
  std::vector<std::string> layers;
  for (const auto& [layer, frozen] : is_frozen) {
    if (frozen) { layers.push_back(layer); }
  }
  return layers;
}

/// Throws `error` if the network has no such part, which `setting` names.
template <class Network>
void expect_part(const weights<Network>& w, const std::string& setting, const std::string& part) {
  std::string known;
  for (const auto& array : w.arrays()) {
    if (is_part_of(array.name, {&part, 1})) { return; }
    const std::string top = joined({"\"", array.name.substr(0, array.name.find('.')), "\""});
    if (known.find(top) == known.npos) { known.append(known.empty() ? "" : ", ").append(top); }
  }
  fail({setting, ": the network has no part \"", part, "\"; its parts are ", known, " and what is in them, such as \"",
        w.arrays().front().name, "\""});
}

/// Throws `error` if a recipe speaks of a part that the network does not have.
template <class Network>
void expect_parts(const weights<Network>& w, const recipe& r) {
  for (const auto& [part, factor] : r.learning_rate_factors) { expect_part(w, "learning_rate_factors", part); }
  if (r.steady.empty()) { return; }
  expect_part(w, "steady", r.steady);
  const auto arrays = w.arrays();
  if (std::none_of(arrays.begin(), arrays.end(), [&](const auto& array) {
        return array.start.is_statistic && is_part_of(array.name, {&r.steady, 1});
      })) {
    fail({"steady: the part \"", r.steady, "\" has no batch normalisation whose running statistics could stay"});
  }
}

}  // namespace segx
