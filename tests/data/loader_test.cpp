#include <segx/data/loader.hpp>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <stdexcept>
#include <thread>

#include <segx/data/split.hpp>

#include "data/example_folder.hpp"

using namespace segx;

namespace {

constexpr int pairs = 13;

const dataset& example_data() {
  static const example_folder folder(pairs);
  static const dataset data = scan_folder(folder.path());
  return data;
}

std::vector<int> all_of(const dataset& data) {
  std::vector<int> indices(data.samples.size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

loader_options small(feed mode = feed::in_memory, int threads = 1) {
  return {
      .height = 16, .width = 12, .batch = 4, .threads = threads, .mode = mode, .seed = 3, .augment = horizontal_flip{}};
}

std::vector<batch> rest_of_epoch(loader& from) {
  std::vector<batch> batches;
  for (batch b; from.next(b);) { batches.push_back(b); }
  return batches;
}

std::vector<batch> epoch_of(loader& from, int epoch, int first_batch = 0) {
  from.start_epoch(epoch, first_batch);
  return rest_of_epoch(from);
}

std::vector<int> order_of(const std::vector<batch>& batches) {
  std::vector<int> order;
  for (const batch& b : batches) { order.insert(order.end(), b.indices.begin(), b.indices.end()); }
  return order;
}

bool same(const std::vector<batch>& a, const std::vector<batch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const batch& x, const batch& y) {
    return x.indices == y.indices && x.images == y.images && x.masks == y.masks;
  });
}

}  // namespace

TEST_CASE("an epoch gives every sample once, the last batch smaller") {
  loader from(example_data(), all_of(example_data()), small());
  CHECK(from.size() == pairs);
  CHECK(from.batches_per_epoch() == 4);
  const auto batches = epoch_of(from, 0);
  REQUIRE(batches.size() == 4);
  for (int k = 0; k < 4; ++k) {
    const std::size_t n = k < 3 ? 4 : 1;
    CHECK(batches[k].indices.size() == n);
    CHECK(batches[k].images.shape() == std::array<std::size_t, 4>{n, 1, 16, 12});
    CHECK(batches[k].masks.shape() == std::array<std::size_t, 4>{n, 1, 16, 12});
  }
  std::vector<int> order = order_of(batches);
  std::sort(order.begin(), order.end());
  CHECK(order == all_of(example_data()));
}

TEST_CASE("a batch holds the resized samples that it names") {
  const dataset& data = example_data();
  auto options = small();
  options.augment = no_augmentation{};
  loader from(data, {7, 2, 9, 5, 0}, options);
  for (const batch& b : epoch_of(from, 2)) {
    for (std::size_t row = 0; row < b.indices.size(); ++row) {
      const sample& s = data.samples[b.indices[row]];
      cv::Mat mask;
      resize_mask(read_mask(s.masks.at(0)), 16, 12).convertTo(mask, CV_32F);
      CHECK(cv::norm(copy_of_plane(b.images, row), resize_image(read_gray(s.image), 16, 12), cv::NORM_INF) == 0);
      CHECK(cv::norm(copy_of_plane(b.masks, row), mask, cv::NORM_INF) == 0);
    }
  }
}

TEST_CASE("images of three channels, normalised after the augmentation") {
  const dataset& data = example_data();
  auto options = small();
  options.channels = 3;
  options.normalise = normalisation::imagenet();
  options.augment = [](const image_and_mask& x, random_generator&) {
    CHECK(x.image.type() == CV_32FC3);
    return image_and_mask{x.image * 0.5, x.mask};
  };
  loader from(data, {4}, options);
  CHECK(from.resident_bytes() == 16 * 12 * 13);
  const batch b = epoch_of(from, 0).at(0);
  REQUIRE(b.images.shape() == std::array<std::size_t, 4>{1, 3, 16, 12});
  const cv::Mat gray = resize_image(read_gray(data.samples[4].image), 16, 12) * 0.5;
  for (int c = 0; c < 3; ++c) {
    CHECK(b.images(0, c, 5, 7) == Approx(options.normalise(gray.at<float>(5, 7), c)).epsilon(1e-6));
  }
}

