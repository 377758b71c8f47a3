#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>
#include <xtensor/xarray.hpp>
#include <xtensor/xview.hpp>

#include <segx/layers/batch_norm2d.hpp>
#include <segx/runtime/any_network.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/testing/compare.hpp>

#include "cases/backends.hpp"
#include "cases/networks.hpp"
#include "cases/tensors.hpp"

using namespace segx;
using Catch::Matchers::Message;
using segx::testing::relative_error;

namespace {

using networks::small_unet;
using small_unet_here = small_unet::at<16, 24>;
constexpr shape image{1, 16, 24};

const auto some_weights = weights<small_unet>::random(1);

}  // namespace

TEST_CASE("a size known to the compiler and one known when it runs give the same bits", "[runtime]") {
  session<small_unet_here> fixed{some_weights, {.batch = 2}};
  session<small_unet> dynamic{some_weights, 16, 24, {.batch = 2}};
  CHECK(fixed.input() == dynamic.input());
  CHECK(fixed.output() == dynamic.output());
  CHECK(fixed.bytes() == dynamic.bytes());
  const auto images = drawn<float>(2, image, 1);
  CHECK(values_of(fixed.predict(images)) == values_of(dynamic.predict(images)));
  CHECK(values_of(fixed.logits(images)) == values_of(dynamic.logits(images)));
}

TEST_CASE("the arena is as large as the constant says", "[runtime]") {
  session<small_unet_here> lungs{some_weights};
  using plan = small_unet_here::plan<cpu, purpose::inference>;
  CHECK(lungs.bytes() == small_unet_here::arena_bytes + 4 * plan::memory.packed);
}

TEST_CASE("probabilities are the sigmoid of the logits", "[runtime]") {
  session<small_unet_here> lungs{some_weights};
  const auto images = drawn<float>(1, image, 1);
  const auto logits = lungs.logits(images);
  const auto probabilities = lungs.predict(images);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    REQUIRE(probabilities.data()[i] == Approx(1 / (1 + std::exp(-logits.data()[i]))));
  }
}

TEST_CASE("sampling drops as training does, and nothing where dropout has no strength", "[runtime]") {
  const auto images = drawn<float>(2, image, 1);
  sampling_session<small_unet_here> sampled{some_weights, {.batch = 2}};
  training_session<small_unet_here> trained{{.batch = 2}};
  xt::xtensor<float, 4> found;
  xt::xtensor<float, 4> expected;
  for (const std::uint32_t seed : {1U, 2U}) {
    sampled.logits(images, found, {.seed = seed});
    trained.forward(some_weights.values(), images, expected, {.seed = seed});
    CHECK(relative_error(found, expected) < 1e-6);
    CHECK(relative_error(found, session<small_unet_here>{some_weights, {.batch = 2}}.logits(images)) > 1e-2);
  }
  sampled.predict(images, found, {.seed = 1, .strength = 0});
  CHECK(values_of(found) == values_of(session<small_unet_here>{some_weights, {.batch = 2}}.predict(images)));
}

TEST_CASE("sampling normalises by running statistics, also where dropout keeps them from folding", "[runtime]") {
  struct normed : network<input<1>, chain<conv3x3<8>, dropout<10>, batch_norm2d<>, relu, conv1x1<1>>> {};
  auto w = weights<normed>::random(3);
  for (float& statistic : w.statistics()) { statistic += 0.5F; }
  const auto images = drawn<float>(1, image, 1);
  xt::xtensor<float, 4> found;
  sampling_session<normed>{w, 16, 24}.logits(images, found, {.strength = 0});
  CHECK(relative_error(found, session<normed>{w, 16, 24}.logits(images)) < 1e-5);
}

TEST_CASE("predictions do not depend on threads, batches or what was predicted before", "[runtime]") {
  const auto images = drawn<float>(3, image, 1);
  session<small_unet_here> one{some_weights, {.batch = 3, .threads = 1}};
  const auto expected = one.predict(images);
  CHECK(values_of(one.predict(images)) == values_of(expected));
  for (const int threads : {2, 3, 5, 0}) {
    session<small_unet_here> several{some_weights, {.batch = 4, .threads = threads}};
    CHECK(values_of(several.predict(images)) == values_of(expected));
  }
  session<small_unet_here> singly{some_weights};
  for (std::size_t n = 0; n < 3; ++n) {
    auto single = xt::xtensor<float, 4>::from_shape({1, 1, 16, 24});
    std::copy_n(&images(n, 0, 0, 0), single.size(), single.data());
    const auto result = singly.predict(single);
    CHECK(std::equal(result.data(), result.data() + result.size(), &expected(n, 0, 0, 0)));
  }
}

