#include <segx/image/read_image.hpp>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "temporary_folder.hpp"

using Catch::Matchers::Contains;
using segx::read_gray;
using segx::read_mask;
using segx::read_rgb;

namespace {

template <class T>
cv::Mat row(std::initializer_list<int> values) {
  cv::Mat image(1, static_cast<int>(values.size()), cv::DataType<T>::type);
  int j = 0;
  for (const int value : values) { image.at<T>(0, j++) = static_cast<T>(value); }
  return image;
}

/// Smooth enough for JPEG, with enough of it that half a file is not a whole picture.
cv::Mat picture(int type = CV_8UC1) {
  cv::Mat image(64, 80, type);
  cv::theRNG().state = 5;
  cv::randu(image, cv::Scalar::all(0), cv::Scalar::all(255));
  cv::GaussianBlur(image, image, {7, 7}, 2);
  return image;
}

/// A TIFF file of one row of pixels, in the order of bytes of PCs, and its further directories, which show the same.
std::string tiff(int bits, int photometric, const std::vector<int>& pixels,
                 const std::vector<int>& further_kinds = {}) {
  std::string file = "II*";
  const auto number = [&](int value, int size) {
    for (int byte = 0; byte < size; ++byte) { file += static_cast<char>(value >> 8 * byte & 255); }
  };
  const int pixel_bytes = static_cast<int>(pixels.size()) * bits / 8, first = 8 + (pixel_bytes + 1) / 2 * 2;
  constexpr int entries = 9, directory_bytes = 2 + entries * 12 + 4;
  number(0, 1), number(first, 4);
  for (const int pixel : pixels) { number(pixel, bits / 8); }
  file.resize(static_cast<std::size_t>(first));
  for (std::size_t i = 0; i <= further_kinds.size(); ++i) {
    number(entries, 2);
    const auto entry = [&](int tag, int value) { number(tag, 2), number(4, 2), number(1, 4), number(value, 4); };
    const auto short_entry = [&](int tag, int value) { number(tag, 2), number(3, 2), number(1, 4), number(value, 4); };
    entry(254, i == 0 ? 0 : further_kinds[i - 1]);
    entry(256, static_cast<int>(pixels.size())), entry(257, 1);
    short_entry(258, bits), short_entry(259, 1), short_entry(262, photometric);
    entry(273, 8), short_entry(277, 1), entry(279, pixel_bytes);
    number(i == further_kinds.size() ? 0 : first + static_cast<int>(i + 1) * directory_bytes, 4);
  }
  return file;
}

}  // namespace

TEST_CASE("read_gray: 8 bits by 255, 16 bits kept and by 65535") {
  const temporary_folder folder;
  cv::imwrite((folder / "8.png").string(), row<std::uint8_t>({0, 1, 128, 255}));
  cv::imwrite((folder / "16.png").string(), row<std::uint16_t>({0, 1, 2, 32768, 65534, 65535}));
  const cv::Mat eight = read_gray(folder / "8.png");
  const cv::Mat sixteen = read_gray(folder / "16.png");
  REQUIRE(eight.type() == CV_32FC1);
  for (int j = 0; j < 4; ++j) { CHECK(eight.at<float>(0, j) == float(std::array{0, 1, 128, 255}[j]) / 255.0F); }
  for (int j = 0; j < 6; ++j) {
    CHECK(sixteen.at<float>(0, j) == float(std::array{0, 1, 2, 32768, 65534, 65535}[j]) / 65535.0F);
  }
}