TEST_CASE("masks of several classes: a plane for each") {
  const example_folder folder(2);
  const auto classes = GENERATE(std::vector<std::string>{"a", "b"}, std::vector<std::string>{"b", "a"});
  for (int k = 0; k < 2; ++k) {
    const cv::Mat b(20 + k, 30 + k, CV_8UC1, cv::Scalar(k));
    std::filesystem::create_directories(folder / "masks_b");
    cv::imwrite((folder / ("masks_b/" + example_folder::stem(k) + ".png")).string(), b);
  }
  std::filesystem::rename(folder / "masks", folder / "masks_a");
  const dataset data = scan_folder(folder.path(), {.classes = classes});
  auto options = small();
  options.augment = no_augmentation{};
  loader from(data, {0, 1}, options);
  CHECK(from.resident_bytes() == 2 * 16 * 12 * 5);  // one byte for all classes
  const batch both = epoch_of(from, 0).at(0);
  REQUIRE(both.masks.shape() == std::array<std::size_t, 4>{2, 2, 16, 12});
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t k = 0; k < 2; ++k) {
      cv::Mat expected;
      resize_mask(read_mask(data.samples[both.indices[row]].masks[k]), 16, 12).convertTo(expected, CV_32F);
      CHECK(cv::norm(copy_of_plane(both.masks, row, k), expected, cv::NORM_INF) == 0);
    }
  }
}

TEST_CASE("batches depend on seed and epoch alone: not on threads, nor on where the samples stay") {
  const dataset& data = example_data();
  loader expected(data, all_of(data), small());
  const auto mode = GENERATE(feed::in_memory, feed::streamed);
  const int threads = GENERATE(1, 2, 5);
  auto options = small(mode, threads);
  options.ahead = threads;
  loader from(data, all_of(data), options);
  for (const int epoch : {0, 1, 5}) { CHECK(same(epoch_of(from, epoch), epoch_of(expected, epoch))); }
}

TEST_CASE("order and augmentation change with the epoch and the seed") {
  const dataset& data = example_data();
  loader from(data, all_of(data), small());
  const auto first = epoch_of(from, 0);
  CHECK(order_of(epoch_of(from, 1)) != order_of(first));
  CHECK(same(epoch_of(from, 0), first));

  auto options = small();
  options.seed = 4;
  loader other(data, all_of(data), options);
  CHECK(order_of(epoch_of(other, 0)) != order_of(first));

  options.shuffle = false;
  loader unshuffled(data, all_of(data), options);
  const auto straight = epoch_of(unshuffled, 0);
  CHECK(order_of(straight) == all_of(data));
  CHECK_FALSE(same(epoch_of(unshuffled, 1), straight));  // flips differ
}

TEST_CASE("a sample's augmentation does not depend on its place in the epoch") {
  const dataset& data = example_data();
  auto options = small();
  options.shuffle = false;
  options.batch = 1;
  loader forward(data, {4, 8}, options);
  loader backward(data, {8, 4}, options);
  for (int epoch = 0; epoch < 8; ++epoch) {
    CHECK((epoch_of(forward, epoch)[0].images == epoch_of(backward, epoch)[1].images));
  }
}

TEST_CASE("an epoch can be resumed at an exact batch, and given up in the middle") {
  const dataset& data = example_data();
  loader from(data, all_of(data), small(GENERATE(feed::in_memory, feed::streamed), 2));
  const auto whole = epoch_of(from, 3);
  for (int first = 0; first <= 4; ++first) {
    CHECK(same(epoch_of(from, 3, first), {whole.begin() + first, whole.end()}));
  }

  batch b;
  from.start_epoch(1);
  REQUIRE(from.next(b));
  from.start_epoch(2);
  from.start_epoch(3);
  REQUIRE(from.next(b));
  CHECK(same({b}, {whole.front()}));
}

TEST_CASE("next says false before the first epoch and after the end of one") {
  loader from(example_data(), {0, 1}, small());
  batch b;
  CHECK_FALSE(from.next(b));
  epoch_of(from, 0);
  CHECK_FALSE(from.next(b));
}

TEST_CASE("in memory, a sample takes five bytes a pixel; streamed, none") {
  CHECK(loader(example_data(), {0, 3, 3, 4}, small()).resident_bytes() == 3 * 16 * 12 * 5);
  CHECK(loader(example_data(), {0, 3, 4}, small(feed::streamed)).resident_bytes() == 0);
}

