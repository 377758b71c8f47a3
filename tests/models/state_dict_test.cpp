#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <span>
#include <sstream>
#include <string>

#include <segx/models/zoo.hpp>

#include "golden.hpp"

using namespace segx;

namespace {

template <class Encoder>
constexpr auto parameters = image_classifier<Encoder>::parameter_count;

// The counts that torchvision's documentation gives.
static_assert(parameters<efficientnet<b0>> == 5'288'548);
static_assert(parameters<efficientnet<b1>> == 7'794'184);
static_assert(parameters<efficientnet<b2>> == 9'109'994);
static_assert(parameters<efficientnet<b3>> == 12'233'232);
static_assert(parameters<efficientnet<b4>> == 19'341'616);
static_assert(parameters<efficientnet<b5>> == 30'389'784);
static_assert(parameters<efficientnet<b6>> == 43'040'704);
static_assert(parameters<efficientnet<b7>> == 66'347'960);
static_assert(parameters<resnet<18>> == 11'689'512);
static_assert(parameters<resnet<34>> == 21'797'672);
static_assert(parameters<resnet<50>> == 25'557'032);
static_assert(parameters<mobilenet_v2<>> == 3'504'872);
static_assert(parameters<mobilenet_v3<mobilenet_v3_size::small>> == 2'542'856);
static_assert(parameters<mobilenet_v3<mobilenet_v3_size::large>> == 5'483'032);

/// Extents by name; a matrix is the kernel of a 1×1 convolution.
using state_dict = std::map<std::string, std::string>;

std::string text_of(std::span<const int> extents) {
  std::string text;
  for (const int e : extents) { text += (text.empty() ? "" : "x") + std::to_string(e); }
  return text;
}

state_dict arrays_of(std::span<const node<no_op>> nodes) {
  state_dict arrays;
  for (const auto& n : nodes) {
    for (const parameter& p : std::span{n.parameters}.first(static_cast<std::size_t>(n.parameter_count))) {
      const std::string name = std::string{n.name.view()} + "." + std::string{p.name};
      CHECK(arrays.emplace(name, text_of(std::span{p.extents}.first(static_cast<std::size_t>(p.rank)))).second);
    }
  }
  return arrays;
}

state_dict torchvision_arrays_of(const std::string& network) {
  state_dict arrays;
  for (const std::string& line : golden::lines_of("state_dicts/" + network + ".txt")) {
    std::istringstream words{line};
    std::string module, kinds, extents;
    words >> module >> kinds >> extents;
    const bool is_matrix = std::count(extents.begin(), extents.end(), 'x') == 1;
    std::istringstream list{kinds};
    for (std::string kind; std::getline(list, kind, ',');) {
      arrays[module + "." + kind] = extents + (is_matrix ? "x1x1" : "");
    }
  }
  return arrays;
}

template <class Encoder>
void check(const std::string& network) {
  INFO(network);
  const state_dict expected = torchvision_arrays_of(network);
  REQUIRE(expected.size() > 100);
  CHECK(arrays_of(image_classifier<Encoder>::nodes()) == expected);
}

}  // namespace

TEST_CASE("encoders have the arrays of torchvision's models, by name", "[models][golden]") {
  check<efficientnet<b0>>("efficientnet_b0");
  check<efficientnet<b1>>("efficientnet_b1");
  check<efficientnet<b2>>("efficientnet_b2");
  check<efficientnet<b3>>("efficientnet_b3");
  check<efficientnet<b4>>("efficientnet_b4");
  check<efficientnet<b5>>("efficientnet_b5");
  check<efficientnet<b6>>("efficientnet_b6");
  check<efficientnet<b7>>("efficientnet_b7");
  check<resnet<18>>("resnet18");
  check<resnet<34>>("resnet34");
  check<resnet<50>>("resnet50");
  check<mobilenet_v2<>>("mobilenet_v2");
  check<mobilenet_v3<mobilenet_v3_size::small>>("mobilenet_v3_small");
  check<mobilenet_v3<mobilenet_v3_size::large>>("mobilenet_v3_large");
}
