#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/image/write_image.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/train/classes.hpp>
#include <segx/train/curves.hpp>
#include <segx/train/recipe_data.hpp>
#include <segx/train/recipe_json.hpp>
#include <segx/train/run_folder.hpp>

namespace segx {

SEGX_IMPL_COLD run_folder::run_folder(std::filesystem::path folder, recipe what, std::string images)
    : folder_{std::move(folder)}, recipe_{std::move(what)}, images_{std::move(images)} {}

SEGX_IMPL_COLD void run_folder::expect(const std::filesystem::path& folder, bool resume) {
  const std::filesystem::path file = checkpoint_in(folder), log = folder / "log.csv";
  const bool is_there = std::filesystem::exists(file);
  if (is_there != resume) {
    fail({file.string(),
          resume ? ": no such file, so there is no training to resume (--resume)"
                 : ": this folder holds a training already; resume it (--resume) or choose another folder"});
  }
  if (is_there) { return; }
  if (std::filesystem::exists(weights_in(folder)) || (std::filesystem::exists(log) && !read_log(log).empty())) {
    fail({folder.string(),
          ": this folder holds the results of a training, but not its last.ckpt, so that it cannot be "
          "resumed; choose another folder"});
  }
  if (std::filesystem::exists(log)) { return; }  // the first file of any training: one ended before it had results
  for (const char* name : {"recipe.json", "val.txt", "log.jsonl", "curves.png"}) {
    if (std::filesystem::exists(folder / name)) {
      fail({(folder / name).string(), ": is no training's, and this one would write over it; choose another folder"});
    }
  }
}

SEGX_IMPL_COLD void run_folder::expect_weights() const {
  std::string wrong = "is missing";
  if (std::filesystem::exists(weights())) {
    const std::vector<std::byte> bytes = read_file(weights());
    safetensors_view file;
    wrong = parse_safetensors(bytes, file);
    if (wrong.empty()) { wrong = detail::damage_of(file); }
  }
  if (wrong.empty()) { return; }
  fail({weights().string(), ": ", wrong,
        "; the training is over, and its checkpoint has the last weights, not the best: train anew in another folder"});
}

SEGX_IMPL_COLD training_log run_folder::begin_log(int epoch, const dataset& data, const split& parts) {
  if (pretrained_.empty() && !recipe_.pretrained.empty() && std::filesystem::exists(recipe_.pretrained)) {
    pretrained_ = sha256(read_file(recipe_.pretrained));
  }
  const std::string about = joined({"{\"recipe\": ", recipe_json(recipe_), ", \"recipe_sha256\": \"",
                                    recipe_sha256(recipe_), "\", \"images_sha256\": \"", images_,
                                    pretrained_.empty() ? "" : "\", \"pretrained_sha256\": \"", pretrained_, "\"}"});
  training_log log{folder_, epoch, about, classes_in_log(data)};
  const auto write = [&](const char* name, const std::string& text) {
    write_file_atomically(folder_ / name, std::as_bytes(std::span{text}));
  };
  recipe findable = recipe_;  // from any folder
  for (std::string recipe::*file : {&recipe::validation_list, &recipe::pretrained}) {
    if (!(findable.*file).empty()) { findable.*file = std::filesystem::absolute(findable.*file).string(); }
  }
  write("recipe.json", recipe_json(findable, "\n  "));
  std::string validating;
  for (const int i : parts.val) { validating += data.samples[static_cast<std::size_t>(i)].stem + '\n'; }
  write("val.txt", validating);
  return log;
}

SEGX_IMPL_COLD model_card run_folder::card_of_weights(model_card card, const dataset& data,
                                                      const epoch_record& record) const {
  card.model = recipe_.model;
  card.normalisation = text_of(parse_normalisation(recipe_.normalisation));
  if (data.classes.size() > 1 || !recipe_.classes.empty() || data.labels == label_kind::overlapping) {
    card.classes = class_list(data.classes);
  }
  card.labels = text_of(data.labels);
  if (has_windows(recipe_)) { card.resizing = "none: windows of the image's own resolution"; }
  card.height = recipe_.height;
  card.width = recipe_.width;
  card.recipe = recipe_json(without_folders(recipe_));
  card.recipe_sha256 = recipe_sha256(recipe_);
  card.images_sha256 = images_;
  card.pretrained_sha256 = pretrained_;
  card.metrics = detail::json_line(record);
  card.metrics.pop_back();  // the end of the line
  return card;
}

SEGX_IMPL_COLD void run_folder::save(segx::checkpoint state, training_state at, std::uint64_t fingerprint) const {
  state.set("recipe", recipe_json(recipe_));
  state.set("recipe_sha256", recipe_sha256(recipe_));
  state.set("samples", images_);
  state.set("pretrained_sha256", pretrained_);
  at.save(state);
  save_checkpoint(checkpoint(), state, fingerprint);
}

SEGX_IMPL_COLD segx::checkpoint run_folder::load(std::uint64_t fingerprint) const {
  return load_checkpoint(checkpoint(), fingerprint, [&](const segx::checkpoint& saved) {
    try {
      // Wherever files are: images are compared as such, and first weights are in the checkpoint.
      const recipe there = without_folders(parse_recipe(saved.text("recipe")));
      if (const std::string other = difference(there, without_folders(recipe_)); !other.empty()) {
        fail({"was made with another recipe: there ", other,
              "; resume with the same one, or choose another folder (--out)"});
      }
    } catch (const error& wrong) { fail({checkpoint().string(), ": ", wrong.what()}); }
  });
}

SEGX_IMPL_COLD training_state run_folder::state_in(const segx::checkpoint& saved) {
  try {
    if (saved.text("samples") != images_) {
      fail(
          "was made with other images to train on or to validate; resume with the same ones, or choose another folder "
          "(--out)");
    }
    training_state at = training_state::begin(recipe_);
    at.restore(saved);
    if (saved.values.contains("pretrained_sha256")) { pretrained_ = saved.text("pretrained_sha256"); }
    return at;
  } catch (const error& wrong) { fail({checkpoint().string(), ": ", wrong.what()}); }
}

SEGX_IMPL_COLD void run_folder::draw_curves(const training_log& log) const {
  if (!log.records().empty()) { write_png(folder_ / "curves.png", curves_figure(log.records())); }
}

}  // namespace segx
