// What a program that trains may cost its user to compile: data, trainer, loss, optimizer, weight files.
#include <filesystem>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/models/paper.hpp>
#include <segx/optim/adam.hpp>
#include <segx/train/trainer.hpp>

int main(int, char** arguments) {
  const segx::dataset data = segx::scan_folder(arguments[1]);
  const segx::split parts = segx::split_by_fraction(data, 0.2, 1);
  const auto loss = segx::bce + segx::jaccard;
  segx::adam optimizer{{.learning_rate = 1e-3}, segx::linknet_effb3::parameter_count};
  segx::trainer<segx::linknet_effb3, segx::adam, decltype(loss)> trainer{data, parts, optimizer,
                                                                         loss, {},    {.run = arguments[2]}};
  return trainer.run().finished ? 0 : 1;
}
