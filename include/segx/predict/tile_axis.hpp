#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace segx {

/// Tiles along one axis of an image: as few as overlap by at least a share of their length, at even distances. An axis
/// that is shorter than a tile lies in the middle of the only one.
class tile_axis {
 public:
  /// length, tile > 0; overlap ∈ [0,1)
  constexpr tile_axis(int length, int tile, double overlap) : length_{length}, tile_{tile} {
    const int step = std::max(1, static_cast<int>(tile * (1 - overlap)));
    count_ = length <= tile ? 1 : (length - tile + step - 1) / step + 1;
  }

  constexpr int length() const { return length_; }
  constexpr int tile() const { return tile_; }
  constexpr int count() const { return count_; }

  /// The pixel of the image at which tile t begins; below 0 where the image is shorter than the tile.
  constexpr int first(int t) const {
    if (count_ == 1) { return -((tile_ - length_) / 2); }
    return static_cast<int>(std::int64_t{t} * (length_ - tile_) / (count_ - 1));
  }

  /// What tile t counts at each of its pixels [tile], where all tiles together count 1: a bell around its middle, as
  /// what a network says near the border of a tile knows less of what is beyond.
  ///
  ///   share_t(i) = g(i − first(t)) / Σ_s g(i − first(s)),   g(x) = exp(−(x + 1/2 − tile/2)² / (2 σ²)),   σ = tile/8
  ///
  /// Source: Isensee et al., "nnU-Net", Nature Methods 18 (2021), arXiv:1809.10486, whose tiles overlap by half.
  std::vector<float> shares(int t) const {
    std::vector<float> result(static_cast<std::size_t>(tile_));
    const auto bell = [this](int x) {
      const double sigmas = (x + 0.5 - tile_ / 2.0) / (tile_ / 8.0);
      return std::exp(-sigmas * sigmas / 2);
    };
    for (int x = 0; x < tile_; ++x) {
      double sum = bell(x);
      for (const int direction : {-1, 1}) {
        for (int s = t + direction; s >= 0 && s < count_; s += direction) {
          const int there = x + first(t) - first(s);
          if (there < 0 || there >= tile_) { break; }
          sum += bell(there);
        }
      }
      result[static_cast<std::size_t>(x)] = static_cast<float>(bell(x) / sum);
    }
    return result;
  }

 private:
  int length_;
  int tile_;
  int count_ = 1;
};

}  // namespace segx
