#pragma once

#include <cstdint>

#include <segx/io/checkpoint.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/runtime/program.hpp>
#include <segx/runtime/session.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// What a training takes on the CPU, before anything is allocated.
struct training_memory {
  // Weights, gradients, optimizer, packed weights, scratch; a checkpoint while it is written; all of the validation.
  std::int64_t fixed = 0;
  std::int64_t per_image = 0;  // of a batch: activations and their gradients

  std::int64_t bytes(int batch) const { return fixed + batch * per_image; }
};

/// Of `trainer::bytes()`, by the same plans of memory; `threads` is a number, not 0.
template <class Network>
training_memory training_memory_of(const recipe& r, const Network& network, int threads) {
  const dynamic_plan<Network, cpu, purpose::training> training{network, r.height, r.width};
  const dynamic_plan<Network, frugal<cpu>, purpose::inference> judging{network, r.height, r.width};
  const program<cpu> learn = training.get();
  const program<cpu> judge = judging.get();
  const auto optimizer = static_cast<std::int64_t>(
      make_optimizer(r.optimizer, static_cast<std::size_t>(network.parameter_count)).state().size());
  const std::int64_t written = values_while_writing(learn.weights, optimizer, r.average > 0);
  std::int64_t copies = 2;  // as learned, and their gradients
  if (r.average > 0) { ++copies; }
  if (session<Network, frugal<cpu>>::needs_weights(judge)) { ++copies; }
  const std::int64_t floats = copies * learn.weights + optimizer + written + learn.packed + threads * learn.scratch +
                              judge.packed + judge.image + threads * judge.scratch;
  return {floats * static_cast<std::int64_t>(sizeof(float)), learn.image * static_cast<std::int64_t>(sizeof(float))};
}

}  // namespace segx
