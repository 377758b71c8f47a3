#pragma once

#include <array>

#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/encoder_names.hpp>

namespace segx {

namespace detail {

/// Calls add(ours, theirs) for the two modules of a convolution and its normalisation, "….0" and "….1" here.
struct rename_list {
  module_renames all;

  void add(std::string ours, std::string theirs) { all.emplace_back(std::move(ours), std::move(theirs)); }
  void pair(const std::string& ours, std::string convolution, std::string norm) {
    add(joined({ours, ".0"}), std::move(convolution));
    add(joined({ours, ".1"}), std::move(norm));
  }
};

/// Blocks of each stage of an EfficientNet; the number of stages is always seven.
inline std::optional<std::array<int, 7>> efficientnet_depths(std::string_view encoder) {
  constexpr std::array<std::array<int, 7>, 8> depths{{{1, 2, 2, 3, 3, 4, 1},
                                                      {2, 3, 3, 4, 4, 5, 2},
                                                      {2, 3, 3, 4, 4, 5, 2},
                                                      {2, 3, 3, 5, 5, 6, 2},
                                                      {2, 4, 4, 6, 6, 8, 2},
                                                      {3, 5, 5, 7, 7, 9, 3},
                                                      {3, 6, 6, 8, 8, 11, 3},
                                                      {4, 7, 7, 10, 10, 13, 4}}};
  constexpr std::string_view family = "efficientnet_b";
  if (!encoder.starts_with(family) || encoder.size() != family.size() + 1) { return std::nullopt; }
  const char which = encoder.back();
  if (which < '0' || which > '7') { return std::nullopt; }
  return depths[static_cast<std::size_t>(which - '0')];
}

inline module_renames timm_efficientnet(const std::array<int, 7>& depths) {
  rename_list names;
  names.pair("features.0", "conv_stem", "bn1");
  for (int stage = 0; stage < 7; ++stage) {
    for (int block = 0; block < depths[static_cast<std::size_t>(stage)]; ++block) {
      const std::string ours = joined({"features.", stage + 1, ".", block, ".block."});
      const std::string theirs = joined({"blocks.", stage, ".", block, "."});
      const bool expands = stage > 0;
      int part = 0;
      if (expands) { names.pair(joined({ours, part++}), joined({theirs, "conv_pw"}), joined({theirs, "bn1"})); }
      names.pair(joined({ours, part++}), joined({theirs, "conv_dw"}), theirs + (expands ? "bn2" : "bn1"));
      names.add(joined({ours, part, ".fc1"}), joined({theirs, "se.conv_reduce"}));
      names.add(joined({ours, part++, ".fc2"}), joined({theirs, "se.conv_expand"}));
      names.pair(joined({ours, part}), theirs + (expands ? "conv_pwl" : "conv_pw"), theirs + (expands ? "bn3" : "bn2"));
    }
  }
  names.pair("features.8", "conv_head", "bn2");
  names.add("classifier.1", "classifier");
  return std::move(names.all);
}

/// MobileNetV2 is 17 blocks in a row, of which timm and Keras count differently.
inline module_renames mobilenet_v2_names(weight_scheme scheme) {
  constexpr std::array<int, 7> depths{1, 2, 3, 4, 3, 3, 1};
  const bool timm = scheme == weight_scheme::timm;
  rename_list names;
  names.pair("features.0", timm ? "conv_stem" : "Conv1", timm ? "bn1" : "bn_Conv1");
  int feature = 1;
  for (int stage = 0; stage < 7; ++stage) {
    for (int block = 0; block < depths[static_cast<std::size_t>(stage)]; ++block, ++feature) {
      const std::string ours = joined({"features.", feature, ".conv."});
      const bool expands = stage > 0;
      const std::string project = ours + (expands ? "2" : "1");
      const std::string project_norm = ours + (expands ? "3" : "2");
      if (timm) {
        const std::string theirs = joined({"blocks.", stage, ".", block, "."});
        if (expands) { names.pair(joined({ours, "0"}), joined({theirs, "conv_pw"}), joined({theirs, "bn1"})); }
        names.pair(ours + (expands ? "1" : "0"), joined({theirs, "conv_dw"}), theirs + (expands ? "bn2" : "bn1"));
        names.add(project, theirs + (expands ? "conv_pwl" : "conv_pw"));
        names.add(project_norm, theirs + (expands ? "bn3" : "bn2"));
      } else {
        const std::string theirs = expands ? joined({"block_", feature - 1, "_"}) : "expanded_conv_";
        if (expands) { names.pair(joined({ours, "0"}), joined({theirs, "expand"}), joined({theirs, "expand_BN"})); }
        names.pair(ours + (expands ? "1" : "0"), joined({theirs, "depthwise"}), joined({theirs, "depthwise_BN"}));
        names.add(project, joined({theirs, "project"}));
        names.add(project_norm, joined({theirs, "project_BN"}));
      }
    }
  }
  names.pair("features.18", timm ? "conv_head" : "Conv_1", timm ? "bn2" : "Conv_1_bn");
  names.add("classifier.1", timm ? "classifier" : "predictions");
  return std::move(names.all);
}

/// "00_conv", "01_dw", …: each convolution, and under the same name the normalisation that it took in.
inline module_renames folded_mobilenet_v2_names() {
  module_renames keras = mobilenet_v2_names(weight_scheme::keras);
  int number = -1;
  std::string name;
  for (auto& [ours, theirs] : keras) {
    const bool is_norm = theirs.starts_with("bn_") || theirs.ends_with("_BN") || theirs.ends_with("_bn");
    if (!is_norm) {
      ++number;
      name = joined({number < 10 ? "0" : "", number, theirs.ends_with("depthwise") ? "_dw" : "_conv"});
    }
    theirs = name;
  }
  return keras;
}

/// What MobileNetV3's blocks are made of, which their names do not tell.
struct mobilenet_v3_block {
  bool expands, squeezes;
};

inline module_renames timm_mobilenet_v3(bool large) {
  // For each of timm's stages its blocks.
  using stages = std::vector<std::vector<mobilenet_v3_block>>;
  const mobilenet_v3_block plain{true, false};
  const mobilenet_v3_block squeezed{true, true};
  const stages all = large ? stages{{{false, false}},
                                    {plain, plain},
                                    {squeezed, squeezed, squeezed},
                                    {plain, plain, plain, plain},
                                    {squeezed, squeezed},
                                    {squeezed, squeezed, squeezed}}
                           : stages{{{false, true}},
                                    {plain, plain},
                                    {squeezed, squeezed, squeezed},
                                    {squeezed, squeezed},
                                    {squeezed, squeezed, squeezed}};
  rename_list names;
  names.pair("features.0", "conv_stem", "bn1");
  int feature = 1;
  for (std::size_t stage = 0; stage < all.size(); ++stage) {
    for (std::size_t block = 0; block < all[stage].size(); ++block, ++feature) {
      const auto [expands, squeezes] = all[stage][block];
      const std::string ours = joined({"features.", feature, ".block."});
      const std::string theirs = joined({"blocks.", stage, ".", block, "."});
      int part = 0;
      if (expands) { names.pair(joined({ours, part++}), joined({theirs, "conv_pw"}), joined({theirs, "bn1"})); }
      names.pair(joined({ours, part++}), joined({theirs, "conv_dw"}), theirs + (expands ? "bn2" : "bn1"));
      if (squeezes) {
        names.add(joined({ours, part, ".fc1"}), joined({theirs, "se.conv_reduce"}));
        names.add(joined({ours, part++, ".fc2"}), joined({theirs, "se.conv_expand"}));
      }
      names.pair(joined({ours, part}), theirs + (expands ? "conv_pwl" : "conv_pw"), theirs + (expands ? "bn3" : "bn2"));
    }
  }
  const std::string last = joined({"blocks.", all.size(), ".0."});
  names.pair(joined({"features.", feature}), joined({last, "conv"}), joined({last, "bn1"}));
  names.add("classifier.0", "conv_head");
  names.add("classifier.3", "classifier");
  return std::move(names.all);
}

}  // namespace detail

SEGX_IMPL_COLD std::optional<module_renames> encoder_names(std::string_view encoder, weight_scheme scheme) {
  const bool is_mobilenet_v2 = encoder.starts_with("mobilenet_v2");
  const bool is_resnet = encoder.starts_with("resnet");
  switch (scheme) {
    case weight_scheme::torchvision:
      return module_renames{};
    case weight_scheme::timm:
      if (is_resnet) { return module_renames{}; }
      if (const auto depths = detail::efficientnet_depths(encoder)) { return detail::timm_efficientnet(*depths); }
      if (is_mobilenet_v2) { return detail::mobilenet_v2_names(scheme); }
      if (encoder == "mobilenet_v3_large") { return detail::timm_mobilenet_v3(true); }
      if (encoder == "mobilenet_v3_small") { return detail::timm_mobilenet_v3(false); }
      return std::nullopt;
    case weight_scheme::keras:
      if (is_mobilenet_v2) { return detail::mobilenet_v2_names(scheme); }
      return std::nullopt;
    case weight_scheme::folded:
      if (is_mobilenet_v2) { return detail::folded_mobilenet_v2_names(); }
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace segx
