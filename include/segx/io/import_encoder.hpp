#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/encoder_arrays.hpp>
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
array_source source_of(const std::string& array, const module_renames& renames, weight_scheme scheme,
                       const safetensors_view& file);

/// The scheme whose names the file knows best, and what it then does not have.
import_report find_scheme(const safetensors_view& file, std::string_view encoder,
                          std::span<const encoder_array> arrays);

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

#ifndef SEGX_COMPILED
#include <segx/io/impl/import_encoder.hpp>
#endif
