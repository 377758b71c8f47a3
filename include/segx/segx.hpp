#pragma once

// Networks, training and weight files, on batches in memory. What reads and writes pictures is in <segx/imaging.hpp>,
// what tests layers in <segx/testing/…>.

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/network.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/layers/squeeze_excite.hpp>
#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/border_weight.hpp>
#include <segx/losses/boundary.hpp>
#include <segx/losses/class_balance.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/focal.hpp>
#include <segx/losses/focal_tversky.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/lovasz.hpp>
#include <segx/losses/parse.hpp>
#include <segx/losses/tversky.hpp>
#include <segx/losses/weighted.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/metrics/per_image.hpp>
#include <segx/metrics/summary.hpp>
#include <segx/models/unet.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>
