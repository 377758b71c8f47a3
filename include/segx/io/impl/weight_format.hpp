#pragma once

#include <algorithm>
#include <charconv>
#include <utility>

#include <segx/core/finite.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/weight_format.hpp>

namespace segx {

namespace detail {

inline constexpr int largest_extent = 65536;  // of an image

SEGX_IMPL_COLD std::string fault_of(const model_card& card, int classes) {
  for (const auto& [name, extent] : {std::pair{"height", card.height}, std::pair{"width", card.width}}) {
    if (extent < 1 || extent > largest_extent) {
      return joined({"a weight file's card must say the ", name, " of the images, between 1 and ", largest_extent,
                     ", not ", extent});
    }
  }
  const auto named = 1 + std::count(card.classes.begin(), card.classes.end(), ',');
  if (classes > 0 && named != classes) {
    return joined({"a weight file's card must name each class: \"", card.classes, "\" are ", named,
                   ", but the network gives ", classes});
  }
  return "";
}

SEGX_IMPL_COLD xt::xtensor<float, 4> self_test_image(shape extents) {
  auto image = xt::xtensor<float, 4>::from_shape(extents_of(1, extents));
  for (std::size_t i = 0; i < image.size(); ++i) {
    image.data()[i] = static_cast<float>(hash32(static_cast<std::uint32_t>(i)) >> 8U) * 0x1p-24F;
  }
  return image;
}

SEGX_IMPL_COLD std::span<const std::byte> bytes_of(const xt::xtensor<float, 4>& tensor) {
  return std::as_bytes(std::span{tensor.data(), tensor.size()});
}

SEGX_IMPL_COLD bool are_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return is_finite(v); });
}

SEGX_IMPL_COLD std::string checksum_of(std::span<const tensor_entry> tensors) {
  sha256_sum sum;
  for (const tensor_entry& entry : tensors) { sum.add(entry.bytes); }
  return sum.digits();
}

SEGX_IMPL_COLD std::string fault_of_extents(std::string_view tensor, const std::vector<std::int64_t>& expected,
                                            const std::vector<std::int64_t>& found) {
  if (found == expected) { return ""; }
  return joined(
      {"tensor \"", tensor, "\": expected extents ", extents_text(expected), ", found ", extents_text(found)});
}

SEGX_IMPL_COLD std::string damage_of(const safetensors_view& file, std::string_view known_sha256) {
  const auto differs = [&](std::string_view checksum, const char* what, auto&& compute) -> std::string {
    const auto expected = file.metadata.find(std::string{checksum});
    if (expected == file.metadata.end()) { return ""; }
    const std::string found = compute();
    if (found == expected->second) { return ""; }
    return joined({what, ": expected the SHA-256 ", expected->second, ", found ", found});
  };
  const std::string damage = differs("sha256", "the file is damaged", [&] {
    return known_sha256.empty() ? checksum_of(file.tensors) : std::string{known_sha256};
  });
  if (!damage.empty()) { return damage; }
  return differs(checksum_of_card, "the file's card was changed",
                 [&] { return sha256_of_texts(file.metadata, checksum_of_card); });
}

}  // namespace detail

SEGX_IMPL_COLD std::string decode_card(const safetensors_view& file, model_card& out) {
  const auto value = [&](const char* key) -> const std::string* {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? nullptr : &found->second;
  };
  const std::string* format = value("format");
  if (format == nullptr || *format != detail::weight_format) {
    return joined({"expected the format \"", detail::weight_format, "\", found ",
                   format == nullptr ? "none: not a weight file of segx" : joined({"\"", *format, "\""}),
                   format != nullptr && format->starts_with("segx checkpoint")
                       ? ": a training goes on from it, its weights are in best.safetensors"
                       : ""});
  }
  model_card card;
  for (const auto& [name, member] : detail::card_fields) {
    if (const std::string* text = value(name)) { card.*member = *text; }
  }
  for (const auto& [name, extent] : {std::pair{"height", &card.height}, std::pair{"width", &card.width}}) {
    const std::string* text = value(name);
    const auto end = text == nullptr ? nullptr : text->data() + text->size();
    if (text == nullptr || std::from_chars(text->data(), end, *extent).ptr != end || *extent < 1 ||
        *extent > detail::largest_extent) {
      return joined({"expected a \"", name, "\" between 1 and ", detail::largest_extent, ", found ",
                     text == nullptr ? "none" : joined({"\"", *text, "\""})});
    }
  }
  out = std::move(card);
  return "";
}

}  // namespace segx
