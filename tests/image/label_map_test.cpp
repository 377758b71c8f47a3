#include <segx/image/label_map.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include <segx/image/plane.hpp>

#include "temporary_folder.hpp"

using namespace segx;

namespace {

// Two rows of four pixels of two bits, 0 1 2 3 and 3 2 1 0: with a palette (black, red, green, yellow), and gray.
constexpr unsigned char palette_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x04, 0x00, 0x00, 0x00, 0x02, 0x02, 0x03, 0x00, 0x00, 0x00, 0x02, 0xc6, 0x95, 0xf0, 0x00, 0x00, 0x00, 0x0c, 0x50,
    0x4c, 0x54, 0x45, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0x00, 0xff, 0xff, 0x00, 0x9b, 0x7e, 0x35, 0xce,
    0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x90, 0x66, 0x78, 0x02, 0x00, 0x01, 0x39, 0x01,
    0x00, 0x7b, 0x99, 0x42, 0x37, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
constexpr unsigned char two_bit_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
    0x00, 0x04, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x10, 0x73, 0x3a, 0x1e, 0x00, 0x00, 0x00,
    0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x90, 0x66, 0x78, 0x02, 0x00, 0x01, 0x39, 0x01, 0x00, 0x7b,
    0x99, 0x42, 0x37, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

std::vector<int> values(const cv::Mat& labels) {
  REQUIRE(labels.type() == CV_8UC1);
  return {labels.begin<std::uint8_t>(), labels.end<std::uint8_t>()};
}

const cv::Mat example = (cv::Mat_<std::uint8_t>(2, 3) << 0, 1, 2, 3, 2, 0);

}  // namespace

TEST_CASE("read_label_map: gray of 8 and 16 bits, gray of fewer bits, and palettes") {
  const temporary_folder folder;
  const auto file = folder / "labels.png";
  cv::imwrite(file.string(), example);
  CHECK(values(read_label_map(file, 4)) == values(example));
  cv::Mat deep;
  example.convertTo(deep, CV_16U);
  cv::imwrite(file.string(), deep);
  CHECK(values(read_label_map(file, 4)) == values(example));

  const std::vector<int> counted{0, 1, 2, 3, 3, 2, 1, 0};
  write_text(file, {reinterpret_cast<const char*>(palette_png), sizeof palette_png});
  CHECK(values(read_label_map(file, 4)) == counted);
  write_text(file, {reinterpret_cast<const char*>(two_bit_png), sizeof two_bit_png});
  CHECK(values(read_label_map(file, 4)) == counted);
}

TEST_CASE("read_label_map: values outside are an error that names the file and the values") {
  const temporary_folder folder;
  const auto file = folder / "labels.png";
  const auto message = [&](int classes) { return message_of([&] { read_label_map(file, classes); }); };
  cv::imwrite(file.string(), example);
  CHECK(message(3) ==
        file.string() + ": holds the values 0, 1, 2, 3, but labels of 3 classes must lie between 0 and 2");
  cv::imwrite(file.string(), cv::Mat(2, 2, CV_16UC1, cv::Scalar(256)));
  CHECK(message(256) == file.string() + ": holds the values 256, but labels of 256 classes must lie between 0 and 255");
  cv::imwrite(file.string(), cv::Mat(2, 2, CV_8UC3, cv::Scalar(1, 1, 2)));
  CHECK(message(3) == file.string() + ": is a colour picture, but a mask must be gray");
}

TEST_CASE("a label map as planes of a batch: binary, one-hot, and a bit for each overlapping class") {
  const auto plane = [](const cv::Mat& labels, label_kind kind, std::size_t classes, std::size_t k) {
    xt::xtensor<float, 4> batch({2, classes, 2, 3}, -1.0F);
    copy_to_masks(labels, kind, batch, 1);
    CHECK(batch(0, k, 1, 2) == -1);
    const cv::Mat copy = copy_of_plane(batch, 1, k);
    return std::vector<int>(copy.begin<float>(), copy.end<float>());
  };
  CHECK(plane((cv::Mat_<std::uint8_t>(2, 3) << 0, 1, 1, 0, 0, 1), label_kind::binary, 1, 0) ==
        std::vector{0, 1, 1, 0, 0, 1});
  CHECK(plane(example, label_kind::exclusive, 4, 0) == std::vector{1, 0, 0, 0, 0, 1});
  CHECK(plane(example, label_kind::exclusive, 4, 2) == std::vector{0, 0, 1, 0, 1, 0});
  CHECK(plane(example, label_kind::overlapping, 2, 0) == std::vector{0, 1, 0, 1, 0, 0});
  CHECK(plane(example, label_kind::overlapping, 2, 1) == std::vector{0, 0, 1, 1, 1, 0});
  const cv::Mat highest(2, 3, CV_8UC1, cv::Scalar(128));
  CHECK(plane(highest, label_kind::overlapping, 8, 7) == std::vector{1, 1, 1, 1, 1, 1});
  CHECK(plane(highest, label_kind::overlapping, 8, 6) == std::vector{0, 0, 0, 0, 0, 0});
}

TEST_CASE("kinds of labels have names") {
  CHECK(text_of(label_kind::binary) == "binary");
  CHECK(text_of(label_kind::exclusive) == "exclusive");
  CHECK(text_of(label_kind::overlapping) == "overlapping");
}
