#include <catch2/catch.hpp>

#include <segx/core/combine.hpp>
#include <segx/core/describe.hpp>
#include <segx/core/network.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>

using namespace segx;

namespace {

// ---- a small network, counted by hand ----

using small_body = chain<named<"stem", conv3x3<4>>, relu, max_pool2d<2>, conv3x3<8>, up_conv2x2<2>, conv1x1<3>>;
struct small : network<input<2>, small_body> {};
static_assert(small::parameter_count == (4 * 2 * 9 + 4) + (8 * 4 * 9 + 8) + (8 * 2 * 4 + 2) + (3 * 2 + 3));
static_assert(small::channels == 2 && small::classes == 3);
static_assert(small::at<6, 10>::image == shape{2, 6, 10});
static_assert(small::at<6, 10>::output == shape{3, 6, 10});
static_assert(small::at<6, 10>::macs == 60 * 4 * 2 * 9 + 15 * 8 * 4 * 9 + 15 * 8 * 2 * 4 + 60 * 3 * 2);
static_assert(small::at<6, 10>::graph.size == 7);
static_assert(small::at<6, 10>::graph.nodes[3].output == shape{4, 3, 5});
static_assert(small::at<6, 10>::graph.nodes[4].places[0] == 4 * 2 * 9 + 4);
static_assert(small::composed(6, 10).size == 7);
static_assert(!small::defect_at(46340, 46340));
static_assert(small::defect_at(46342, 46342).why ==
              std::string_view{"the planes of a layer may have 2147483647 pixels at most"});
static_assert(small::defect_at(46342, 46342).where.view() == "stem");

// ---- names ----

static_assert(small::nodes()[0].name.view() == "image");
static_assert(small::nodes()[1].name.view() == "stem");
static_assert(small::nodes()[2].name.view() == "relu");
static_assert(small::nodes()[4].name.view() == "conv2d");

struct twice
    : network<input<1>, chain<conv1x1<2>, conv1x1<2>, named<"block", chain<conv1x1<2>, conv1x1<2>, relu>>,
                              named<"block", conv1x1<1>>, named<sentence{"floor", 3}, named<"up", conv1x1<1>>>>> {};
static_assert(twice::nodes()[1].name.view() == "conv2d");
static_assert(twice::nodes()[2].name.view() == "conv2d_2");
static_assert(twice::nodes()[3].name.view() == "block.conv2d");
static_assert(twice::nodes()[4].name.view() == "block.conv2d_2");
static_assert(twice::nodes()[5].name.view() == "block.relu");
static_assert(twice::nodes()[6].name.view() == "block");
static_assert(twice::nodes()[7].name.view() == "floor.3.up");

// ---- wiring ----

struct joined : network<input<3>, skip<concat, conv3x3<5>, relu>> {};
static_assert(joined::at<4, 4>::output == shape{8, 4, 4});
static_assert(joined::nodes()[3].inputs == std::array{0, 2});  // what was skipped comes first

struct summed : network<input<3>, skip<add, conv3x3<3>, relu, conv3x3<3>>> {};
static_assert(summed::at<4, 4>::output == shape{3, 4, 4});

struct pyramid : network<input<3>, branches<concat, conv1x1<8>, conv3x3<9>, chain<conv3x3<2>, conv3x3<7>>>> {};
static_assert(pyramid::at<4, 4>::output == shape{24, 4, 4});

// A network that is not made of nested skips wires itself: the first triangle of U-Net++.
struct nested_unet {
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor x00 = g(conv3x3<8>{}, x);                         // [8,H,W]
    const tensor x10 = g(conv3x3<16>{}, g(max_pool2d<2>{}, x00));  // [16,H/2,W/2]
    const tensor x20 = g(conv3x3<32>{}, g(max_pool2d<2>{}, x10));  // [32,H/4,W/4]
    const tensor x01 = g(conv3x3<8>{}, g(concat{}, x00, g(up_conv2x2<8>{}, x10)));
    const tensor x11 = g(conv3x3<16>{}, g(concat{}, x10, g(up_conv2x2<16>{}, x20)));
    return g(conv3x3<8>{}, g(concat{}, x01, g(up_conv2x2<8>{}, x11)));
  }
};
static_assert(block<nested_unet>);
struct nested : network<input<1>, chain<nested_unet, conv1x1<1>, sigmoid>> {};
static_assert(nested::at<64, 32>::output == shape{1, 64, 32});
static_assert(nested::composed(64, 32).size == 17);
static_assert(nested::composed(64, 30).first_defect.where.view() == "max_pool2d_2");

