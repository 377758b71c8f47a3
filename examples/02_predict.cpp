// From a weight file and an X-ray to a mask:   02_predict WEIGHTS IMAGE MASK

#include <cstdio>
#include <segx/imaging.hpp>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s WEIGHTS IMAGE MASK\n", argv[0]);
    return 2;
  }
  segx::segmenter<segx::unet16> lungs{argv[1]};   // reads and checks the file, plans, allocates: once
  const cv::Mat gray = segx::read_gray(argv[2]);  // any size, 8 or 16 bits → [0,1]
  const cv::Mat mask = lungs.mask(gray);          // of the same size, 0 and 1
  segx::write_mask(argv[3], mask);                // 0 and 255

  std::printf("%.1f %% of %s is lung\n", 100.0 * cv::countNonZero(mask) / static_cast<double>(mask.total()), argv[2]);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
