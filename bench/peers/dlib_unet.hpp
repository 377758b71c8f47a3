// unet16 in dlib: the network of segx::unet16, and of unet.py.
#pragma once

#include <dlib/dnn.h>

namespace unet {

using namespace dlib;

template <int Channels, class Below>
using block = relu<con<Channels, 3, 3, 1, 1, relu<con<Channels, 3, 3, 1, 1, Below>>>>;
template <class Below>
using down = max_pool<2, 2, 2, 2, Below>;
template <int Channels, class Below>
using up = cont<Channels, 2, 2, 2, 2, Below>;

using encoder0 = tag1<block<16, input<matrix<float>>>>;
using encoder1 = tag2<block<32, down<encoder0>>>;
using encoder2 = tag3<block<64, down<encoder1>>>;
using encoder3 = tag4<block<128, down<encoder2>>>;
using bottleneck = block<256, down<encoder3>>;
using decoder3 = block<128, concat2<tag4, tag5, tag5<up<128, bottleneck>>>>;
using decoder2 = block<64, concat2<tag3, tag6, tag6<up<64, decoder3>>>>;
using decoder1 = block<32, concat2<tag2, tag7, tag7<up<32, decoder2>>>>;
using decoder0 = block<16, concat2<tag1, tag8, tag8<up<16, decoder1>>>>;
using net = loss_binary_log_per_pixel<con<1, 1, 1, 1, 1, decoder0>>;

}  // namespace unet