TEST_CASE("read_gray: colour by OpenCV's weights, alpha dropped, equal channels as if they were gray") {
  const temporary_folder folder;
  const cv::Mat bgr = picture(CV_8UC3);
  cv::Mat bgra, expected;
  cv::cvtColor(bgr, bgra, cv::COLOR_BGR2BGRA);
  bgra.forEach<cv::Vec4b>([](cv::Vec4b& pixel, const int* at) { pixel[3] = static_cast<unsigned char>(at[1]); });
  cv::cvtColor(bgr, expected, cv::COLOR_BGR2GRAY);
  expected.convertTo(expected, CV_32F, 1 / 255.0);
  cv::imwrite((folder / "bgr.png").string(), bgr);
  cv::imwrite((folder / "bgra.png").string(), bgra);
  CHECK(cv::norm(read_gray(folder / "bgr.png"), expected, cv::NORM_INF) < 1e-6);
  CHECK(cv::norm(read_gray(folder / "bgra.png"), expected, cv::NORM_INF) < 1e-6);

  cv::Mat gray = picture(), tripled;
  cv::cvtColor(gray, tripled, cv::COLOR_GRAY2BGR);
  cv::imwrite((folder / "gray.png").string(), gray);
  cv::imwrite((folder / "tripled.png").string(), tripled);
  CHECK(cv::norm(read_gray(folder / "gray.png"), read_gray(folder / "tripled.png"), cv::NORM_INF) == 0);
}

TEST_CASE("read_rgb: red, green, blue of 8 and 16 bits, alpha dropped, gray becomes three equal channels") {
  const temporary_folder folder;
  const auto file = folder / "a.png";
  const auto pixel = [&](const cv::Mat& stored) {
    cv::imwrite(file.string(), stored);
    const cv::Mat image = read_rgb(file);
    REQUIRE(image.type() == CV_32FC3);
    REQUIRE(image.size() == stored.size());
    return image.at<cv::Vec3f>(1, 2);
  };
  CHECK(pixel(cv::Mat(2, 3, CV_8UC3, cv::Scalar(10, 20, 30))) == cv::Vec3f(30 / 255.0F, 20 / 255.0F, 10 / 255.0F));
  CHECK(pixel(cv::Mat(2, 3, CV_8UC4, cv::Scalar(10, 20, 30, 99))) == cv::Vec3f(30 / 255.0F, 20 / 255.0F, 10 / 255.0F));
  CHECK(pixel(cv::Mat(2, 3, CV_16UC3, cv::Scalar(1, 2, 65535))) == cv::Vec3f(1, 2 / 65535.0F, 1 / 65535.0F));
  CHECK(pixel(cv::Mat(2, 3, CV_8UC1, cv::Scalar(7))) == cv::Vec3f::all(7 / 255.0F));
  CHECK(pixel(cv::Mat(2, 3, CV_16UC1, cv::Scalar(7))) == cv::Vec3f::all(7 / 65535.0F));
}

TEST_CASE("read_gray: JPEG, whatever its extension says") {
  const temporary_folder folder;
  cv::imwrite((folder / "a.jpg").string(), picture());
  std::filesystem::rename(folder / "a.jpg", folder / "a.png");
  cv::Mat expected;
  picture().convertTo(expected, CV_32F, 1 / 255.0);
  CHECK(cv::norm(read_gray(folder / "a.png"), expected, cv::NORM_INF) < 0.05);
}