TEST_CASE("an image of infinities spoils no later prediction", "[runtime]") {
  // Nine channels take two blocks of memory, with seven lanes that nobody writes but other tensors use.
  struct nine : network<input<9>, chain<conv3x3<16>, conv3x3<16>, conv3x3<16>, conv1x1<1>>> {};
  session<nine> session_{weights<nine>::random(2), 8, 8};
  const auto sound = drawn<float>(1, {9, 8, 8}, 1);
  const auto expected = values_of(session_.predict(sound));
  auto broken = sound;
  broken.fill(std::numeric_limits<float>::infinity());
  session_.predict(broken);
  CHECK(values_of(session_.predict(sound)) == expected);
}

TEST_CASE("weights can be exchanged, and a session moved", "[runtime]") {
  const auto others = weights<small_unet>::random(2);
  const auto images = drawn<float>(1, image, 1);
  session<small_unet_here> lungs{some_weights};
  const auto first = values_of(lungs.predict(images));
  lungs.set_weights(others);
  CHECK(values_of(lungs.predict(images)) != first);
  CHECK(values_of(lungs.predict(images)) == values_of(session<small_unet_here>{others}.predict(images)));
  lungs.set_weights(some_weights);
  session<small_unet_here> moved{std::move(lungs)};
  CHECK(values_of(moved.predict(images)) == first);
  session<small_unet_here> other{others};
  other = std::move(moved);
  CHECK(values_of(other.predict(images)) == first);
}

TEST_CASE("a session takes what gives images of four dimensions, too", "[runtime]") {
  session<small_unet_here> lungs{some_weights};
  const auto images = drawn<float>(1, image, 1);
  const auto expected = values_of(lungs.predict(images));
  CHECK(values_of(lungs.predict(xt::view(images, xt::all(), xt::all()))) == expected);
  CHECK(values_of(lungs.predict(images * 1.0F)) == expected);
  const xt::xarray<float> flat = xt::view(images, 0);
  CHECK_THROWS_MATCHES(lungs.predict(flat), error, Message("images have 3 dimensions; a session takes [N,C,H,W]"));
}

TEST_CASE("a result may take the place of the images", "[runtime]") {
  struct net : network<input<8>, chain<conv3x3<8>, relu, conv1x1<1>>> {};
  session<net::at<8, 8>> one{weights<net>::random(1)};
  auto images = drawn<float>(1, one.input(), 1);
  const auto expected = values_of(one.predict(images));
  one.predict(images, images);
  CHECK(values_of(images) == expected);
}

TEST_CASE("sessions refuse images of another shape in a sentence", "[runtime]") {
  session<small_unet_here> lungs{some_weights, {.batch = 2}};
  const auto refuses = [&](int batch, shape s, const std::string& sentence) {
    CHECK_THROWS_MATCHES(lungs.predict(drawn<float>(batch, s, 1)), error, Message(sentence));
  };
  refuses(3, image, "images are [3,1,16,24]; this session takes [1 to 2,1,16,24]");
  refuses(0, image, "images are [0,1,16,24]; this session takes [1 to 2,1,16,24]");
  refuses(1, {3, 16, 24}, "images are [1,3,16,24]; this session takes [1 to 2,1,16,24]");
  refuses(1, {1, 24, 16}, "images are [1,1,24,16]; this session takes [1 to 2,1,16,24]");
  CHECK_THROWS_MATCHES((session<small_unet_here>{some_weights, {.batch = 0}}), error,
                       Message("a session takes at least one image: session_options::batch is 0"));
  CHECK_THROWS_MATCHES((session<small_unet_here>{some_weights, {.threads = -1}}), error,
                       Message("session_options::threads is -1; 0 are as many as there are"));
}

