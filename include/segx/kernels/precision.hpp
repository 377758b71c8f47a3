#pragma once

#include <string>
#include <string_view>

#include <segx/core/error.hpp>

namespace segx {

/// The numbers that a GPU computes convolutions in. Weights, their gradients and all sums stay float32 throughout.
enum class precision : unsigned char {
  automatic,  ///< bf16
  fp32,       ///< as exact as the CPU
  tf32,       ///< float32 in memory, factors rounded to 11 bits on the tensor cores
  bf16,       ///< activations in bfloat16: half the memory, 8 bits of fraction, the range of float32
  fp16        ///< activations in float16: 11 bits, a small range; gradients are scaled up on their way
};

/// "auto", "fp32", "tf32", "bf16" or "fp16"; throws `error` for another word.
inline precision parse_precision(std::string_view word) {
  if (word == "auto") { return precision::automatic; }
  if (word == "fp32") { return precision::fp32; }
  if (word == "tf32") { return precision::tf32; }
  if (word == "bf16") { return precision::bf16; }
  if (word == "fp16") { return precision::fp16; }
  fail({"no precision is called \"", word, "\"; choose auto, fp32, tf32, bf16 or fp16"});
}

}  // namespace segx
