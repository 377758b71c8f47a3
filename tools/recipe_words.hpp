#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segx/core/joined.hpp>
#include <segx/data/augment/parse.hpp>
#include <segx/losses/parse.hpp>
#include <segx/train/recipe_json.hpp>

#include "file_words.hpp"
#include "models.hpp"

namespace segx::tool {

/// A recipe, checked, whose texts have all their settings. Throws `error`.
inline recipe canonical(recipe r) {
  r = checked(r);
  r.loss = parse_loss(r.loss).text();
  r.augmentation = parse_augmentation(r.augmentation).text();
  for (const std::string_view word : {"crop(", "pad("}) {
    if (r.augmentation.find(word) != r.augmentation.npos) {
      fail({"augmentation: ", word.substr(0, word.size() - 1),
            " changes the size of images, which the network has fixed; to train on parts of images, use --framing "
            "window, and --foreground for the share of them that must have some"});
    }
  }
  return r;
}

/// The words of a command for each member of a recipe, from `recipe_fields`, and --recipe for a file of them. What is
/// said on the command line overrides the file.
class recipe_words {
 public:
  /// data: what the images are, for commands that choose the rest themselves; pictures: and what training sees of them.
  enum class scope { all, data, pictures };

  explicit recipe_words(CLI::App* command, scope offered = scope::all, const recipe& without_words = {})
      : without_words_{of_a_model(without_words)}, given_{without_words_} {
    if (offered != scope::data) { add_file_and_size(command); }
    if (offered == scope::all) { add_freeze(command); }
    for (const recipe_field& field : recipe_fields) {
      if (is_offered(field, offered)) {
        std::visit([&](auto member) { add_field(command, field, member); }, field.member);
      }
    }
    if (offered == scope::all) { command->get_option("--model")->check(CLI::IsMember(model_names())); }
    share_ = command->get_option("--val")->excludes(command->get_option("--val-list"));
  }
  recipe_words(const recipe_words&) = delete;  // the options refer to it
  recipe_words& operator=(const recipe_words&) = delete;

  /// What `make` makes of the recipe as the words say. An error of `make` names the file and the key where it is a
  /// value of the file that is wrong.
  template <class Make>
  auto made_by(const Make& make) const {
    const recipe given = as_given();
    try {
      return make(given);
    } catch (const error& wrong) {
      const std::string key = key_at_fault(given, make, wrong.what()), said = wrong.what();
      if (key.empty()) { throw; }
      fail({file_, ": ", said.starts_with(key) ? "" : joined({key, ": "}), said});
    }
  }

  /// The recipe as the words say, checked, also by what a command's own `check` throws. Throws `error`.
  template <class Check>
  recipe effective(const Check& check) const {
    return made_by([&](const recipe& given) {
      recipe r = canonical(given);
      check(r);
      return r;
    });
  }
  recipe effective() const { return made_by(canonical); }

  /// The same with its texts as they are, of which a command may need only some.
  recipe as_given() const {
    recipe r = file_.empty() ? without_words_ : of_a_model(read_recipe(file_));
    if (share_->count() > 0) { r.validation_list.clear(); }
    for (const auto& [option, apply] : overrides_) {
      if (option->count() > 0) { apply(r); }
    }
    for (const auto& [part, factor] : given_.learning_rate_factors) { r.learning_rate_factors[part] = factor; }
    return r;
  }

 private:
  /// The key of the file's value with whose default a recipe would be right, or at least be wrong about something else;
  /// "" where that is true of a word.
  template <class Make>
  std::string key_at_fault(const recipe& given, const Make& make, const std::string& said) const {
    if (file_.empty()) { return ""; }
    const recipe in_file = of_a_model(read_recipe(file_)), standard = of_a_model({});
    const auto said_with_default_of = [&](const recipe_field& field) -> std::string {
      recipe other = given;
      std::visit([&](auto member) { other.*member = standard.*member; }, field.member);
      if (field.key == "height" || field.key == "width") {  // which are right or wrong together
        other.height = standard.height;
        other.width = standard.width;
      }
      try {
        make(other);
      } catch (const error& wrong) { return wrong.what(); }
      return "";
    };
    std::string key;
    for (const recipe_field& field : recipe_fields) {
      const auto text_in = [&](const recipe& r) { return detail::field_json(r, field); };
      if (text_in(given) == text_in(standard)) { continue; }
      const std::string now = said_with_default_of(field);
      const bool is_of_file = text_in(given) == text_in(in_file);
      if (now.empty()) { return is_of_file ? std::string{field.key} : ""; }
      if (now != said && key.empty() && is_of_file) { key = field.key; }
    }
    return key;
  }

