#pragma once

#include <array>

#include <segx/core/impl.hpp>
#include <segx/io/encoder_names.hpp>

namespace segx {

namespace detail {

/// Calls add(ours, theirs) for the two modules of a convolution and its normalisation, "….0" and "….1" here.
struct rename_list {
  module_renames all;

  void add(std::string ours, std::string theirs) { all.emplace_back(std::move(ours), std::move(theirs)); }
  void pair(const std::string& ours, std::string convolution, std::string norm) {
    add(ours + ".0", std::move(convolution));
    add(ours + ".1", std::move(norm));
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
      const std::string ours = "features." + std::to_string(stage + 1) + "." + std::to_string(block) + ".block.";
      const std::string theirs = "blocks." + std::to_string(stage) + "." + std::to_string(block) + ".";
      const bool expands = stage > 0;
      int part = 0;
      if (expands) { names.pair(ours + std::to_string(part++), theirs + "conv_pw", theirs + "bn1"); }
      names.pair(ours + std::to_string(part++), theirs + "conv_dw", theirs + (expands ? "bn2" : "bn1"));
      names.add(ours + std::to_string(part) + ".fc1", theirs + "se.conv_reduce");
      names.add(ours + std::to_string(part++) + ".fc2", theirs + "se.conv_expand");
      names.pair(ours + std::to_string(part), theirs + (expands ? "conv_pwl" : "conv_pw"),
                 theirs + (expands ? "bn3" : "bn2"));
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
      const std::string ours = "features." + std::to_string(feature) + ".conv.";
      const bool expands = stage > 0;
      const std::string project = ours + (expands ? "2" : "1");
      const std::string project_norm = ours + (expands ? "3" : "2");
      if (timm) {
        const std::string theirs = "blocks." + std::to_string(stage) + "." + std::to_string(block) + ".";
        if (expands) { names.pair(ours + "0", theirs + "conv_pw", theirs + "bn1"); }
        names.pair(ours + (expands ? "1" : "0"), theirs + "conv_dw", theirs + (expands ? "bn2" : "bn1"));
        names.add(project, theirs + (expands ? "conv_pwl" : "conv_pw"));
        names.add(project_norm, theirs + (expands ? "bn3" : "bn2"));
      } else {
        const std::string theirs = expands ? "block_" + std::to_string(feature - 1) + "_" : "expanded_conv_";
        if (expands) { names.pair(ours + "0", theirs + "expand", theirs + "expand_BN"); }
        names.pair(ours + (expands ? "1" : "0"), theirs + "depthwise", theirs + "depthwise_BN");
        names.add(project, theirs + "project");
        names.add(project_norm, theirs + "project_BN");
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
      name = (number < 10 ? "0" : "") + std::to_string(number) + (theirs.ends_with("depthwise") ? "_dw" : "_conv");
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
      const std::string ours = "features." + std::to_string(feature) + ".block.";
      const std::string theirs = "blocks." + std::to_string(stage) + "." + std::to_string(block) + ".";
      int part = 0;
      if (expands) { names.pair(ours + std::to_string(part++), theirs + "conv_pw", theirs + "bn1"); }
      names.pair(ours + std::to_string(part++), theirs + "conv_dw", theirs + (expands ? "bn2" : "bn1"));
      if (squeezes) {
        names.add(ours + std::to_string(part) + ".fc1", theirs + "se.conv_reduce");
        names.add(ours + std::to_string(part++) + ".fc2", theirs + "se.conv_expand");
      }
      names.pair(ours + std::to_string(part), theirs + (expands ? "conv_pwl" : "conv_pw"),
                 theirs + (expands ? "bn3" : "bn2"));
    }
  }
  const std::string last = "blocks." + std::to_string(all.size()) + ".0.";
  names.pair("features." + std::to_string(feature), last + "conv", last + "bn1");
  names.add("classifier.0", "conv_head");
  names.add("classifier.3", "classifier");
  return std::move(names.all);
}

}  // namespace detail

SEGX_IMPL std::optional<module_renames> encoder_names(std::string_view encoder, weight_scheme scheme) {
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
