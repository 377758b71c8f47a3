#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <segx/core/error.hpp>

namespace segx {

/// What the sums of a loss run over that compares sets of pixels. The loss is the mean over the sets.
enum class over {
  batch,    ///< one set, all pixels of the batch: small organs and empty masks weigh by their pixels
  image,    ///< a set for each image, all its channels: each image weighs the same
  channel,  ///< a set for each class, of all images: each class weighs the same
  plane,    ///< a set for each class of each image
};

namespace detail {

/// Which set the plane of image n and channel k belongs to, of those that `first` and the channels behind it make up.
constexpr std::size_t set_of_plane(over what, std::size_t channels, std::size_t first, std::size_t n, std::size_t k) {
  switch (what) {
    case over::batch:
      return 0;
    case over::image:
      return n;
    case over::channel:
      return k - first;
    default:
      return n * (channels - first) + k - first;
  }
}

struct plane_sets {
  std::size_t images, channels;
  over what;
  bool background;  ///< false: channel 0 belongs to no set

  plane_sets(std::string_view loss, std::size_t of_images, std::size_t of_channels, over sets, bool with_background)
      : images(of_images), channels(of_channels), what(sets), background(with_background) {
    if (!background && channels == 1) {
      fail({loss, ": without its background an image of one channel has no class; leave background=yes"});
    }
  }

  bool has(std::size_t k) const { return background || k > 0; }

  std::size_t of(std::size_t n, std::size_t k) const { return set_of_plane(what, channels, background ? 0 : 1, n, k); }

  std::size_t count() const { return of(images - 1, channels - 1) + 1; }
};

}  // namespace detail
}  // namespace segx