namespace {

/// A folder of images of 8 and 16 bits, 120 x 90 and 20 x 100, whose values rise along both axes; foreground is one
/// pixel.
class large_folder : public temporary_folder {
 public:
  large_folder() {
    for (const char* folder : {"images", "masks"}) { std::filesystem::create_directories(path() / folder); }
    for (int k = 0; k < 2; ++k) {
      cv::Mat image(k == 0 ? 90 : 100, k == 0 ? 120 : 20, k == 0 ? CV_16UC1 : CV_8UC1);
      for (int i = 0; i < image.rows; ++i) {
        for (int j = 0; j < image.cols; ++j) {
          if (k == 0) {
            image.at<std::uint16_t>(i, j) = static_cast<std::uint16_t>(300 * i + 301 * j);
          } else {
            image.at<std::uint8_t>(i, j) = static_cast<std::uint8_t>(50 + i + 5 * j);
          }
        }
      }
      cv::Mat mask(image.size(), CV_8UC1, cv::Scalar(0));
      mask.at<std::uint8_t>(80, 15) = 255;
      const std::string name = k == 0 ? "a.png" : "b.png";
      cv::imwrite((path() / "images" / name).string(), image);
      cv::imwrite((path() / "masks" / name).string(), mask);
    }
  }
};

loader_options windows(framing frame) {
  loader_options options{.height = 32, .width = 40, .batch = 2};
  options.shuffle = false;
  options.frame = frame;
  return options;
}

}  // namespace

TEST_CASE("windows: images keep their size; in the middle to validate, black around those that are smaller") {
  const large_folder folder;
  const dataset data = scan_folder(folder.path());
  auto options = windows(framing::centred_window);
  options.mode = GENERATE(feed::in_memory, feed::streamed);
  loader from(data, {0, 1}, options);
  const batch b = epoch_of(from, 3).at(0);
  const cv::Mat a = read_gray(data.samples[0].image)(cv::Rect(40, 29, 40, 32));
  CHECK(cv::norm(copy_of_plane(b.images, 0), a, cv::NORM_INF) == 0);
  cv::Mat padded(32, 40, CV_32FC1, cv::Scalar(0));
  read_gray(data.samples[1].image)(cv::Rect(0, 34, 20, 32)).copyTo(padded(cv::Rect(10, 0, 20, 32)));
  CHECK(cv::norm(copy_of_plane(b.images, 1), padded, cv::NORM_INF) == 0);
}

TEST_CASE("windows: at random places, another in each epoch, with image and mask alike") {
  const large_folder folder;
  const dataset data = scan_folder(folder.path());
  const cv::Mat image = read_gray(data.samples[0].image), mask = read_mask(data.samples[0].masks[0]);
  loader from(data, {0, 1}, windows(framing::random_window));
  std::set<std::pair<int, int>> places;
  int with_foreground = 0;
  for (int epoch = 0; epoch < 60; ++epoch) {
    const batch b = epoch_of(from, epoch).at(0);
    cv::Point begin(-1, -1);  // the image's values tell the place: 300 y + 301 x
    for (int top = 0; top <= 90 - 32; ++top) {
      for (int left = 0; left <= 120 - 40; ++left) {
        if (cv::norm(copy_of_plane(b.images, 0), image(cv::Rect(left, top, 40, 32)), cv::NORM_INF) == 0) {
          begin = {left, top};
        }
      }
    }
    REQUIRE(begin.x >= 0);
    cv::Mat expected;
    mask(cv::Rect(begin.x, begin.y, 40, 32)).convertTo(expected, CV_32F);
    CHECK(cv::norm(copy_of_plane(b.masks, 0), expected, cv::NORM_INF) == 0);
    places.emplace(begin.x, begin.y);
    with_foreground += cv::countNonZero(expected);
    CHECK(same({b}, epoch_of(from, epoch)));
  }
  CHECK(places.size() > 50);
  CHECK(with_foreground < 40);

  auto options = windows(framing::random_window);
  options.foreground = 1;
  loader found(data, {0, 1}, options);
  for (int epoch = 0; epoch < 20; ++epoch) {
    const batch b = epoch_of(found, epoch).at(0);
    for (const std::size_t row : {0U, 1U}) { CHECK(cv::countNonZero(copy_of_plane(b.masks, row)) == 1); }
  }
}

