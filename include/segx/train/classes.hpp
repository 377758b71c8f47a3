#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/core/epilogue.hpp>
#include <segx/core/error.hpp>
#include <segx/data/dataset.hpp>
#include <segx/losses/any_loss.hpp>

// What a training with several classes must know of them.

namespace segx {

/// The first class that scores count: of exclusive classes not the background, which any network finds.
inline std::size_t first_scored_class(label_kind labels) { return labels == label_kind::exclusive ? 1 : 0; }

/// "background,lung".
inline std::string class_list(const std::vector<std::string>& classes) {
  std::string all;
  for (const std::string& name : classes) { all += (all.empty() ? "" : ",") + name; }
  return all;
}

/// True if a class is named for its side, by the word left or right, or l or r: then no image may be mirrored.
inline bool names_sides(const std::vector<std::string>& classes) {
  for (const std::string& name : classes) {
    std::string word;
    char before = '\0';
    for (const char c :
         name + " ") {  // words end where no letter follows, or where a capital does: "Lung_left", "LeftLung"
      const auto letter = static_cast<unsigned char>(c);
      if (std::isalpha(letter) == 0 ||
          (std::isupper(letter) != 0 && std::islower(static_cast<unsigned char>(before)) != 0)) {
        if (word == "left" || word == "right" || word == "l" || word == "r") { return true; }
        word.clear();
      }
      if (std::isalpha(letter) != 0) { word += static_cast<char>(std::tolower(letter)); }
      before = c;
    }
  }
  return false;
}

/// Names of the classes that are scored, as a log can hold them; none where there is only one.
inline std::vector<std::string> classes_in_log(const dataset& data) {
  if (data.classes.size() == 1) { return {}; }
  const auto first = static_cast<std::ptrdiff_t>(first_scored_class(data.labels));
  std::vector<std::string> names(data.classes.begin() + first, data.classes.end());
  for (std::string& name : names) {
    const auto is_special = [](unsigned char c) { return c == ',' || c == '"' || c == '\\' || c < ' '; };
    std::replace_if(name.begin(), name.end(), is_special, '_');
  }
  return names;
}

/// Throws `error` if the masks to train on have nothing to learn from.
inline void expect_foreground(const dataset& data, const std::vector<int>& train) {
  const std::size_t scored = data.classes.size() - first_scored_class(data.labels);
  if (classes_without_pixels(data, train).size() == scored) {
    fail("all masks to train on are empty, so there is nothing to learn");
  }
}

/// Throws `error` unless a network, the images and a loss agree on how many classes there are, and on whether they
/// exclude each other. Computes the loss once, of small empty masks.
template <class Network>
void expect_classes(const Network& network, const std::string& model, const dataset& data, const any_loss& loss) {
  if (static_cast<std::size_t>(network.classes) != data.classes.size()) {
    fail({"the network \"", model, "\" gives ", network.classes, " classes, but the images have ", data.classes.size(),
          ": ", class_list(data.classes)});
  }
  const bool exclusive = data.labels == label_kind::exclusive;
  const std::string because = exclusive ? "the classes exclude each other" : "each class is found by itself";
  const activation head = network.nodes().back().head;
  if (head != activation::sigmoid && head != activation::softmax) {
    fail({"the network \"", model, "\" must end in ", exclusive ? "softmax" : "sigmoid",
          ", so that it gives probabilities of its classes"});
  }
  if (exclusive != (head == activation::softmax)) {
    fail({because, ", so the network must end in a ", exclusive ? "softmax" : "sigmoid", ", which \"", model,
          "\" does not"});
  }
  const auto reads = loss.facts().reads;
  if (reads && exclusive != (*reads == probability::softmax)) {
    fail({because, ", so the loss must read ", exclusive ? "a softmax, as cross_entropy does" : "sigmoids, as bce does",
          "; \"", loss.text(), "\" does not"});
  }
  auto nothing = xt::xtensor<float, 4>::from_shape({1, data.classes.size(), 8, 8});
  nothing.fill(0);
  loss(nothing, nothing);  // throws where its weights of classes are not as many
}

}  // namespace segx
