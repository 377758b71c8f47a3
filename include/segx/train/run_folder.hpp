#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/train/log.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/training_state.hpp>

namespace segx {

/// The folder of a training, and what its files say beside weights:
///
///   best.safetensors       the weights that validated best, with their card
///   last.ckpt              all that a resumed training needs
///   recipe.json, val.txt   the recipe; a line for each image that validates: what `split_by_list` reads
///   log.csv, log.jsonl, curves.png
///
/// Recipe and images settle what is trained there: they are written beside the weights, and nothing goes on with
/// others.
class run_folder {
 public:
  /// Touches no file. `images`: their `images_sha256`.
  run_folder(std::filesystem::path folder, recipe what, std::string images);

  /// Throws `error` if a training cannot be begun in this folder, as one is there or has left its results, or as files
  /// of somebody else have the names of its own; or not be resumed, as none is.
  static void expect(const std::filesystem::path& folder, bool resume);

  static std::filesystem::path checkpoint_in(const std::filesystem::path& folder) { return folder / "last.ckpt"; }

  std::filesystem::path weights() const { return weights_in(folder_); }
  std::filesystem::path checkpoint() const { return checkpoint_in(folder_); }

  /// Throws `error` if the best weights of a training that is over, which no checkpoint has, are lost or damaged.
  void expect_weights() const;

  /// Writes what is known before the first step, and starts the log behind so many epochs.
  training_log begin_log(int epoch, const dataset& data, const split& parts);

  /// `known` and what recipe, images and the epoch whose weights they are say.
  model_card card_of_weights(model_card known, const dataset& data, const epoch_record& record) const;

  /// Writes a checkpoint: what a learner put into it, and how far the training has come.
  void save(segx::checkpoint learned, training_state at, std::uint64_t fingerprint) const;

  /// The checkpoint of a network. Throws `error`, which names the file, also if it is of another recipe.
  segx::checkpoint load(std::uint64_t fingerprint) const;

  /// How far it has come. Throws `error`, which names the file, if it is of other images. From then on this is the
  /// folder of that training: what its first weights were is known from there.
  training_state state_in(const segx::checkpoint& saved);

  void draw_curves(const training_log& log) const;

 private:
  static std::filesystem::path weights_in(const std::filesystem::path& folder) { return folder / "best.safetensors"; }

  std::filesystem::path folder_;
  recipe recipe_;
  std::string images_;
  std::string pretrained_;  // SHA-256 of the file that weights began with; "" where there was none
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/run_folder.hpp>
#endif
