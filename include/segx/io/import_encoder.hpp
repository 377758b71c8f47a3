#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/encoder_names.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/runtime/weights.hpp>

namespace segx {

/// What became of an import.
struct import_report {
  weight_scheme scheme{};
  int filled = 0;                    // arrays of the network that the file gave
  std::vector<std::string> missing;  // arrays of the classifier that it did not have
  std::vector<std::string> unused;   // its tensors that the network has no place for
};

namespace detail {

/// Where an array of a network comes from: a tensor, or a number where the scheme has none.
struct array_source {
  std::string tensor;
  std::optional<float> constant;
};

inline array_source source_of(const std::string& array, const module_renames& renames, weight_scheme scheme,
                              const safetensors_view& file, double epsilon) {
  const std::size_t dot = array.rfind('.');
  const std::string module = array.substr(0, dot);
  std::string kind = array.substr(dot + 1);
  const auto renamed = std::find_if(renames.begin(), renames.end(), [&](const auto& r) { return r.first == module; });
  const std::string theirs = renamed == renames.end() ? module : renamed->second;
  if (scheme == weight_scheme::keras) {
    if (file.find(theirs + "/gamma") != nullptr) {
      const std::string names[][2] = {
          {"weight", "gamma"}, {"bias", "beta"}, {"running_mean", "moving_mean"}, {"running_var", "moving_variance"}};
      for (const auto& [ours, keras] : names) {
        if (kind == ours) { return {theirs + "/" + keras, {}}; }
      }
    }
    if (kind == "weight") { kind = file.find(theirs + "/kernel") != nullptr ? "kernel" : "depthwise_kernel"; }
    return {theirs + "/" + kind, {}};
  }
  if (scheme == weight_scheme::folded) {
    const bool is_norm = renamed != renames.begin() && renamed != renames.end() && (renamed - 1)->second == theirs;
    if (is_norm && kind == "weight") { return {"", 1.0F}; }
    if (is_norm && kind == "running_mean") { return {"", 0.0F}; }
    if (is_norm && kind == "running_var") { return {"", static_cast<float>(1 - epsilon)}; }
  }
  return {theirs + "." + kind, {}};
}

/// A convolution's weights from [R,S,C,K], or depthwise from [R,S,C] and [R,S,C,1], to [K,C,R,S].
inline std::vector<float> from_channels_last(std::span<const float> values, const std::vector<std::int64_t>& to) {
  const std::int64_t out = to[0];
  const std::int64_t in = to.size() > 1 ? to[1] : 1;
  const std::int64_t taps = to.size() > 3 ? to[2] * to[3] : 1;
  std::vector<float> turned(values.size());
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    for (std::int64_t c = 0; c < in; ++c) {
      for (std::int64_t k = 0; k < out; ++k) {
        turned[static_cast<std::size_t>((k * in + c) * taps + tap)] =
            values[static_cast<std::size_t>((tap * in + c) * out + k)];
      }
    }
  }
  return turned;
}

/// [K,3,R,S] to [K,1,R,S]: a gray image in place of three equal channels gives the same sums.
inline std::vector<float> folded_to_gray(std::span<const float> values, std::int64_t out, std::int64_t taps) {
  std::vector<float> gray(static_cast<std::size_t>(out * taps));
  for (std::int64_t k = 0; k < out; ++k) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t c = 0; c < 3; ++c) {
        gray[static_cast<std::size_t>(k * taps + tap)] += values[static_cast<std::size_t>((k * 3 + c) * taps + tap)];
      }
    }
  }
  return gray;
}

}  // namespace detail

