#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
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
  int filled = 0;                      // arrays of the network that the file gave
  std::vector<std::string> missing{};  // arrays of the classifier that it did not have
  std::vector<std::string> unused{};   // its tensors that the network has no place for
};

namespace detail {

/// Where an array of a network comes from: a tensor, or a number where the scheme has none.
struct array_source {
  std::string tensor;
  std::optional<float> constant;
};

/// `array` as torchvision names it: "features.0.1.running_mean".
inline array_source source_of(const std::string& array, const module_renames& renames, weight_scheme scheme,
                              const safetensors_view& file) {
  const std::size_t dot = array.rfind('.');
  const std::string module = array.substr(0, dot);
  const std::string kind = array.substr(dot + 1);
  const auto renamed = std::find_if(renames.begin(), renames.end(), [&](const auto& r) { return r.first == module; });
  const std::string theirs = renamed == renames.end() ? module : renamed->second;
  const auto keras_kind = [&]() -> std::string {
    if (kind == "running_mean") { return "moving_mean"; }
    if (kind == "running_var") { return "moving_variance"; }
    const bool is_norm = file.find(theirs + "/gamma") != nullptr;
    if (kind == "bias") { return is_norm ? "beta" : "bias"; }
    if (is_norm) { return "gamma"; }
    return file.find(theirs + "/kernel") != nullptr ? "kernel" : "depthwise_kernel";
  };
  switch (scheme) {
    case weight_scheme::keras:
      return {theirs + "/" + keras_kind(), {}};
    case weight_scheme::folded: {  // a normalisation has the name of the convolution before it, which took it in
      const bool is_norm = renamed != renames.begin() && renamed != renames.end() && (renamed - 1)->second == theirs;
      if (is_norm && kind != "bias") { return {"", kind == "running_mean" ? 0.0F : 1.0F}; }
      return {theirs + "." + kind, {}};
    }
    case weight_scheme::torchvision:
    case weight_scheme::timm:
      break;
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

inline std::int64_t count_of(std::span<const std::int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies{});
}

/// An array of an encoder: where it is, and what torchvision calls it.
struct encoder_array {
  weight_array<float> of;
  std::string name;
  double epsilon = 0;    // of the normalisation that it belongs to
  bool is_gray = false;  // of the first convolution of a network of gray images

  bool may_be_missing() const { return name.starts_with("classifier") || name.starts_with("fc."); }

  /// Its values from a tensor. Throws `error`.
  std::vector<float> values_of(const tensor_entry& entry, bool channels_last) const {
    std::vector<float> values(static_cast<std::size_t>(count_of(entry.extents)));
    if (const std::string wrong = to_float32(entry, values); !wrong.empty()) { fail(wrong); }
    std::vector<std::int64_t> expected = of.extents;
    if (is_gray && count_of(entry.extents) == 3 * count_of(expected)) { expected[1] = 3; }
    const auto matrix = expected.size() == 4 && expected[2] * expected[3] == 1  // a layer on one pixel: [K,C]
                            ? std::vector<std::int64_t>(expected.begin(), expected.begin() + 2)
                            : expected;
    const bool fits = channels_last ? count_of(entry.extents) == count_of(expected)
                                    : entry.extents == expected || entry.extents == matrix;
    if (!fits) {
      fail("tensor \"" + entry.name + "\": expected the extents " + extents_text(expected) + " (for " + name +
           "), found " + extents_text(entry.extents));
    }
    if (channels_last && expected.size() > 1) { values = from_channels_last(values, expected); }
    if (expected != of.extents) { values = folded_to_gray(values, expected[0], expected[2] * expected[3]); }
    return values;
  }
};

/// The arrays of a network below the name `part`.
template <class Network>
std::vector<encoder_array> encoder_arrays(weights<Network>& of, const std::string& part) {
  const std::string prefix = part.empty() ? "" : part + ".";
  std::vector<encoder_array> result;
  for (weight_array<float>& array : of.arrays()) {
    if (!array.name.starts_with(prefix)) { continue; }
    result.push_back({array, array.name.substr(prefix.size())});
  }
  if (!result.empty()) { result.front().is_gray = of.network().channels == 1; }
  for (const auto& node : of.network().nodes()) {
    for (const attribute& a : node.attributes) {
      if (!node.facts.normalises || a.name != "epsilon") { continue; }
      for (encoder_array& array : result) {
        for (int p = 0; p < node.parameter_count; ++p) {
          if (array.of.place == node.places[p]) { array.epsilon = a.value; }
        }
      }
    }
  }
  return result;
}

/// The scheme whose names the file knows best, and what it then does not have.
inline import_report find_scheme(const safetensors_view& file, std::string_view encoder,
                                 std::span<const encoder_array> arrays) {
  import_report best{.filled = -1};
  std::string lacks;
  for (const weight_scheme scheme :
       {weight_scheme::torchvision, weight_scheme::timm, weight_scheme::keras, weight_scheme::folded}) {
    const auto renames = encoder_names(encoder, scheme);
    if (!renames) { continue; }
    import_report report{.scheme = scheme};
    std::string first_missing;
    for (const encoder_array& array : arrays) {
      const array_source source = source_of(array.name, *renames, scheme, file);
      if (file.find(source.tensor) != nullptr) {
        ++report.filled;
      } else if (array.may_be_missing()) {
        report.missing.push_back(array.name);
      } else if (!source.constant && first_missing.empty()) {
        first_missing = source.tensor;
      }
    }
    if (report.filled > best.filled) {
      best = std::move(report);
      lacks = first_missing;
    }
  }
  if (best.filled < 1) { fail("these are no weights of " + std::string{encoder} + ": none of the names is known"); }
  if (!lacks.empty()) { fail("the tensor \"" + lacks + "\" is missing"); }
  return best;
}

}  // namespace detail

/// Fills the weights of an encoder, below the name `part` of the network ("" for a classifier, "encoder" in a
/// segmentation network), from a file of another library, whose scheme is found by its names.
///
/// A network of gray images takes weights for RGB: its first convolution gets the sums over the three channels, which
/// is exact for images in which they are equal, also after normalisation. Where the file's batch normalisations had
/// another epsilon than the network's (`file_epsilon`), running variances are moved by the difference, which is exact
/// in deployed networks. A classifier may be missing. Throws `error`; `into` does not change then.
template <class Network>
import_report import_encoder(const safetensors_view& file, std::string_view encoder, weights<Network>& into,
                             const std::string& part = "", std::optional<double> file_epsilon = {}) {
  weights<Network> result = into;
  const std::vector<detail::encoder_array> arrays = detail::encoder_arrays(result, part);
  import_report report = detail::find_scheme(file, encoder, arrays);
  const module_renames renames = *encoder_names(encoder, report.scheme);
  const bool channels_last = report.scheme == weight_scheme::keras || report.scheme == weight_scheme::folded;
  std::vector<std::string> used;
  for (const detail::encoder_array& array : arrays) {
    const auto source = detail::source_of(array.name, renames, report.scheme, file);
    const tensor_entry* entry = file.find(source.tensor);
    if (source.constant) {
      std::fill(array.of.values.begin(), array.of.values.end(), *source.constant);
    } else if (entry != nullptr) {
      const std::vector<float> values = array.values_of(*entry, channels_last);
      std::copy(values.begin(), values.end(), array.of.values.begin());
      used.push_back(source.tensor);
    }
    // Identity where the normalisation moved into the convolution: 1 = var + ε.
    const double stored_epsilon = source.constant ? 0 : file_epsilon.value_or(array.epsilon);
    if (array.name.ends_with("running_var")) {
      for (float& v : array.of.values) { v = static_cast<float>(v + (stored_epsilon - array.epsilon)); }
    }
  }
  std::sort(used.begin(), used.end());
  for (const tensor_entry& entry : file.tensors) {
    const bool counts = !entry.name.ends_with("num_batches_tracked");
    if (counts && !std::binary_search(used.begin(), used.end(), entry.name)) { report.unused.push_back(entry.name); }
  }
  into = std::move(result);
  return report;
}

}  // namespace segx
