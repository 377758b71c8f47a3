// Composes a network of one's own and asks the compiler about it. Nothing is computed here: every number is a constant.

#include <cstdio>
#include <iostream>
#include <segx/segx.hpp>

using namespace segx;

/// One floor of the U: convolve, go down and come back, add what was skipped.   [C,H,W] → [Channels,H,W]
template <int Channels, part Deeper>
using u_floor = chain<conv3x3<Channels>, relu,                                 //
                      skip<add, max_pool2d<2>, Deeper, up_conv2x2<Channels>>,  //
                      conv3x3<Channels>, relu>;

struct lung_net : network<input<1>, chain<u_floor<8, u_floor<16, chain<conv3x3<32>, relu>>>, conv1x1<1>, sigmoid>> {};

static_assert(lung_net::at<256, 256>::output == shape{1, 256, 256});
static_assert(lung_net::at<96, 160>::output == shape{1, 96, 160});  // one architecture, any size that its layers take
static_assert(lung_net::parameter_count == 11'385);
static_assert(lung_net::at<256, 256>::macs == 135'266'304);                    // multiply-adds for one image
static_assert(lung_net::at<256, 256>::arena_bytes < 7'000'000);                // bytes to segment one image
static_assert(lung_net::at<256, 256>::training_bytes_per_image < 16'000'000);  // … to train on one

int main() {
  using at = lung_net::at<256, 256>;
  std::cout << architecture_text(at::graph.nodes);
  std::printf("%lld parameters, fingerprint %s\n", static_cast<long long>(lung_net::parameter_count),
              hex_text(lung_net::fingerprint).c_str());
  std::printf("for one image of 256x256: %lld multiply-adds, %lld bytes to segment it, %lld bytes to train on it\n",
              static_cast<long long>(at::macs), static_cast<long long>(at::arena_bytes),
              static_cast<long long>(at::training_bytes_per_image));
}
