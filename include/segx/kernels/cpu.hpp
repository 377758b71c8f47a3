#pragma once

#include <segx/kernels/cpu/conv2d.hpp>
#include <segx/kernels/cpu/elementwise.hpp>
#include <segx/kernels/cpu/max_pool2d.hpp>