TEST_CASE("a size that a network does not take is refused when it runs, with the layer's name", "[runtime]") {
  CHECK_THROWS_MATCHES(
      (session<small_unet>{some_weights, 16, 22}), error,
      Message("max_pool2d: height and width must be multiples of the window (at max_pool2d_2, which gets "
              "[16,8,11], in an image of 16x22)"));
  const auto has_no_pixels = Catch::Predicate<error>([](const error& e) {
    return std::string_view{e.what()}.starts_with("an image has one pixel at least (at image");
  });
  CHECK_THROWS_MATCHES((session<small_unet>{some_weights, 0, 16}), error, has_no_pixels);
  CHECK_THROWS_MATCHES((session<small_unet>{some_weights, -16, 16}), error, has_no_pixels);

  // Layers behind one that leaves nothing are not asked what they need, which has no pixels to divide by.
  struct shrinking : network<input<1>, chain<conv2d<conv2d_options{.out_channels = 16, .padding = 0}>, relu,
                                             conv1x1<16>, depthwise_conv<3>, conv1x1<1>>> {};
  const auto leaves_nothing = Catch::Predicate<error>([](const error& e) {
    return std::string_view{e.what()}.starts_with("conv2d: ") &&
           std::string_view{e.what()}.find("(at conv2d, which") != std::string_view::npos;
  });
  const auto w = weights<shrinking>::random(1);
  CHECK_THROWS_MATCHES((session<shrinking>{w, 2, 2}), error, leaves_nothing);
  CHECK_THROWS_MATCHES((session<shrinking>{w, 40, 2}), error, leaves_nothing);
  CHECK_THROWS_MATCHES((training_session<shrinking>{40, 2, {}}), error, leaves_nothing);
}

namespace {

/// Wires as `g(add{}, g(First{}, x), g(Second{}, x))` may, whose arguments C++ evaluates in any order.
struct in_any_order {
  static constexpr tensor wire(auto& g, tensor x) {
    bool is_constant = std::is_constant_evaluated();  // a const one would always be true
    const tensor one = is_constant ? g(named<"a", conv3x3<8>>{}, x) : g(named<"b", conv1x1<8>>{}, x);
    const tensor other = is_constant ? g(named<"b", conv1x1<8>>{}, x) : g(named<"a", conv3x3<8>>{}, x);
    return is_constant ? g(add{}, one, other) : g(add{}, other, one);
  }
};

}  // namespace

TEST_CASE("layers whose order C++ leaves open have the compiler's wherever the network is planned", "[runtime]") {
  struct unsure : network<input<1>, in_any_order> {};
  const auto w = weights<unsure>::random(1);
  const auto image = drawn<float>(1, {1, 8, 8}, 1);
  const auto expected = session<unsure::at<8, 8>>{w}.logits(image);
  CHECK((session<unsure>{w, 8, 8}.logits(image) == expected));
  auto same = weights<any_network>{any_network::of<unsure>()};
  std::ranges::copy(w.values(), same.values().begin());
  CHECK((session<any_network>{same, 8, 8}.logits(image) == expected));
}

namespace {

struct brain_net : small_unet {};  // derived once more: the same weights

/// A backend that only replaces one kernel.
struct counting : cpu {
  using cpu::cpu;
  static inline int calls = 0;
};
inline void max_pool2d_forward(counting& on, const pool2d_geometry& g, const forward_pass<float>& f) {
  ++counting::calls;
  segx::max_pool2d_forward(static_cast<cpu&>(on), g, f);
}

}  // namespace

TEST_CASE("weights of a derived network fit", "[runtime]") {
  const auto w = weights<brain_net>::random(1);
  const auto images = drawn<float>(1, image, 1);
  const auto expected = values_of(session<small_unet_here>{some_weights}.predict(images));
  CHECK(values_of(session<brain_net::at<16, 24>>{w}.predict(images)) == expected);
}

TEST_CASE("a backend that derives from another inherits what it does not replace", "[runtime]") {
  const auto images = drawn<float>(1, image, 1);
  const auto result = values_of(session<small_unet_here, counting>{some_weights}.predict(images));
  CHECK(counting::calls == 2);
  CHECK(result == values_of(session<small_unet_here>{some_weights}.predict(images)));
}
