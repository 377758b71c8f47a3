#include <segx/data/dataset.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <opencv2/imgcodecs.hpp>

#include "data/example_folder.hpp"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using segx::scan_folder;
namespace fs = std::filesystem;

TEST_CASE("scan_folder finds the pairs in order of their stems") {
  const example_folder folder(12);
  const auto data = scan_folder(folder.path());
  REQUIRE(data.samples.size() == 12);
  for (int k = 0; k < 12; ++k) {
    CHECK(data.samples[k].stem == example_folder::stem(k));
    CHECK(data.samples[k].image == folder.image_file(k));
    CHECK(data.samples[k].mask == folder.mask_file(k));
  }
}

TEST_CASE("extensions may differ and be in any case; hidden files, folders and other files are passed over") {
  const example_folder folder(2);
  cv::imwrite((folder / "images/A.b.jpg").string(), cv::Mat(8, 8, CV_8UC1, cv::Scalar(3)));
  fs::rename(folder / "images/A.b.jpg", folder / "images/A.b.JPeG");
  cv::imwrite((folder / "masks/A.b.bmp").string(), cv::Mat(8, 8, CV_8UC1, cv::Scalar(255)));
  write_text(folder / "images/.hidden.png", "no image");
  write_text(folder / "masks/.DS_Store", "no image");
  write_text(folder / "images/README.txt", "no image");
  fs::create_directory(folder / "images/folder.png");
  const auto data = scan_folder(folder.path());
  REQUIRE(data.samples.size() == 3);
  CHECK(data.samples[0].stem == "A.b");
  CHECK(data.samples[0].image.filename() == "A.b.JPeG");
  CHECK(data.samples[0].mask.filename() == "A.b.bmp");
}

TEST_CASE("all that is wrong is told in one report") {
  const example_folder folder(9);
  fs::remove(folder.mask_file(0));
  fs::remove(folder.image_file(1));
  write_text(folder.image_file(2), "");
  cut_file(folder.image_file(3), 0.5);
  write_text(folder.mask_file(4), "no image");
  cv::imwrite(folder.mask_file(5).string(), cv::imread(folder.image_file(5).string(), cv::IMREAD_UNCHANGED));
  cv::imwrite(folder.mask_file(6).string(), cv::Mat(3, 4, CV_8UC1, cv::Scalar(1)));
  fs::copy_file(folder.image_file(7), folder / "images/s07.bmp");

  const std::string text = message_of([&] { scan_folder(folder.path()); });
  CHECK_THAT(text, StartsWith(folder.path().string() + ": 8 problems must be solved first\n  "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 8);
  const auto line = [](const fs::path& file, const std::string& what) { return "\n  " + file.string() + what; };
  CHECK_THAT(text, Contains(line(folder.image_file(0), ": has no mask, expected " + folder.mask_file(0).string())));
  CHECK_THAT(text, Contains(line(folder.mask_file(1), ": has no image, expected " + folder.image_file(1).string())));
  CHECK_THAT(text, Contains(line(folder.image_file(2), ": the file is empty")));
  CHECK_THAT(text, Contains(line(folder.image_file(3), ": the file ends early")));
  CHECK_THAT(text, Contains(line(folder.mask_file(4), ": is broken or not an image")));
  CHECK_THAT(text, Contains(line(folder.mask_file(5), ": holds the values ")));
  CHECK_THAT(text, Contains(line(folder.mask_file(6), ": has 4 x 3 pixels, but its image has 36 x 21")));
  CHECK_THAT(text, Contains(line(folder.image_file(7), ": has the same stem as s07.bmp")));
}

TEST_CASE("the report is the same for any number of threads, and stops after twenty lines") {
  const example_folder folder(25);
  for (int k = 0; k < 25; ++k) write_text(folder.image_file(k), k % 2 == 0 ? "" : "no image");
  const std::string one = message_of([&] { scan_folder(folder.path(), {.threads = 1}); });
  const std::string four = message_of([&] { scan_folder(folder.path(), {.threads = 4}); });
  CHECK(one == four);
  CHECK_THAT(one, Contains(": 25 problems must be solved first\n") && Catch::Matchers::EndsWith("\n  and 5 more"));
  CHECK_THAT(one, Contains("s19.png") && !Contains("s20.png"));
}

TEST_CASE("options: a threshold, names only, images without masks") {
  const example_folder folder(3);
  cv::imwrite(folder.mask_file(1).string(), cv::imread(folder.image_file(1).string(), cv::IMREAD_UNCHANGED));
  CHECK_THROWS_AS(scan_folder(folder.path()), segx::error);
  CHECK(scan_folder(folder.path(), {.mask_threshold = 128}).samples.size() == 3);

  write_text(folder.image_file(2), "");
  CHECK(scan_folder(folder.path(), {.decode = false}).samples.size() == 3);

  fs::remove(folder.image_file(2));
  CHECK_THAT(message_of([&] { scan_folder(folder.path(), {.decode = false}); }),
             Contains(": 1 problem must be solved"));
  fs::remove(folder.mask_file(1));
  const auto partly = scan_folder(folder.path(), {.need_masks = false});
  REQUIRE(partly.samples.size() == 2);
  CHECK(partly.samples[0].mask == folder.mask_file(0));
  CHECK(partly.samples[1].mask.empty());
  fs::remove_all(folder / "masks");
  CHECK(scan_folder(folder.path(), {.need_masks = false}).samples[0].mask.empty());
}

TEST_CASE("a folder that is missing, empty or not laid out says what was expected") {
  const temporary_folder folder;
  const auto message = [&](const fs::path& path) { return message_of([&] { scan_folder(path); }); };
  const std::string images = (folder / "images").string(), masks = (folder / "masks").string();
  CHECK(message(folder / "none") == (folder / "none").string() + ": no such folder");
  CHECK(message(folder.path()) == folder.path().string() + ": expected " + images + " and " + masks);
  fs::create_directory(images);
  CHECK(message(folder.path()) == folder.path().string() + ": expected " + images + " and " + masks);
  fs::create_directory(masks);
  CHECK(message(folder.path()) ==
        images + ": holds no images (PNG, JPEG, …), expected some there and their masks in " + masks);
}
