#pragma once

#include <algorithm>
#include <bit>

#include <segx/core/impl.hpp>
#include <segx/io/checksum.hpp>

namespace segx {

namespace detail {

SEGX_IMPL void sha256_state::absorb(const std::byte* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(block[4 * t + i]); };
    w[t] = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  auto [a, b, c, d, e, f, g, last] = h;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t1 = last + s1 + ((e & f) ^ (~e & g)) + k[t] + w[t];
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    last = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> change{a, b, c, d, e, f, g, last};
  for (std::size_t i = 0; i < 8; ++i) { h[i] += change[i]; }
}

}  // namespace detail

SEGX_IMPL void sha256_sum::add(std::span<const std::byte> data) {
  length_ += data.size();
  while (!data.empty()) {
    if (held_ == 0 && data.size() >= block_.size()) {
      state_.absorb(data.data());
      data = data.subspan(block_.size());
      continue;
    }
    const std::size_t taken = std::min(block_.size() - held_, data.size());
    std::memcpy(block_.data() + held_, data.data(), taken);
    held_ += taken;
    data = data.subspan(taken);
    if (held_ == block_.size()) {
      state_.absorb(block_.data());
      held_ = 0;
    }
  }
}

SEGX_IMPL std::string sha256_sum::digits() {
  // A one bit, zeros, and the length in bits as 64-bit big-endian fill the last block.
  const std::uint64_t bits = std::uint64_t{length_} * 8;
  std::array<std::byte, 72> tail{std::byte{0x80}};
  const std::size_t zeros = (119 - held_) % 64;
  for (std::size_t i = 0; i < 8; ++i) { tail[zeros + 8 - i] = static_cast<std::byte>(bits >> (8 * i)); }
  add(std::span{tail}.first(zeros + 9));

  std::string digits;
  digits.reserve(64);
  for (const std::uint32_t word : state_.h) {
    for (int shift = 28; shift >= 0; shift -= 4) { digits += "0123456789abcdef"[word >> shift & 15]; }
  }
  return digits;
}

SEGX_IMPL std::string sha256(std::span<const std::byte> data) {
  sha256_sum sum;
  sum.add(data);
  return sum.digits();
}

SEGX_IMPL_COLD std::string sha256_of_texts(const std::map<std::string, std::string>& texts, std::string_view but) {
  std::string all;
  for (const auto& [name, text] : texts) {
    if (name != but) { all.append(name).append(1, '\0').append(text).append(1, '\0'); }
  }
  return sha256(std::as_bytes(std::span{all}));
}

}  // namespace segx
