#pragma once

#include <segx/cuda/learner.hpp>

#include "devices.hpp"
