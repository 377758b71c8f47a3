// How fast this machine compiles, this minute: what check_budget.py holds the other files of this folder against. Like
// them it asks both halves of the compiler, and nothing of segx, so that it costs tomorrow what it costs today.
#include <iostream>
#include <iterator>
#include <regex>
#include <string>

#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xtensor.hpp>

int main(int, char** arguments) {
  const std::string text = std::regex_replace(arguments[1], std::regex{"([a-z]+)_([0-9]+)"}, "$2_$1");
  const xt::xtensor<double, 2> x = xt::ones<double>({std::size(text), std::size_t{4}});
  const xt::xtensor<double, 1> columns = xt::sum(xt::exp(x) * xt::sort(x, 0), {0});
  std::cout << text << ' ' << xt::mean(columns)() << ' ' << xt::median(columns) << '\n';
}
