#include <iostream>
#include <memory>
#include <string>

#include <segx/data/phantom.hpp>

#include "commands.hpp"
#include "file_words.hpp"

namespace segx::tool {

namespace {

struct synth_words {
  std::string out;
  int count = 0;
  int size = 256;
  std::uint64_t seed = 0;
};

}  // namespace

void add_synth(CLI::App& app) {
  auto words = std::make_shared<synth_words>();
  CLI::App* command = app.add_subcommand(
      "synth",
      "Write chest phantoms: made-up frontal X-rays (16-bit PNG) with exact lung masks, to OUT/images and OUT/masks");
  command->add_option("--out", words->out, "folder to write to")->required();
  command->add_option("--count", words->count, "how many")->required()->check(CLI::Range(1, 1000000));
  command->add_option("--size", words->size, "height and width, pixels")
      ->check(CLI::Range(32, 4096))
      ->capture_default_str();
  add_seed(command, words->seed, "the same seed gives the same pictures");
  command->callback([words] {
    write_phantoms(words->out, words->count, words->size, words->seed);
    std::cout << "wrote " << words->count << " phantoms of " << words->size << "x" << words->size << " to "
              << words->out << '\n';
  });
}

}  // namespace segx::tool