// ---- defects ----

static_assert(!small::composed(6, 10).first_defect);
static_assert(small::composed(6, 11).first_defect.where.view() == "max_pool2d");
static_assert(small::composed(6, 11).first_defect.inputs[0] == shape{4, 6, 11});
static_assert(small::composed(6, 11).first_defect.why == max_pool2d<2>::refuses({4, 6, 11}));

struct forgetful {  // what it computes last is not what it returns
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(conv1x1<2>{}, x);
    g(conv1x1<3>{}, y);
    return y;
  }
};
struct wasteful {  // one of its layers is read by nobody
  static constexpr tensor wire(auto& g, tensor x) {
    g(conv1x1<2>{}, x);
    return g(conv1x1<3>{}, x);
  }
};
static_assert(network<input<1>, forgetful>::composed(4, 4).first_defect.where.view() == "conv2d_2");
static_assert(network<input<1>, wasteful>::composed(4, 4).first_defect.where.view() == "conv2d");

template <int Length>  // behind it comes ".conv2d"
constexpr sentence long_name = [] {
  sentence name;
  for (int i = 0; i < Length; ++i) { name.append("x"); }
  return name;
}();
template <int Length>
struct long_named : network<input<1>, named<long_name<Length>, chain<conv1x1<2>, conv1x1<1>>>> {};
static_assert(!long_named<92>::composed(4, 4).first_defect);
static_assert(long_named<92>::nodes()[2].name.view().size() == 101);  // with "_2"
static_assert(long_named<93>::composed(4, 4).first_defect.where == long_named<93>::nodes()[2].name);
static_assert(long_named<150>::composed(4, 4).first_defect.where == long_named<150>::nodes()[1].name);

// ---- fingerprint ----

template <class... Parts>
constexpr std::uint64_t fingerprint = network<input<4>, chain<Parts...>>::fingerprint;

constexpr std::uint64_t base = fingerprint<conv3x3<4>, relu, conv3x3<4>>;
static_assert(small::fingerprint == fingerprint_of(small::composed(32, 96)), "does not depend on the size");
static_assert(base == fingerprint<conv3x3<4>, relu, dropout<10>, conv3x3<4>>);
static_assert(base == fingerprint<conv3x3<4>, relu, dropout<50>, conv3x3<4>>);
static_assert(base != fingerprint<conv3x3<4>, relu, conv3x3<5>>);
static_assert(base != fingerprint<conv3x3<4>, sigmoid, conv3x3<4>>);
static_assert(base != fingerprint<conv3x3<4>, conv3x3<4>>);
static_assert(base != fingerprint<conv3x3<4>, relu, conv1x1<4>>);
static_assert(base != fingerprint<conv3x3<4>, relu, conv2d<conv2d_options{.out_channels = 4, .stride = 2}>>);
static_assert(base != fingerprint<conv3x3<4>, relu, conv2d<conv2d_options{.out_channels = 4, .padding = 0}>>);
static_assert(base !=
              fingerprint<conv3x3<4>, relu, conv2d<conv2d_options{.out_channels = 4, .padding = 2, .dilation = 2}>>);
static_assert(base != fingerprint<conv3x3<4>, relu, conv2d<conv2d_options{.out_channels = 4, .groups = 2}>>);
static_assert(base != fingerprint<conv3x3<4>, relu, named<"head", conv3x3<4>>>);
static_assert(base != network<input<3>, chain<conv3x3<4>, relu, conv3x3<4>>>::fingerprint);
static_assert(fingerprint<skip<add, conv3x3<4>, conv3x3<4>>> != fingerprint<conv3x3<4>, skip<add, conv3x3<4>>>);

// Weight files hold fingerprints: whoever changes how they are made, makes every file unreadable.
static_assert(small::fingerprint == 15341040038241510909U);

}  // namespace

TEST_CASE("a network describes itself", "[core]") {
  CHECK(architecture_text(joined::nodes()) ==
        "0 image: image -> 3 channels\n"
        "1 conv2d: conv2d(kernel 3, padding 1) of 0 -> 5 channels\n"
        "2 relu: relu of 1 -> 5 channels\n"
        "3 concat: concat of 0 and 2 -> 8 channels\n");
  CHECK(text_of(shape{3, 20, 100}) == "[3,20,100]");
  CHECK(hex_text(0xabc) == "0000000000000abc");
  CHECK(hex_text(0xfedcba9876543210) == "fedcba9876543210");
}
