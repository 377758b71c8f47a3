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
    CHECK(data.samples[k].masks.at(0) == folder.mask_file(k));
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
  CHECK(data.samples[0].masks.at(0).filename() == "A.b.bmp");
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
  for (int k = 0; k < 25; ++k) { write_text(folder.image_file(k), k % 2 == 0 ? "" : "no image"); }
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
  CHECK(partly.samples[0].masks.at(0) == folder.mask_file(0));
  CHECK(partly.samples[1].masks.empty());
  fs::remove_all(folder / "masks");
  CHECK(scan_folder(folder.path(), {.need_masks = false}).samples[0].masks.empty());
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

namespace {

void write_mask_of(const fs::path& folder, const std::string& stem, const cv::Mat& mask) {
  fs::create_directories(folder);
  cv::imwrite((folder / (stem + ".png")).string(), mask);
}

}  // namespace

TEST_CASE("binary masks: one class, whose name can be given") {
  const example_folder folder(1);
  const auto data = scan_folder(folder.path());
  CHECK(data.labels == segx::label_kind::binary);
  CHECK(data.classes == std::vector<std::string>{"foreground"});
  CHECK(scan_folder(folder.path(), {.classes = {"lung"}}).classes == std::vector<std::string>{"lung"});
  CHECK(cv::norm(segx::read_labels(data, data.samples[0]), segx::read_mask(folder.mask_file(0)), cv::NORM_INF) == 0);
  CHECK_THROWS_WITH(
      scan_folder(folder.path(), {.classes = {"a", "b"}}),
      folder.path().string() + ": binary masks have one class, not 2; ask for exclusive or overlapping labels");
}

TEST_CASE("images are described as they were found") {
  const example_folder folder(2);  // the first of 16 bits
  const auto data = scan_folder(folder.path());
  CHECK((data.samples[0].height == 20 && data.samples[0].width == 30 && data.samples[0].bytes == 2));
  CHECK((data.samples[1].height == 21 && data.samples[1].width == 31 && data.samples[1].bytes == 1));
  CHECK(scan_folder(folder.path(), {.decode = false}).samples[0].height == 0);
}

TEST_CASE("exclusive classes: a mask holds the index of each pixel's class") {
  const example_folder folder(3);
  cv::Mat labels(21, 31, CV_8UC1, cv::Scalar(0));
  labels.row(3).setTo(2);
  cv::imwrite(folder.mask_file(1).string(), labels);
  const segx::scan_options options{.labels = segx::label_kind::exclusive, .classes = segx::numbered_classes(3)};
  CHECK(message_of([&] { scan_folder(folder.path(), options); }) ==
        folder.path().string() + ": 2 problems must be solved first\n  " + folder.mask_file(0).string() +
            ": holds the values 0, 255, but labels of 3 classes must lie between 0 and 2\n  " +
            folder.mask_file(2).string() +
            ": holds the values 0, 255, but labels of 3 classes must lie between 0 and 2");

  for (const int k : {0, 2}) { fs::remove(folder.mask_file(k)), fs::remove(folder.image_file(k)); }
  const auto data = scan_folder(folder.path(), options);
  CHECK(data.labels == segx::label_kind::exclusive);
  CHECK(data.classes == std::vector<std::string>{"background", "class 1", "class 2"});
  CHECK(cv::norm(segx::read_labels(data, data.samples.at(0)), labels, cv::NORM_INF) == 0);

  CHECK_THROWS_WITH(
      scan_folder(folder.path(), {.labels = segx::label_kind::exclusive, .classes = {"one"}}),
      folder.path().string() + ": exclusive labels need the names of 2 to 256 classes, the background first");
  CHECK_THROWS_WITH(
      scan_folder(folder.path(), {.mask_threshold = 9, .labels = segx::label_kind::exclusive, .classes = {"a", "b"}}),
      folder.path().string() + ": a mask threshold has no meaning for labels of several classes");
}

