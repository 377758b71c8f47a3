#pragma once

#include <cstdint>

namespace segx {

/// Gray of a colour pixel, in the same integers and rounded as OpenCV rounds: 0.299 R + 0.587 G + 0.114 B in units of
/// 2^-15, so that equal channels give exactly their value. T is std::uint8_t or std::uint16_t. Standard library only: a
/// browser, whose pictures arrive as RGBA, sees the gray that read_gray sees.
template <class T>
constexpr T gray_of(T red, T green, T blue) {
  static_assert(sizeof(T) <= 2, "gray_of: 8 or 16 bits for each channel");
  return static_cast<T>((9798U * red + 19235U * green + 3735U * blue + (1U << 14)) >> 15);
}

}  // namespace segx
