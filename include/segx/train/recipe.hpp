#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <segx/core/error.hpp>
#include <segx/optim/schedule.hpp>

namespace segx {

/// Everything that the result of a training depends on, apart from its images: with these and a recipe it can be made
/// again. `recipe_fields` says what each of them means and how it is called in files.
struct recipe {
  std::string model{};  // empty: a network of your own, "custom"
  int height = 256, width = 256;
  std::string framing = "stretch";
  double foreground = 0.5;

  double validation = 0.2;
  std::string validation_list{};
  std::optional<int> mask_threshold{};
  std::string labels = "auto";
  std::string classes{};
  std::string normalisation = "unit";
  std::string augmentation = "flip";
  bool doubled = false;
  std::string pretrained{};
  std::string steady{};

  std::string loss = "bce+jaccard";
  std::string optimizer = "adam";
  double learning_rate = 1e-3;
  std::map<std::string, double> learning_rate_factors{};
  std::string schedule = "constant";
  double warm_up = 0;
  std::optional<double> weight_decay{};
  bool decay_biases = false;
  double momentum = 0.9;
  double clip_norm = 0;
  double clip_value = 0;

  int epochs = 20;
  int batch = 8;
  int accumulate = 1;
  double average = 0;
  double dropout_until = 0.7;
  int patience = 0;
  double min_delta = 0;
  std::uint64_t seed = 0;
};

/// A member of recipe: its name in files, its word on the command line, its meaning, and the numbers that it may be.
struct recipe_field {
  using place = std::variant<std::string recipe::*, int recipe::*, std::uint64_t recipe::*, double recipe::*,
                             bool recipe::*, std::optional<int> recipe::*, std::optional<double> recipe::*,
                             std::map<std::string, double> recipe::*>;
  std::string_view key;
  std::string_view word;
  place member;
  std::string_view meaning;
  double least = 0, most = 0;
};

/// This table alone says what a recipe holds, and in which order.
inline constexpr std::array recipe_fields{
    recipe_field{"model", "--model", &recipe::model, "network"},
    recipe_field{"height", "--height", &recipe::height, "of the network's images", 1, 65536},
    recipe_field{"width", "--width", &recipe::width, "of the network's images", 1, 65536},
    recipe_field{"framing", "--framing", &recipe::framing,
                 "how images come to that size: stretch, or window: parts of that size, not resized, at random places, "
                 "validated in the image's middle"},
    recipe_field{"foreground", "--foreground", &recipe::foreground,
                 "share of the windows that are drawn so that they have some foreground: small structures are not "
                 "forgotten",
                 0, 1},
    recipe_field{"validation", "--val", &recipe::validation, "share of the images to validate on", 0, 1},
    recipe_field{"validation_list", "--val-list", &recipe::validation_list,
                 "file with the names of the validation images, one a line, instead of a share"},
    recipe_field{"mask_threshold", "--mask-threshold", &recipe::mask_threshold,
                 "gray value from which a mask that is not binary counts", 1, 65535},
    recipe_field{"labels", "--labels", &recipe::labels,
                 "what the values of masks mean: binary, exclusive or overlapping classes; auto: as the folder looks"},
    recipe_field{"classes", "--classes", &recipe::classes,
                 "names of the classes, separated by commas; of exclusive ones the background first"},
    recipe_field{"normalisation", "--normalise", &recipe::normalisation,
                 "of the pixels: unit ([0,1]), imagenet, minus_one_to_one, or as 'mean 0.5 std 0.25'"},
    recipe_field{"augmentation", "--augment", &recipe::augmentation,
                 "random changes of the training images, as flip,rotate(10); or none, chest_xray, …"},
    recipe_field{"doubled", "--doubled", &recipe::doubled,
                 "each training image twice in an epoch, the second time mirrored left to right"},
    recipe_field{
        "pretrained", "--pretrained", &recipe::pretrained,
        "weight file to begin with: of the same network, or of its encoder's classifier, made by 'segx import'"},
    recipe_field{"steady", "--steady", &recipe::steady,
                 "part of the network whose batch normalisations keep their running statistics, as encoder"},
    recipe_field{"loss", "--loss", &recipe::loss, "weighted sum of losses, as bce+0.5*jaccard"},
    recipe_field{"optimizer", "--optimizer", &recipe::optimizer, "adam, adamw or sgd"},
    recipe_field{"learning_rate", "--lr", &recipe::learning_rate, "learning rate", 0, 1e30},
    recipe_field{"learning_rate_factors", "--lr-scale", &recipe::learning_rate_factors,
                 "factor of the learning rate for a part of the network and all in it, as encoder=0.1; 0 freezes it", 0,
                 1e6},
    recipe_field{"schedule", "--schedule", &recipe::schedule,
                 "of the learning rate: constant, cosine (to zero at the end), step(30,60;0.1), poly(0.9) or "
                 "plateau(0.5,5)"},
    recipe_field{"warm_up", "--warmup", &recipe::warm_up, "epochs in which the learning rate grows from zero", 0, 1e6},
    recipe_field{"weight_decay", "--weight-decay", &recipe::weight_decay,
                 "instead of the optimizer's own (adamw: 0.01)", 0, 1000},
    recipe_field{"decay_biases", "--decay-biases", &recipe::decay_biases,
                 "weight decay for biases and norms (all arrays of one dimension), too"},
    recipe_field{"momentum", "--momentum", &recipe::momentum, "of sgd", 0, 1},
    recipe_field{"clip_norm", "--clip-norm", &recipe::clip_norm, "longest gradient; longer ones are shortened; 0: any",
                 0, 1e30},
    recipe_field{"clip_value", "--clip-value", &recipe::clip_value,
                 "largest value in a gradient; larger ones are cut off; 0: any", 0, 1e30},
    recipe_field{"epochs", "--epochs", &recipe::epochs, "passes over the training images", 1, 1000000},
    recipe_field{"batch", "--batch", &recipe::batch, "images that are computed at once", 1, 1024},
    recipe_field{"accumulate", "--accumulate", &recipe::accumulate, "batches whose mean gradient makes a step", 1,
                 1000000},
    recipe_field{
        "average", "--ema", &recipe::average,
        "decay of a moving average of the weights, which is then what is validated and saved, as 0.999; 0: none", 0,
        0.9999999},
    recipe_field{"dropout_until", "--dropout-until", &recipe::dropout_until,
                 "share of the training with dropout; the rest goes without, as the deployed network will", 0, 1},
    recipe_field{"patience", "--patience", &recipe::patience,
                 "epochs without a better validation IoU after which the training ends; 0: it goes on", 0, 1000000},
    recipe_field{"min_delta", "--min-delta", &recipe::min_delta, "by which a validation IoU must be better to count", 0,
                 1},
    recipe_field{"seed", "--seed", &recipe::seed, "of everything that is drawn; the same seed gives the same weights",
                 0, 18446744073709551615.0},
};

namespace detail {

template <class T>
concept recipe_number = std::same_as<T, int> || std::same_as<T, double> || std::same_as<T, std::uint64_t>;

/// "from 1 to 1024".
std::string range_text(const recipe_field& field);

}  // namespace detail

/// The recipe, its schedule as `schedule::text` writes it. Throws `error`, which names the member, if a number is out
/// of its range or the schedule is none.
recipe checked(recipe r);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/recipe.hpp>
#endif
