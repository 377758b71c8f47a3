#pragma once

#include <cstdint>
#include <type_traits>

#include <segx/io/checkpoint.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/runtime/program.hpp>
#include <segx/runtime/session.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// What `trainer::bytes()` will say of a training on the CPU, by the same plans of memory, before anything is
/// allocated: weights, gradients, optimizer, packed weights, activations; a checkpoint while it is written; all of the
/// validation. `how.threads` is a number, not 0. On a GPU: <segx/cuda/training_bytes.hpp>.
template <class Network>
std::int64_t training_bytes_of(std::type_identity<cpu>, const recipe& r, const Network& network,
                               const session_options& how) {
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
  const std::int64_t floats = copies * learn.weights + optimizer + written + learn.packed +
                              how.threads * learn.scratch + r.batch * learn.image + judge.packed + judge.image +
                              how.threads * judge.scratch;
  return floats * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace segx
