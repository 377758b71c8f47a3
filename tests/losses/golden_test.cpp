#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include <segx/losses/parse.hpp>

namespace {

using batch = xt::xtensor<float, 4>;

void read_numbers(std::ifstream& file, batch& x) {
  for (std::size_t i = 0; i < x.size(); ++i) { REQUIRE(file >> x.data()[i]); }
}

/// Largest |a − b| over the largest |a|.
double error_between(const batch& a, const batch& b) {
  double largest = 0;
  double error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a.data()[i])));
    error = std::max(error, std::abs(static_cast<double>(a.data()[i]) - b.data()[i]));
  }
  return error / largest;
}

}  // namespace

TEST_CASE("losses are what PyTorch and their papers say", "[golden]") {
  std::ifstream file{SEGX_GOLDEN_FOLDER "/losses.txt"};
  batch logits;
  batch target;
  std::string word;
  int cases = 0;
  while (file >> word) {
    if (word == "#") {
      std::getline(file, word);
    } else if (word == "batch") {
      std::array<std::size_t, 4> extents{};
      file >> word;
      for (std::size_t& extent : extents) { file >> extent; }
      logits.resize(extents);
      target.resize(extents);
      read_numbers(file, logits);
      read_numbers(file, target);
    } else {
      REQUIRE(word == "loss");
      std::string text;
      double value = 0;
      std::getline(file >> std::ws, text);
      REQUIRE(file >> value);
      batch expected = xt::zeros_like(logits);
      read_numbers(file, expected);

      INFO(text);
      batch gradient = xt::zeros_like(logits);
      CHECK(segx::parse_loss(text)(logits, target, gradient) == Approx(value).epsilon(1e-6));
      CHECK(error_between(expected, gradient) < 2e-6);
      ++cases;
    }
  }
  CHECK(cases == 40);
}
