#include <catch2/catch.hpp>

#include <set>
#include <string>

#include <segx/layers/softmax.hpp>
#include <segx/models/decoders.hpp>
#include <segx/models/segmentation.hpp>

using namespace segx;

namespace {

struct small_encoder {
  static constexpr std::array channels{8, 16};
  static constexpr std::array<tensor, 2> taps(auto& g, tensor x) {
    const tensor half = g(named<"0", conv_norm<plain_conv<8, 3, 2>, batch_norm2d_options{}, relu>>{}, x);
    return {half, g(named<"1", conv_norm<plain_conv<16, 3, 2>, batch_norm2d_options{}, relu>>{}, half)};
  }
};
struct cells : network<input<1>, segmentation<small_encoder, linknet_decoder<8>>> {};
static_assert(cells::at<12, 20>::output == shape{1, 12, 20});

template <class Decoder>
struct organs : network<input<3>, segmentation<small_encoder, Decoder, 4, softmax>> {};
static_assert(organs<unet_decoder<16, 8>>::at<12, 20>::output == shape{4, 12, 20});
static_assert(organs<linknet_decoder<8>>::at<12, 20>::output == shape{4, 12, 20});
static_assert(organs<attention_unet_decoder<16, 8>>::at<12, 20>::output == shape{4, 12, 20});
static_assert(organs<unet_plus_plus_decoder<16, 8>>::at<12, 20>::output == shape{4, 12, 20});

// Sizes that the encoder does not halve evenly are refused where feature maps meet.
static_assert(cells::defect_at(14, 20).where.view() == "decoder.add");
static_assert(organs<unet_decoder<16, 8>>::defect_at(14, 20).where.view() == "decoder.0.concat");

}  // namespace

TEST_CASE("weights of an encoder, a decoder and the head are named by them", "[models]") {
  std::set<std::string> parts;
  for (const auto& n : cells::nodes()) {
    if (n.parameter_count > 0) {
      const std::string name{n.name.view()};
      parts.insert(name.substr(0, name.find('.', name.find('.') + 1)));
    }
  }
  CHECK(parts == std::set<std::string>{"encoder.0", "encoder.1", "decoder.0", "decoder.1", "head"});
}