TEST_CASE("windows: what turns a window shows what lies around it in the image") {
  const large_folder folder;
  const dataset data = scan_folder(folder.path());
  auto options = windows(framing::centred_window);
  options.augment = rotate{10};
  loader from(data, {0}, options);
  for (int epoch = 0; epoch < 5; ++epoch) {
    const batch b = epoch_of(from, epoch).at(0);
    const cv::Mat y = copy_of_plane(b.images, 0);  // a plane stays a plane, to its corners
    const float right = (y.at<float>(16, 39) - y.at<float>(16, 0)) / 39,
                down = (y.at<float>(31, 20) - y.at<float>(0, 20)) / 31;
    for (const cv::Point p : {cv::Point(0, 0), cv::Point(39, 0), cv::Point(0, 31), cv::Point(39, 31)}) {
      CHECK(y.at<float>(p) ==
            Approx(y.at<float>(16, 20) + right * static_cast<float>(p.x - 20) + down * static_cast<float>(p.y - 16))
                .margin(3e-4));
    }
  }
}

TEST_CASE("what a loader needs is known before it is made") {
  const large_folder folder;
  const dataset data = scan_folder(folder.path());
  for (const framing frame : {framing::stretch, framing::random_window}) {
    for (const int channels : {1, 3}) {
      auto options = windows(frame);
      options.channels = channels;
      CHECK(memory_needed(options, data).samples == loader(data, {0, 1}, options).resident_bytes());
      CHECK(memory_needed(options, data, {1}).samples == loader(data, {1}, options).resident_bytes());
      const batch b = epoch_of(*std::make_unique<loader>(data, std::vector{0, 1}, options), 0).at(0);
      CHECK(memory_needed(options, data).batches == 3 * (b.images.size() + b.masks.size()) * sizeof(float));
      const auto in_memory = memory_needed(options, data);
      options.mode = feed::streamed;
      CHECK(memory_needed(options, data).samples == 0);
      CHECK(memory_needed(options, data).total() < in_memory.total());
    }
  }
  CHECK(memory_needed(windows(framing::random_window), data).samples == 120 * 90 * 3 + 20 * 100 * 2);
  const dataset unseen = scan_folder(folder.path(), {.decode = false});
  CHECK_NOTHROW(memory_needed(windows(framing::stretch), unseen));
  CHECK_THROWS_WITH(
      memory_needed(windows(framing::random_window), unseen),
      "memory_needed: the size of " + data.samples[0].image.string() + " is not known; scan the folder with decode");
}

TEST_CASE("no more is loaded ahead than was asked for") {
  std::atomic<int> loaded = 0;
  auto options = small(feed::in_memory, 3);
  options.ahead = 2;
  options.augment = [&](const image_and_mask& x, random_generator&) { return ++loaded, x; };
  loader from(example_data(), all_of(example_data()), options);
  from.start_epoch(0);
  for (int wait = 0; wait < 500 && loaded < 8; ++wait) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(loaded == 8);
}

TEST_CASE("a loader may be destroyed at any moment") {
  const dataset& data = example_data();
  const auto mode = GENERATE(feed::in_memory, feed::streamed);
  batch b;
  for (int taken = 0; taken < 4; ++taken) {
    loader from(data, all_of(data), small(mode, 3));
    from.start_epoch(0);
    for (int k = 0; k < taken; ++k) { REQUIRE(from.next(b)); }
  }
}

TEST_CASE("what goes wrong while loading is thrown by next, for the batch that has it, and the epoch goes on") {
  const example_folder folder(8);
  const dataset data = scan_folder(folder.path());
  std::filesystem::remove(folder.image_file(5));
  write_text(folder.mask_file(6), "");
  auto options = small(feed::streamed, GENERATE(1, 3));
  options.shuffle = false;
  options.batch = 2;
  loader from(data, all_of(data), options);
  for (int epoch = 0; epoch < 2; ++epoch) {
    batch b;
    from.start_epoch(epoch);
    CHECK(from.next(b));
    CHECK(from.next(b));
    CHECK_THROWS_WITH(from.next(b), folder.image_file(5).string() + ": no such file");
    CHECK_THROWS_WITH(from.next(b), folder.mask_file(6).string() + ": the file is empty");
    CHECK_FALSE(from.next(b));
  }
}

TEST_CASE("of several failures in a batch its first sample's is thrown") {
  const dataset& data = example_data();
  auto options = small(feed::in_memory, 4);
  options.shuffle = false;
  options.augment = [](const image_and_mask& x, random_generator&) -> image_and_mask {
    throw std::runtime_error(std::to_string(x.image.at<float>(0, 0)));
  };
  loader from(data, {6, 1, 2, 3}, options);
  batch b;
  for (int epoch = 0; epoch < 20; ++epoch) {
    from.start_epoch(epoch);
    const float first = resize_image(read_gray(data.samples[6].image), 16, 12).at<float>(0, 0);
    CHECK_THROWS_WITH(from.next(b), std::to_string(first));
  }
}