/// Fills the weights of an encoder, below the name `part` of the network ("" for a classifier, "encoder" in a
/// segmentation network), from a file of another library, whose scheme is found by its names.
///
/// A network of gray images takes RGB weights: its first convolution gets the sums over the three channels, which is
/// exact for an image in which they are equal. Batch normalisations with another epsilon (`file_epsilon`) get their
/// running variance moved by the difference, which is exact once deployed. Throws `error` with what was expected and
/// found; `into` does not change then. Arrays named "classifier…" and "fc…" may be missing.
template <class Network>
import_report import_encoder(const safetensors_view& file, std::string_view encoder, weights<Network>& into,
                             const std::string& part = "", std::optional<double> file_epsilon = {}) {
  double epsilon = 1e-5;
  for (const auto& node : into.network().nodes()) {
    if (node.facts.normalises &&
        is_part_of(node.name.view(), std::vector{part.empty() ? std::string{"features"} : part})) {
      for (const attribute& a : node.attributes) { epsilon = a.name == "epsilon" ? a.value : epsilon; }
    }
  }
  weights<Network> result = into;
  std::string best_missing;
  int best = -1;
  import_report best_report;
  for (const weight_scheme scheme :
       {weight_scheme::torchvision, weight_scheme::timm, weight_scheme::keras, weight_scheme::folded}) {
    const auto renames = encoder_names(encoder, scheme);
    if (!renames) { continue; }
    import_report report{.scheme = scheme};
    std::string first_missing;
    for (const auto& array : result.arrays()) {
      if (!part.empty() && !array.name.starts_with(part + ".")) { continue; }
      const std::string name = part.empty() ? array.name : array.name.substr(part.size() + 1);
      const auto source = detail::source_of(name, *renames, scheme, file, epsilon);
      if (source.constant || file.find(source.tensor) != nullptr) {
        ++report.filled;
      } else if (name.starts_with("classifier") || name.starts_with("fc.")) {
        report.missing.push_back(name);
      } else if (first_missing.empty()) {
        first_missing = name + " (\"" + source.tensor + "\")";
      }
    }
    if (report.filled > best) {
      best = report.filled;
      best_missing = first_missing;
      best_report = report;
    }
  }
  if (best < 1) { fail("no weights of " + std::string{encoder} + " in the file: none of its names is known"); }
  if (!best_missing.empty()) { fail("the file has no tensor for " + best_missing); }

  const weight_scheme scheme = best_report.scheme;
  const module_renames renames = *encoder_names(encoder, scheme);
  std::vector<std::string> used;
  for (const auto& array : result.arrays()) {
    if (!part.empty() && !array.name.starts_with(part + ".")) { continue; }
    const std::string name = part.empty() ? array.name : array.name.substr(part.size() + 1);
    const auto source = detail::source_of(name, renames, scheme, file, epsilon);
    if (source.constant) {
      std::fill(array.values.begin(), array.values.end(), *source.constant);
      continue;
    }
    const tensor_entry* entry = file.find(source.tensor);
    if (entry == nullptr) { continue; }  // of the classifier
    used.push_back(source.tensor);
    std::int64_t elements = 1;
    for (const std::int64_t e : entry->extents) { elements *= e; }
    std::vector<float> values(static_cast<std::size_t>(elements));
    if (const std::string wrong = to_float32(*entry, values); !wrong.empty()) { fail(wrong); }

    std::vector<std::int64_t> expected = array.extents;
    const bool is_first = expected.size() == 4 && expected[1] == 1 && array.start.fan_in == expected[2] * expected[3] &&
                          elements == 3 * array.start.size() && expected[0] > 1;
    if (is_first) { expected[1] = 3; }
    const bool channels_last = scheme == weight_scheme::keras || scheme == weight_scheme::folded;
    std::int64_t wanted = 1;
    for (const std::int64_t e : expected) { wanted *= e; }
    const bool fits = elements == wanted && (channels_last || entry->extents == expected ||
                                             entry->extents == std::vector(expected.begin(), expected.begin() + 2));
    if (!fits) {
      fail("tensor \"" + source.tensor + "\": expected extents " + detail::extents_text(expected) +
           " in PyTorch's order, for " + name + ", found " + detail::extents_text(entry->extents));
    }
    if (channels_last && expected.size() > 1) { values = detail::from_channels_last(values, expected); }
    if (is_first) { values = detail::folded_to_gray(values, expected[0], expected[2] * expected[3]); }
    if (file_epsilon && array.name.ends_with("running_var")) {
      for (float& v : values) { v = static_cast<float>(v + (*file_epsilon - epsilon)); }
    }
    std::copy(values.begin(), values.end(), array.values.begin());
  }
  std::sort(used.begin(), used.end());
  for (const tensor_entry& entry : file.tensors) {
    if (!std::binary_search(used.begin(), used.end(), entry.name) && !entry.name.ends_with("num_batches_tracked")) {
      best_report.unused.push_back(entry.name);
    }
  }
  into = std::move(result);
  return best_report;
}

}  // namespace segx
