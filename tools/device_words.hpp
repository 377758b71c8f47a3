#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include <segx/kernels/precision.hpp>

namespace segx::tool {

/// The words of a command for what it computes on.
struct device_words {
  std::string device = "cpu", numbers = "auto";
  bool fastest = false;

  void add_to(CLI::App* command) {
    command->add_option("--device", device, "cpu, or cuda: an NVIDIA GPU")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    command
        ->add_option("--precision", numbers,
                     "numbers that a GPU computes in: fp32, tf32, bf16, fp16; auto: bf16. The CPU computes in fp32")
        ->check(CLI::IsMember({"auto", "fp32", "tf32", "bf16", "fp16"}))
        ->capture_default_str();
  }
  void add_to_training(CLI::App* command) {
    add_to(command);
    command->add_flag("--fastest", fastest,
                      "on a GPU: the algorithms of convolution that measure fastest, instead of those that give the "
                      "same bits in every run");
  }
  bool is_gpu() const { return device == "cuda"; }
  precision precision_of_gpu() const { return parse_precision(numbers); }
  /// "bf16" where the choice was left open.
  std::string precision_name() const { return numbers == "auto" ? "bf16" : numbers; }
  std::string text_of_gpu() const { return "CUDA, " + precision_name(); }
  /// " --device cuda …", as another command takes them; nothing for what it would choose by itself.
  std::string as_words() const {
    if (!is_gpu()) { return ""; }
    return " --device cuda" + (numbers == "auto" ? "" : " --precision " + numbers) + (fastest ? " --fastest" : "");
  }
};

}  // namespace segx::tool