TEST_CASE("an augmentation that changes the size is an error") {
  auto options = small();
  options.augment = [](const image_and_mask& x, random_generator&) { return image_and_mask{x.image.t(), x.mask}; };
  loader from(example_data(), {0}, options);
  from.start_epoch(0);
  batch b;
  CHECK_THROWS_WITH(
      from.next(b),
      "loader: the augmentation custom made an image of 16 x 12 pixels, but the network's are 12 x 16; leave out what "
      "crops and pads");
}

TEST_CASE("in memory, all files that are wrong are told in one report before anything is trained") {
  const example_folder folder(6);
  const dataset data = scan_folder(folder.path());
  write_text(folder.image_file(1), "");
  write_text(folder.image_file(4), "no image");
  CHECK(message_of([&] { loader(data, all_of(data), small()); }) ==
        "loader: 2 problems must be solved first\n  " + folder.image_file(1).string() + ": the file is empty\n  " +
            folder.image_file(4).string() + ": is broken or not an image that OpenCV reads (PNG, JPEG, …)");
  CHECK_NOTHROW(loader(data, {0, 2, 3}, small()));
}

TEST_CASE("options and indices that make no sense are errors") {
  const dataset& data = example_data();
  const auto message = [&](const std::vector<int>& indices, auto change) {
    auto options = small();
    change(options);
    return message_of([&] { loader(data, indices, options); });
  };
  const auto nothing = [](loader_options&) {};
  CHECK(message({}, nothing) == "loader: there are no samples to load");
  CHECK(message({0, pairs}, nothing) == "loader: there is no sample 13 in a dataset of 13");
  CHECK(message({-1}, nothing) == "loader: there is no sample -1 in a dataset of 13");
  CHECK(message({0}, [](auto& o) { o.batch = 0; }) == "loader: batch must be at least 1, not 0");
  CHECK(message({0}, [](auto& o) { o.height = -2; }) == "loader: height must be at least 1, not -2");
  CHECK(message({0}, [](auto& o) { o.width = 0; }) == "loader: width must be at least 1, not 0");
  CHECK(message({0}, [](auto& o) { o.channels = 2; }) == "loader: channels must be 1 (gray) or 3 (colour), not 2");
  CHECK(message({0}, [](auto& o) { o.foreground = 2; }) ==
        "loader: foreground must be a probability between 0 and 1, not 2");
  CHECK(message({0}, [](auto& o) { o.ahead = 0; }) == "loader: ahead must be at least 1, not 0");
  CHECK(message({0}, [](auto& o) { o.threads = -1; }) == "loader: threads must not be negative");

  loader from(data, {0, 1}, small());
  CHECK_THROWS_WITH(from.start_epoch(0, 2), "loader: epoch 0 cannot begin with batch 2, an epoch has 1 batches");
  CHECK_THROWS_AS(from.start_epoch(-1), error);

  const dataset without_masks{{{"a", "a.png", {}}}};
  CHECK_THROWS_WITH(loader(without_masks, {0}, small()), "a.png: has no mask to train with");
}

TEST_CASE("a sample that was doubled comes a second time, mirrored, image and mask alike") {
  const example_folder folder(3);
  dataset data = scan_folder(folder.path());
  split parts{{0, 2}, {1}};
  double_by_mirroring(data, parts);
  CHECK(parts.train == std::vector{0, 2, 3, 4});
  CHECK(parts.val == std::vector{1});

  loader_options options{.height = 20, .width = 30, .batch = 4, .shuffle = false};
  options.mode = GENERATE(feed::in_memory, feed::streamed);
  loader from(data, parts.train, options);
  const batch b = epoch_of(from, 0).at(0);
  for (const auto* tensor : {&b.images, &b.masks}) {
    cv::Mat mirrored;
    cv::flip(copy_of_plane(*tensor, 0), mirrored, 1);
    CHECK(cv::norm(copy_of_plane(*tensor, 2), mirrored, cv::NORM_INF) < 1e-6);
    CHECK(cv::norm(copy_of_plane(*tensor, 2), copy_of_plane(*tensor, 0), cv::NORM_INF) > 0.5);
  }
}
