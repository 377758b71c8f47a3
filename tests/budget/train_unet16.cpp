// What a program that trains may cost its user to compile: data, trainer, loss, optimizer, weight files.
#include <filesystem>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/models/unet.hpp>
#include <segx/train/trainer.hpp>

int main(int, char** arguments) {
  const segx::dataset data = segx::scan_folder(arguments[1]);
  const segx::split parts = segx::split_by_fraction(data, 0.2, 1);
  segx::trainer<segx::unet16> trainer{data, parts, {.epochs = 40}, segx::bce + segx::jaccard, {.folder = arguments[2]}};
  return trainer.run().finished ? 0 : 1;
}
