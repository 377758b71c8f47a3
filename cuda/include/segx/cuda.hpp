#pragma once

// The backend for CUDA GPUs, beside <segx/segx.hpp> or <segx/imaging.hpp>: link segx::cuda.

#include <segx/cuda/arena.hpp>
#include <segx/cuda/backend.hpp>
#include <segx/cuda/learner.hpp>
#include <segx/cuda/training_bytes.hpp>
#include <segx/cuda/training_session.hpp>
