#include <segx/train/feed_choice.hpp>

#include <catch2/catch.hpp>

#include <segx/data/phantom.hpp>

#include "image/temporary_folder.hpp"

TEST_CASE("images stay in memory where they fit beside the network, with a fifth to spare") {
  const auto mode = [](const char* word, std::int64_t images, std::optional<std::int64_t> available) {
    return segx::choose_feed(word, images, 100, available).mode;
  };
  CHECK(mode("auto", 700, 1000) == segx::feed::in_memory);
  CHECK(mode("auto", 701, 1000) == segx::feed::streamed);
  CHECK(mode("auto", 1, {}) == segx::feed::streamed);
  CHECK(mode("memory", 5000, 1000) == segx::feed::in_memory);
  CHECK(mode("stream", 1, 1000) == segx::feed::streamed);
  CHECK_THROWS_WITH(mode("disk", 1, 1000), Catch::Contains("\"disk\"") && Catch::Contains("auto, memory or stream"));
}

TEST_CASE("the choice says what it takes") {
  CHECK(segx::choose_feed("auto", 2'500'000, 0, 8'000'000'000).text() ==
        "images in memory, 3 MB (8000 MB are available)");
  CHECK(segx::choose_feed("auto", 9'000'000'000, 0, 8'000'000'000).text() ==
        "images read in each epoch; in memory they would take 9000 MB (8000 MB are available)");
}

TEST_CASE("the bytes of images are those that a loader keeps") {
  const temporary_folder folder;
  segx::write_phantoms(folder.path(), 3, 32, 1);
  const segx::loader samples{segx::scan_folder(folder.path()), {0, 1, 2}, {.height = 24, .width = 40}};
  const segx::recipe r{.height = 24, .width = 40};
  CHECK(segx::image_bytes(r, 1, segx::scan_folder(folder.path()), {{0, 1}, {2}}) ==
        static_cast<std::int64_t>(samples.resident_bytes()));
}

TEST_CASE("this machine says how much memory there is") {
  const auto available = segx::available_memory();
  REQUIRE(available);
  CHECK(*available > 10'000'000);
}
