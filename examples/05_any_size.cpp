// Masks of images that are not of the network's size, and how sure they are:   05_any_size WEIGHTS IMAGE

#include <cstdio>
#include <segx/imaging.hpp>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s WEIGHTS IMAGE\n", argv[0]);
    return 2;
  }
  const cv::Mat image = segx::read_gray(argv[2]);

  // At the image's own resolution, in memory that does not grow with its height.
  segx::segmenter<segx::unet16> tiles{argv[1], {.fitting = segx::fit::tile, .overlap = 0.5}};
  const cv::Mat mask = tiles.mask(image);
  std::printf("in tiles: %d pixels, %.1f MB\n", cv::countNonZero(mask), 1e-6 * double(tiles.bytes(image.size())));

  // With its aspect kept, as the mean over the image and its mirror image.
  segx::segmenter<segx::unet16> mirrored{argv[1],
                                         {.fitting = segx::fit::pad, .passes = {.over = segx::flips::horizontal}}};
  std::printf("padded and mirrored: %d pixels\n", cv::countNonZero(mirrored.mask(image)));

  // As the mean over 20 draws of dropout, and their deviation.
  segx::segmenter<segx::unet16> drawn{argv[1], {.passes = {.dropout_passes = 20}}};
  const segx::prediction found = drawn.predict(image);
  std::printf("with dropout: %d pixels, deviation %.3f on average\n",
              cv::countNonZero(drawn.labels_of(found.probabilities)), cv::mean(found.uncertainty)[0]);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
