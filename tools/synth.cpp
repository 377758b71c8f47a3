#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
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
  bool overwrite = false;
};

/// What is there already would be one data set with what is written: it is refused, or if it is phantoms removed.
void clear(const std::filesystem::path& out, bool overwrite) {
  std::vector<std::filesystem::path> earlier;
  for (const char* kind : {"images", "masks"}) {
    const std::filesystem::path folder = out / kind;
    if (!std::filesystem::is_directory(folder)) { continue; }
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
      const bool is_phantom =
          entry.path().filename().string().starts_with("phantom_") && entry.path().extension() == ".png";
      if (!is_phantom || !overwrite) {
        fail({folder.string(), ": already holds ", entry.path().filename().string(),
              ", which would become part of the data; ",
              is_phantom ? "remove earlier phantoms by --overwrite, or give" : "give", " --out another folder"});
      }
      earlier.push_back(entry.path());
    }
  }
  for (const auto& file : earlier) { std::filesystem::remove(file); }
}

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
  command->add_flag("--overwrite", words->overwrite, "first remove the phantoms that are in OUT already");
  command->callback([words] {
    clear(words->out, words->overwrite);
    write_phantoms(words->out, words->count, words->size, words->seed);
    std::cout << "wrote " << words->count << " phantoms of " << words->size << "x" << words->size << " to "
              << words->out << '\n';
  });
}

}  // namespace segx::tool