  static recipe of_a_model(recipe r) {
    if (r.model.empty()) { r.model = "unet16"; }
    return r;
  }

  static bool is_offered(const recipe_field& field, scope offered) {
    constexpr std::array of_data{"validation", "validation_list", "mask_threshold", "labels", "classes", "seed"};
    constexpr std::array of_pictures{"height", "width", "framing", "augmentation", "doubled"};
    const auto is_in = [&](const auto& keys) { return std::find(keys.begin(), keys.end(), field.key) != keys.end(); };
    return offered == scope::all || is_in(of_data) || (offered == scope::pictures && is_in(of_pictures));
  }

  void add_file_and_size(CLI::App* command) {
    command->add_option(
        "--recipe", file_,
        "JSON file with the settings below, as 'segx train --print-recipe' prints them; words override it");
    add(command->add_option_function<int>(
            "--size", [this](int size) { given_.height = given_.width = size; },
            "height and width of the network's images"),
        [this](recipe& r) { r.height = given_.height, r.width = given_.width; })
        ->check(CLI::Range(16, 65536));
  }

  void add_freeze(CLI::App* command) {
    command->add_option_function<std::vector<std::string>>(
        "--freeze",
        [this](const std::vector<std::string>& parts) {
          for (const std::string& part : parts) { set_factor("--freeze", part, 0); }
        },
        "parts of the network that stay as they are: --lr-scale PART=0");
  }

  /// Words say the factor of a part once; that of a recipe's file gives way to theirs.
  void set_factor(std::string_view word, const std::string& part, double factor) {
    if (!parts_said_.insert(part).second) {
      throw CLI::ValidationError(joined({word, ": the part ", part, " is named twice by --lr-scale and --freeze"}));
    }
    given_.learning_rate_factors[part] = factor;
  }

  CLI::Option* add(CLI::Option* option, std::function<void(recipe&)> apply) {
    overrides_.emplace_back(option, std::move(apply));
    return option;
  }

  template <class T>
  void add_field(CLI::App* command, const recipe_field& field, T recipe::*member) {
    const std::string word{field.word}, meaning{field.meaning};
    add(command->add_option_function<T>(
            word, [this, member](const T& value) { given_.*member = value; }, meaning),
        [this, member](recipe& r) { r.*member = given_.*member; })
        ->default_str(detail::field_json(given_, field))
        ->check(range_of<T>(field));
  }

  template <class T>
  void add_field(CLI::App* command, const recipe_field& field, std::optional<T> recipe::*member) {
    const std::string word{field.word}, meaning{field.meaning};
    add(command->add_option_function<T>(
            word, [this, member](const T& value) { given_.*member = value; }, meaning),
        [this, member](recipe& r) { r.*member = given_.*member; })
        ->check(range_of<T>(field));
  }

  void add_field(CLI::App* command, const recipe_field& field, bool recipe::*member) {
    add(command->add_flag(std::string{field.word}, given_.*member, std::string{field.meaning}),
        [this, member](recipe& r) { r.*member = given_.*member; });
  }

  void add_field(CLI::App* command, const recipe_field& field, std::map<std::string, double> recipe::*) {
    const auto read = [this, &field](const std::vector<std::string>& words) {
      for (const std::string& word : words) {
        const std::size_t sign = word.find('=');
        double factor = 0;
        if (sign == word.npos || sign == 0 || !CLI::detail::lexical_cast(word.substr(sign + 1), factor)) {
          throw CLI::ConversionError(joined({field.word, ": expected PART=FACTOR, not ", word}));
        }
        set_factor(field.word, word.substr(0, sign), factor);
      }
    };
    command->add_option_function<std::vector<std::string>>(std::string{field.word}, read, std::string{field.meaning});
  }

  template <class T>
  static CLI::Validator range_of(const recipe_field& field) {
    if constexpr (std::is_integral_v<T>) {  // bounds are doubles, and may lie beyond the type
      const auto bound = [](double b) {
        return b >= static_cast<double>(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max()
                                                                       : static_cast<T>(b);
      };
      return number_between<T>(bound(field.least), bound(field.most));
    } else if constexpr (detail::recipe_number<T>) {
      return number_between<T>(static_cast<T>(field.least), static_cast<T>(field.most));
    } else {
      return CLI::Validator{};
    }
  }

  std::string file_;
  std::set<std::string> parts_said_;
  CLI::Option* share_ = nullptr;
  recipe without_words_;
  recipe given_;
  std::vector<std::pair<CLI::Option*, std::function<void(recipe&)>>> overrides_;
};

}  // namespace segx::tool
