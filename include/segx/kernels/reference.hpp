#pragma once

#include <segx/kernels/reference/avg_pool2d.hpp>
#include <segx/kernels/reference/batch_norm2d.hpp>
#include <segx/kernels/reference/channel_scale.hpp>
#include <segx/kernels/reference/conv2d.hpp>
#include <segx/kernels/reference/elementwise.hpp>
#include <segx/kernels/reference/global_avg_pool2d.hpp>
#include <segx/kernels/reference/group_norm2d.hpp>
#include <segx/kernels/reference/max_pool2d.hpp>
#include <segx/kernels/reference/plane_scale.hpp>
#include <segx/kernels/reference/prelu.hpp>
#include <segx/kernels/reference/softmax.hpp>
#include <segx/kernels/reference/upsample2d.hpp>