TEST_CASE("overlapping classes: a folder of masks for each, in order of their names") {
  const example_folder folder(2);
  fs::rename(folder / "masks", folder / "masks_right");
  for (const int k : {0, 1}) {
    cv::Mat left(20 + k, 30 + k, CV_8UC1, cv::Scalar(0));
    left.col(5).setTo(255);
    write_mask_of(folder / "masks_left", example_folder::stem(k), left);
  }
  const auto data = scan_folder(folder.path());
  CHECK(data.labels == segx::label_kind::overlapping);
  CHECK(data.classes == std::vector<std::string>{"left", "right"});
  REQUIRE(data.samples[1].masks.size() == 2);
  CHECK(data.samples[1].masks[0] == folder / "masks_left/s01.png");
  const cv::Mat labels = segx::read_labels(data, data.samples[1]);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(cv::norm(segx::mask_of_class(labels, data.labels, static_cast<int>(k)),
                   segx::read_mask(data.samples[1].masks[k]), cv::NORM_INF) == 0);
  }

  const auto right = scan_folder(folder.path(), {.classes = {"right"}});
  CHECK(right.labels == segx::label_kind::overlapping);
  CHECK(right.classes == std::vector<std::string>{"right"});
  CHECK(right.samples[0].masks.size() == 1);

  fs::remove(folder / "masks_left/s01.png");
  write_mask_of(folder / "masks_left", "stray", cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)));
  CHECK(message_of([&] { scan_folder(folder.path()); }) ==
        folder.path().string() + ": 2 problems must be solved first\n  " + folder.image_file(1).string() +
            ": has no mask, expected " + (folder / "masks_left/s01.png").string() + "\n  " +
            (folder / "masks_left/stray.png").string() + ": has no image, expected " +
            (folder / "images/stray.png").string());
  CHECK(scan_folder(folder.path(), {.need_masks = false}).samples[1].masks.empty());
}

TEST_CASE("DIR/masks beside DIR/masks_* is a question, which labels answer") {
  const example_folder folder(1);
  write_mask_of(folder / "masks_old", "s00", cv::Mat(20, 30, CV_8UC1, cv::Scalar(255)));
  CHECK_THROWS_WITH(scan_folder(folder.path()),
                    Contains((folder / "masks").string() + " and " + (folder / "masks_old").string() + ": ") &&
                        Contains("--labels binary") && Contains("--labels overlapping"));
  CHECK(scan_folder(folder.path(), {.labels = segx::label_kind::binary}).samples[0].masks.at(0) ==
        folder / "masks/s00.png");
  const auto data = scan_folder(folder.path(), {.labels = segx::label_kind::overlapping});
  CHECK(data.classes == std::vector<std::string>{"old"});
  CHECK(data.samples[0].masks.at(0) == folder / "masks_old/s00.png");
}

TEST_CASE("a scan notes which classes the masks show") {
  const std::vector<int> both{0, 1}, second{1};
  const example_folder folder(2);
  cv::imwrite(folder.mask_file(1).string(), cv::Mat(21, 31, CV_8UC1, cv::Scalar(0)));
  const auto binary = scan_folder(folder.path());
  CHECK(classes_without_pixels(binary, both).empty());
  CHECK(classes_without_pixels(binary, second) == std::vector<std::string>{"foreground"});
  CHECK(classes_without_pixels(scan_folder(folder.path(), {.decode = false}), second).empty());  // not known

  cv::imwrite(folder.mask_file(0).string(), cv::Mat(20, 30, CV_8UC1, cv::Scalar(2)));
  const auto exclusive =
      scan_folder(folder.path(), {.labels = segx::label_kind::exclusive, .classes = segx::numbered_classes(4)});
  CHECK(classes_without_pixels(exclusive, both) == std::vector<std::string>{"class 1", "class 3"});
  CHECK(classes_without_pixels(exclusive, second).size() == 3);  // without the background

  fs::rename(folder / "masks", folder / "masks_a");
  write_mask_of(folder / "masks_b", "s00", cv::Mat(20, 30, CV_8UC1, cv::Scalar(0)));
  write_mask_of(folder / "masks_b", "s01", cv::Mat(21, 31, CV_8UC1, cv::Scalar(1)));
  const auto overlapping = scan_folder(folder.path(), {.mask_threshold = 1});
  CHECK(classes_without_pixels(overlapping, both).empty());
  CHECK(classes_without_pixels(overlapping, second) == std::vector<std::string>{"a"});
}

TEST_CASE("overlapping classes that cannot be are errors") {
  const example_folder folder(1);
  const segx::scan_options overlapping{.labels = segx::label_kind::overlapping};
  CHECK_THROWS_WITH(scan_folder(folder.path(), overlapping), folder.path().string() + ": has no folders masks_<class>");
  for (int k = 0; k < 9; ++k) { fs::create_directory(folder / ("masks_" + std::to_string(k))); }
  CHECK_THROWS_WITH(
      scan_folder(folder.path(), overlapping),
      folder.path().string() + ": has 9 overlapping classes, at most 8 can be used; name those that should be");
  CHECK_THROWS_WITH(scan_folder(folder.path(), {.labels = segx::label_kind::overlapping, .classes = {"0", "x"}}),
                    folder.path().string() + ": expected " + (folder / "images").string() + " and " +
                        (folder / "masks_0").string() + " and " + (folder / "masks_x").string());
}