TEST_CASE("read_gray: a picture that its EXIF data call turned is upright") {
  const temporary_folder folder;
  cv::Mat upright(2, 3, CV_8UC1, cv::Scalar(0));
  upright.col(2) = 255;
  cv::Mat turned;
  cv::rotate(upright, turned, cv::ROTATE_90_COUNTERCLOCKWISE);  // as such a camera stores it
  std::vector<std::uint8_t> bytes;
  REQUIRE(cv::imencode(".jpg", turned, bytes, {cv::IMWRITE_JPEG_QUALITY, 100}));
  // APP1: Exif, one entry of one directory: orientation (0x0112), a short, 6: to be turned clockwise.
  const std::vector<std::uint8_t> exif{0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                       0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
  bytes.insert(bytes.begin() + 2, exif.begin(), exif.end());
  const std::filesystem::path file = folder / "turned.jpg";
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  const cv::Mat read = read_gray(file);
  REQUIRE(read.size() == upright.size());
  CHECK(read.at<float>(0, 0) < 0.2F);
  CHECK(read.at<float>(1, 2) > 0.8F);
}

TEST_CASE("read_gray: errors name the file and the reason") {
  const temporary_folder folder;
  const auto message = [](const std::filesystem::path& file) { return message_of([&] { read_gray(file); }); };

  CHECK(message(folder / "none.png") == (folder / "none.png").string() + ": no such file");
  CHECK(message(folder.path()) == folder.path().string() + ": is not a file, expected an image");
  write_text(folder / "empty.png", "");
  CHECK(message(folder / "empty.png") == (folder / "empty.png").string() + ": the file is empty");
  write_text(folder / "text.png", "this is no image");
  CHECK(message(folder / "text.png") ==
        (folder / "text.png").string() + ": is broken or not an image that OpenCV reads (PNG, JPEG, …)");
  cv::imwrite((folder / "float.tiff").string(), cv::Mat(4, 4, CV_32FC1, cv::Scalar(0.5)));
  CHECK(message(folder / "float.tiff") == (folder / "float.tiff").string() +
                                              ": has pixels of type CV_32FC1, expected 8 or 16 bits without sign, gray "
                                              "or colour");
}

TEST_CASE("read_gray: a file that ends early is refused") {
  const temporary_folder folder;
  const std::string extension = GENERATE(".png", ".jpg");
  const double part = GENERATE(0.05, 0.5, 0.9, 0.995);
  const auto file = folder / ("cut" + extension);
  cv::imwrite(file.string(), picture());
  CHECK_NOTHROW(read_gray(file));
  cut_file(file, part);
  CHECK(message_of([&] { read_gray(file); }) ==
        file.string() + ": the file ends early, so pixels are missing; copy it again");
}

TEST_CASE("read_gray: a JPEG whose pixels break off before its end marker is refused") {
  const temporary_folder folder;
  const auto file = folder / "repaired.jpg";
  const int type = GENERATE(CV_8UC1, CV_8UC3);
  struct encoding {
    std::vector<int> words;
    std::vector<double> parts;  // of the file, within its first scan
  };
  const encoding how =
      GENERATE(encoding{{}, {0.3, 0.5, 0.99}}, encoding{{cv::IMWRITE_JPEG_RST_INTERVAL, 3}, {0.3, 0.7}},
               encoding{{cv::IMWRITE_JPEG_PROGRESSIVE, 1}, {0.04}});
  cv::Mat whole(256, 320, type);
  cv::theRNG().state = 5;
  cv::randu(whole, cv::Scalar::all(0), cv::Scalar::all(255));
  cv::GaussianBlur(whole, whole, {7, 7}, 2);
  for (const bool ends_in_gray : {false, true}) {
    if (ends_in_gray) { whole.rowRange(160, 256).setTo(cv::Scalar::all(128)); }
    for (const double part : how.parts) {
      cv::imwrite(file.string(), whole, how.words);
      CHECK_NOTHROW(read_gray(file));
      cut_file(file, part);
      std::ofstream{file, std::ios::app | std::ios::binary} << "\xff\xd9";
      CHECK(message_of([&] { read_gray(file); }) ==
            file.string() + ": its pixels break off before its end marker, so the rest would be gray; copy it again");
    }
  }
}

TEST_CASE("read_gray: cut headers of any length are refused, and nothing is read beyond them") {
  const temporary_folder folder;
  const std::string extension = GENERATE(".png", ".jpg", ".tiff");
  const auto file = folder / ("head" + extension);
  for (int bytes = 1; bytes < 60; ++bytes) {
    cv::imwrite(file.string(), picture());
    std::filesystem::resize_file(file, bytes);
    CHECK_THROWS_AS(read_gray(file), segx::error);
  }
}

TEST_CASE("a TIFF file that would be a negative, or lose pictures, is refused") {
  const temporary_folder folder;
  const auto file = folder / "x.tiff";
  const auto first_pixel = [&](const std::string& bytes) {
    write_text(file, bytes);
    return read_gray(file).at<float>(0, 0);
  };
  CHECK(first_pixel(tiff(16, 1, {6553, 65535})) == 6553 / 65535.0F);
  CHECK(first_pixel(tiff(8, 1, {51, 255})) == 51 / 255.0F);
  CHECK(first_pixel(tiff(8, 0, {204, 0})) == 51 / 255.0F);  // OpenCV makes the positive
  CHECK(first_pixel(tiff(16, 1, {6553, 65535}, {1, 1})) == 6553 / 65535.0F);

  const auto said = [&](const std::string& bytes) {
    write_text(file, bytes);
    return message_of([&] { read_gray(file); });
  };
  CHECK(said(tiff(16, 0, {6553, 65535})) == file.string() +
                                                ": is a TIFF file whose value 0 is white, which OpenCV reads as a "
                                                "negative where a pixel has more than 8 bits; save it with black as "
                                                "0, or as PNG");
  CHECK(said(tiff(16, 1, {6553, 65535}, {1, 0})) ==
        file.string() + ": holds several pictures, of which one alone would be read; split it into files");
}

TEST_CASE("files whose white OpenCV does not heed are refused") {
  const temporary_folder folder;
  const auto said = [&](const char* name, const std::string& bytes) {
    write_text(folder / name, bytes);
    return message_of([&] { read_gray(folder / name); });
  };
  for (const char* white : {"255", "65535"}) {
    write_text(folder / "x.pgm", std::string{"P2\n# 1 2 3\n2 1\n"} + white + "\n0 " + white + "\n");
    CHECK(read_gray(folder / "x.pgm").at<float>(0, 1) == 1);
  }
  CHECK_THAT(said("x.pgm", "P5\n# 255 by hand\n1 1 # wide, high\n4095\n\x0f\xff"),
             Contains("is a PGM or PPM file whose white is 4095"));
  CHECK_THAT(said("x.pgm", std::string{"P5 1 1 15\n\x0f"}), Contains("white is 15"));
  CHECK_THAT(said("x.ppm", "P3 1 1 15\n1 2 3\n"), Contains("white is 15"));
  CHECK_THAT(said("x.ppm", "P3 1"), Contains("is a PGM or PPM file"));

  cv::imwrite((folder / "x.jp2").string(), picture());
  CHECK(read_gray(folder / "x.jp2").cols == 80);
  std::string bytes(std::filesystem::file_size(folder / "x.jp2"), ' ');
  std::ifstream{folder / "x.jp2", std::ios::binary}.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const std::size_t header = bytes.find("ihdr");
  REQUIRE(header != std::string::npos);
  bytes[header + 14] = 11;
  CHECK_THAT(said("x.jp2", bytes), Contains("is a JPEG 2000 file of 12 bits"));
}

TEST_CASE("read_mask: 0/1, 0/255, 0/65535 become 0/1") {
  const temporary_folder folder;
  const auto file = folder / "mask.png";
  const auto values = [&](const cv::Mat& stored) {
    cv::imwrite(file.string(), stored);
    const cv::Mat mask = read_mask(file);
    REQUIRE(mask.type() == CV_8UC1);
    return std::vector<int>(mask.begin<unsigned char>(), mask.end<unsigned char>());
  };
  CHECK(values(row<std::uint8_t>({0, 1, 1})) == std::vector{0, 1, 1});
  CHECK(values(row<std::uint8_t>({255, 0, 255})) == std::vector{1, 0, 1});
  CHECK(values(row<std::uint16_t>({0, 65535})) == std::vector{0, 1});
  CHECK(values(row<std::uint16_t>({0, 255})) == std::vector{0, 1});
  CHECK(values(row<std::uint8_t>({0, 0})) == std::vector{0, 0});      // nothing there
  CHECK(values(row<std::uint8_t>({255, 255})) == std::vector{1, 1});  // everything

  cv::Mat bgra(1, 2, CV_8UC4, cv::Scalar(0, 0, 0, 9));
  bgra.at<cv::Vec4b>(0, 1) = {255, 255, 255, 77};
  CHECK(values(bgra) == std::vector{0, 1});
}

TEST_CASE("read_mask: a bilevel PNG, as masks are often kept") {
  const temporary_folder folder;
  const auto file = folder / "one_bit.png";
  cv::imwrite(file.string(), row<std::uint8_t>({0, 255, 255, 0, 0, 0, 0, 0, 255}), {cv::IMWRITE_PNG_BILEVEL, 1});
  CHECK(cv::sum(read_mask(file))[0] == 3);
}

TEST_CASE("read_mask: a threshold is the least value that counts") {
  const temporary_folder folder;
  const auto file = folder / "mask.png";
  cv::imwrite(file.string(), row<std::uint8_t>({0, 99, 100, 101, 255}));
  CHECK(cv::sum(read_mask(file, 100))[0] == 3);
  CHECK(cv::sum(read_mask(file, 1))[0] == 4);
  CHECK_THROWS_WITH(read_mask(file, 0), "a mask's threshold must lie between 1 and 65535, not 0");
  cv::imwrite(file.string(), row<std::uint16_t>({0, 999, 1000, 65535}));
  CHECK(cv::sum(read_mask(file, 1000))[0] == 2);
}

TEST_CASE("read_mask: a threshold that would empty a mask in silence is refused") {
  const temporary_folder folder;
  const auto file = folder / "mask.png";
  cv::imwrite(file.string(), row<std::uint8_t>({0, 1, 1}));
  CHECK(cv::sum(read_mask(file, 1))[0] == 2);
  CHECK(message_of([&] { read_mask(file, 128); }) ==
        file.string() +
            ": holds 0 and 1 only, which are below the threshold 128, so the mask would be empty; give the threshold "
            "1 for such masks");
  CHECK(message_of([&] { read_mask(file, 30000); }) ==
        file.string() + ": has 8 bits, so nothing in it can reach the threshold 30000; give one between 1 and 255");
  cv::imwrite(file.string(), row<std::uint8_t>({0, 0, 0}));  // a mask of nothing
  CHECK(cv::sum(read_mask(file, 128))[0] == 0);
}

TEST_CASE("read_mask: other values are an error that names the file and the values") {
  const temporary_folder folder;
  const auto file = folder / "mask.png";
  const auto message = [&](const cv::Mat& stored) {
    cv::imwrite(file.string(), stored);
    return message_of([&] { read_mask(file); });
  };
  const std::string ending = ", but a mask must be 0 and 1, or 0 and 255; give a threshold to accept others";
  const std::string of_classes =
      ending + "; or is it a map of classes? Then name them and say that they are exclusive (--classes, --labels)";
  CHECK(message(row<std::uint8_t>({0, 128})) == file.string() + ": holds the values 0, 128" + ending);
  CHECK(message(row<std::uint8_t>({0, 1, 255})) == file.string() + ": holds the values 0, 1, 255" + ending);
  CHECK(message(row<std::uint8_t>({7, 7})) == file.string() + ": holds the values 7" + of_classes);
  CHECK(message(row<std::uint8_t>({1, 255})) == file.string() + ": holds the values 1, 255" + ending);
  CHECK(message(row<std::uint8_t>({9, 8, 7, 6, 5, 4, 3, 2})) ==
        file.string() + ": holds the values 2, 3, 4, 5, 6, 7, … (8 values)" + of_classes);
  CHECK(message(cv::Mat(2, 2, CV_8UC3, cv::Scalar(0, 0, 255))) ==
        file.string() + ": is a colour picture, but a mask must be gray");
  CHECK_THROWS_WITH(read_mask(folder / "none.png"), Contains("none.png: no such file"));
}
