#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <segx/predict/segmenter.hpp>
#include <segx/train/classes.hpp>

#include "file_words.hpp"

namespace segx::tool {

/// The words of a command for how a segmenter looks at an image.
class segmenter_words {
 public:
  void add_to(CLI::App* command) {
    fit_option_ =
        command
            ->add_option(
                "--fit", fit_,
                "how images come to the network's size: stretch; pad, which keeps their aspect; tile, which keeps "
                "their resolution. Without it, as in the training: tile if that was on windows, else stretch")
            ->check(CLI::IsMember(fits));
    command->add_option("--overlap", options_.overlap, "of neighbouring tiles, as a share of their length")
        ->check(number_between(0.0, 0.9))
        ->capture_default_str();
    command
        ->add_option(
            "--tta", flips_,
            "test-time augmentation: the mean over the image and its mirror images: h, left to right; hv, also "
            "top to bottom. Not for classes that are left and right")
        ->check(CLI::IsMember(all_flips))
        ->capture_default_str();
    command->add_option("--threads", options_.threads, "0: as many as the machine has")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
  }

  void add_dropout_to(CLI::App* command) {
    command
        ->add_option(
            "--mc-dropout", options_.passes.dropout_passes,
            "Monte-Carlo dropout: the mean over so many passes with dropout on; also NAME.uncertainty.png, the "
            "deviation of the probabilities, 16 bit, 65535 being 1")
        ->check(CLI::Range(0, 100'000))
        ->capture_default_str();
  }

  /// Warns where mirroring would mix classes up.
  void heed(const model_card& card) const {
    if (flips_ != "none" && names_sides({card.classes})) {
      std::cerr << "warning: classes are named for their sides (" << card.classes
                << "), which --tta mixes: what is left in an image is right in its mirror image\n";
    }
  }

  bool names_fit() const { return fit_option_->count() > 0; }

  segmenter_options options(precision numbers = precision::automatic) const {
    segmenter_options result = options_;
    result.numbers = numbers;
    if (names_fit()) { result.fitting = static_cast<fit>(place_in(fits, fit_)); }
    result.passes.over = static_cast<flips>(place_in(all_flips, flips_));
    return result;
  }

 private:
  inline static const std::vector<std::string> fits{"stretch", "pad", "tile"};  // in the order of `fit`
  inline static const std::vector<std::string> all_flips{"none", "h", "hv"};    // … and of `flips`

  static int place_in(const std::vector<std::string>& names, const std::string& name) {
    return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
  }

  CLI::Option* fit_option_ = nullptr;  // belongs to the command
  std::string fit_;
  std::string flips_ = "none";
  segmenter_options options_;
};

/// The segmenter of a file's weights; errors name the file.
template <class Backend>
segmenter<any_network, Backend> segmenter_of(const std::string& file, const loaded_weights<any_network>& loaded,
                                             const segmenter_options& how) {
  try {
    return segmenter<any_network, Backend>{loaded, how};
  } catch (const error& wrong) { fail({file, ": ", wrong.what()}); }
}

}  // namespace segx::tool
