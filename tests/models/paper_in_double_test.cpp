#include <catch2/catch.hpp>

#include <segx/kernels/reference.hpp>
#include <segx/models/paper.hpp>

#include "training_step.hpp"

using namespace segx;

namespace {

template <class Network>
void check(const char* name, int extent) {
  golden::check_step<reference<double>>(name, Network{}, extent, 1e-6);
}

}  // namespace

TEST_CASE("unet8 learns in double what PyTorch's learns in a step", "[models][golden]") { check<unet8>("unet8", 64); }
TEST_CASE("unet64 learns in double what PyTorch's learns in a step", "[models][golden]") {
  check<unet64>("unet64", 16);
}
TEST_CASE("resunet learns in double what PyTorch's learns in a step", "[models][golden]") {
  check<resunet>("resunet", 32);
}
TEST_CASE("unet_effb3 learns in double what PyTorch's learns in a step", "[models][golden]") {
  check<unet_effb3>("unet_effb3", 64);
}
TEST_CASE("linknet_effb3 learns in double what PyTorch's learns in a step", "[models][golden]") {
  check<linknet_effb3>("linknet_effb3", 64);
}
