#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace segx {

namespace detail {

/// The state of SHA-256: the eight words H, which `absorb` changes by one block of 64 bytes after another.
struct sha256_state {
  std::array<std::uint32_t, 8> h{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::array<std::uint32_t, 64> k{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

  void absorb(const std::byte* block) {
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
    for (std::size_t i = 0; i < 8; ++i) h[i] += change[i];
  }
};

}  // namespace detail

/// The SHA-256 of bytes that come piece by piece. Source: NIST FIPS 180-4, sections 4.1.2, 5.1.1 and 6.2.
class sha256_sum {
 public:
  void add(std::span<const std::byte> data) {
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

  /// 64 lowercase hexadecimal digits, as the program sha256sum prints them. Ends the sum.
  std::string digits() {
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

 private:
  detail::sha256_state state_;
  std::array<std::byte, 64> block_{};
  std::size_t held_ = 0;  // bytes in block_
  std::size_t length_ = 0;
};

inline std::string sha256(std::span<const std::byte> data) {
  sha256_sum sum;
  sum.add(data);
  return sum.digits();
}

}  // namespace segx
