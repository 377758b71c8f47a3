#pragma once

#include <cstdint>
#include <type_traits>

#include <segx/cuda/arena.hpp>
#include <segx/runtime/session.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/step.hpp>

namespace segx {

/// What `trainer::bytes()` will say of a training on a GPU, which need not be there: of the session that trains, and of
/// the one that validates.
template <class Network>
std::int64_t training_bytes_of(std::type_identity<cuda>, const recipe& r, const Network& network,
                               const session_options& how) {
  const dynamic_plan<Network, cuda, purpose::training> training{network, r.height, r.width};
  const dynamic_plan<Network, cuda, purpose::inference> judging{network, r.height, r.width};
  const program<cuda> judge = judging.get();
  const gpu::number stored = cuda::stored_for(how.numbers);
  return gpu::plan_session_memory(training.get(), stored, r.batch).bytes +
         gpu::plan_session_memory(judge, stored, detail::judged_at_once_on_gpu(r)).bytes +
         judge.weights * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace segx
