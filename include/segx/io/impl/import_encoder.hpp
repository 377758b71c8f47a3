#pragma once

#include <cstdint>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/import_encoder.hpp>

namespace segx::detail {

SEGX_IMPL_COLD array_source source_of(const std::string& array, const module_renames& renames, weight_scheme scheme,
                                      const safetensors_view& file) {
  const std::size_t dot = array.rfind('.');
  const std::string module = array.substr(0, dot);
  const std::string kind = array.substr(dot + 1);
  const auto renamed = std::find_if(renames.begin(), renames.end(), [&](const auto& r) { return r.first == module; });
  const std::string theirs = renamed == renames.end() ? module : renamed->second;
  const auto keras_kind = [&]() -> std::string {
    if (kind == "running_mean") { return "moving_mean"; }
    if (kind == "running_var") { return "moving_variance"; }
    const bool is_norm = file.find(joined({theirs, "/gamma"})) != nullptr;
    if (kind == "bias") { return is_norm ? "beta" : "bias"; }
    if (is_norm) { return "gamma"; }
    return file.find(joined({theirs, "/kernel"})) != nullptr ? "kernel" : "depthwise_kernel";
  };
  switch (scheme) {
    case weight_scheme::keras:
      return {joined({theirs, "/", keras_kind()}), {}};
    case weight_scheme::folded: {  // a normalisation has the name of the convolution before it, which took it in
      const bool is_norm = renamed != renames.begin() && renamed != renames.end() && (renamed - 1)->second == theirs;
      if (is_norm && kind != "bias") { return {"", kind == "running_mean" ? 0.0F : 1.0F}; }
      return {joined({theirs, ".", kind}), {}};
    }
    case weight_scheme::torchvision:
    case weight_scheme::timm:
      break;
  }
  return {joined({theirs, ".", kind}), {}};
}

SEGX_IMPL_COLD import_report find_scheme(const safetensors_view& file, std::string_view encoder,
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
  if (best.filled < 1) { fail({"these are no weights of ", encoder, ": none of the names is known"}); }
  if (!lacks.empty()) { fail({"the tensor \"", lacks, "\" is missing"}); }
  return best;
}

}  // namespace segx::detail
