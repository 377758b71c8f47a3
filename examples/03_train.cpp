// Trains a U-Net and leaves its best weights in OUT:   03_train OUT [DATA]
//
// DATA holds images/NAME.png and masks/NAME.png. Without it, a few small phantoms are drawn and learned for two epochs:
// enough to see it run, not to segment anything.

#include <cstdio>
#include <filesystem>
#include <segx/imaging.hpp>

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: %s OUT [DATA]\n", argv[0]);
    return 2;
  }
  const std::filesystem::path out = argv[1];
  const bool has_data = argc == 3;
  const std::filesystem::path folder = has_data ? std::filesystem::path{argv[2]} : out / "phantoms";
  if (!has_data) { segx::write_phantoms(folder, 8, 64, 1); }

  const segx::dataset data = segx::scan_folder(folder);  // every file is looked at, every fault reported at once
  const segx::split parts = segx::split_by_fraction(data, 0.25, 1);

  const segx::recipe recipe{.model = "unet16",
                            .height = has_data ? 256 : 32,
                            .width = has_data ? 256 : 32,
                            .optimizer = "adam",
                            .learning_rate = 1e-3,
                            .schedule = "cosine",
                            .epochs = has_data ? 40 : 2,
                            .batch = has_data ? 8 : 3,
                            .seed = 1};
  segx::trainer<segx::unet16> training{data, parts, recipe, segx::bce + segx::jaccard, {.folder = out}};
  const segx::train_result result = training.run();
  std::printf("best validation IoU %.3f, in epoch %d\n", result.best_iou, result.best_epoch);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
