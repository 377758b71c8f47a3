#include <segx/predict/fit.hpp>

#include <catch2/catch.hpp>

using segx::fit;
using segx::place_of;

TEST_CASE("stretched images take all of the input") {
  for (const cv::Size image : {cv::Size{10, 300}, {256, 256}, {1, 1}}) {
    CHECK(place_of(image, {256, 128}, fit::stretch) == cv::Rect{0, 0, 256, 128});
  }
}

TEST_CASE("padded images keep their aspect and lie in the middle") {
  CHECK(place_of({512, 512}, {256, 256}, fit::pad) == cv::Rect{0, 0, 256, 256});
  CHECK(place_of({512, 256}, {256, 256}, fit::pad) == cv::Rect{0, 64, 256, 128});
  CHECK(place_of({100, 200}, {256, 256}, fit::pad) == cv::Rect{64, 0, 128, 256});
  CHECK(place_of({30, 40}, {256, 128}, fit::pad) == cv::Rect{80, 0, 96, 128});
  CHECK(place_of({301, 300}, {256, 256}, fit::pad) == cv::Rect{0, 0, 256, 255});  // one black row, below
  CHECK(place_of({10000, 1}, {256, 256}, fit::pad) == cv::Rect{0, 127, 256, 1});  // never nothing
}
