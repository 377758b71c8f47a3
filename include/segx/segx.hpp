#pragma once

// Networks, training and weight files, on batches in memory. What reads and writes pictures is in <segx/imaging.hpp>,
// what tests layers in <segx/testing/…>.

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/network.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/layers/adaptive_avg_pool2d.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/avg_pool2d.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/elu.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/hard_sigmoid.hpp>
#include <segx/layers/hard_swish.hpp>
#include <segx/layers/leaky_relu.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/relu6.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/layers/silu.hpp>
#include <segx/layers/squeeze_excite.hpp>
#include <segx/layers/stochastic_depth.hpp>
#include <segx/layers/upsample2d.hpp>
#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/parse.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/metrics/per_image.hpp>
#include <segx/metrics/summary.hpp>
#include <segx/models/unet.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>
