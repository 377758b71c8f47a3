#include <segx/train/feed_choice.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <segx/data/phantom.hpp>

#include "temporary_folder.hpp"

TEST_CASE("images stay in memory where they fit beside the network, with a fifth to spare") {
  const auto mode = [](const char* word, std::int64_t images, std::optional<std::int64_t> available) {
    return segx::choose_feed(word, {images - 50, 50}, 100, available).mode;
  };
  CHECK(mode("auto", 700, 1000) == segx::feed::in_memory);
  CHECK(mode("auto", 701, 1000) == segx::feed::streamed);
  CHECK(mode("auto", 1, {}) == segx::feed::streamed);
  CHECK(mode("memory", 5000, 1000) == segx::feed::in_memory);
  CHECK(mode("stream", 1, 1000) == segx::feed::streamed);
  CHECK_THROWS_WITH(mode("disk", 1, 1000), Catch::Contains("\"disk\"") && Catch::Contains("auto, memory or stream"));
}

TEST_CASE("a training that takes more than there is does not fit, however it is fed") {
  const auto fits = [](const char* word, std::int64_t others, std::optional<std::int64_t> available) {
    return segx::choose_feed(word, {.images = 100, .loading = 10}, others, available).fits();
  };
  CHECK(fits("memory", 90, 200));
  CHECK_FALSE(fits("memory", 91, 200));
  CHECK(fits("stream", 190, 200));
  CHECK_FALSE(fits("stream", 191, 200));
  CHECK(fits("memory", 1000, std::nullopt));
}

TEST_CASE("the choice says what it takes") {
  CHECK(segx::choose_feed("auto", {2'500'000, 1'000'000}, 0, 8'000'000'000).text() ==
        "images in memory, 3 MB, and 1 MB to load batches (8000 MB are available)");
  CHECK(segx::choose_feed("auto", {9'000'000'000, 20'000'000}, 0, 8'000'000'000).text() ==
        "images read in each epoch, 20 MB to load batches; in memory they would take 9000 MB more (8000 MB are "
        "available)");
}

TEST_CASE("the bytes of images are those that a loader keeps") {
  const temporary_folder folder;
  segx::write_phantoms(folder.path(), 3, 32, 1);
  const segx::loader samples{segx::scan_folder(folder.path()), {0, 1, 2}, {.height = 24, .width = 40}};
  const segx::recipe r{.height = 24, .width = 40};
  const segx::dataset data = segx::scan_folder(folder.path());
  const segx::feed_bytes one = segx::bytes_to_feed(r, 1, 1, data, {{0, 1}, {2}});
  CHECK(one.images == static_cast<std::int64_t>(samples.resident_bytes()));
  CHECK(segx::bytes_to_feed(r, 1, 3, data, {{0, 1}, {2}}).loading > one.loading);
}

TEST_CASE("memory is what the narrowest of the control groups leaves") {
  const temporary_folder folder;
  const auto write = [&](const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories((folder.path() / file).parent_path());
    std::ofstream{folder.path() / file} << text;
  };
  write("list", "1:name=systemd:/elsewhere\n0::/jobs/mine\n");
  write("root/memory.max", "max\n");
  write("root/jobs/memory.max", "1000\n");
  write("root/jobs/memory.current", "400\n");
  write("root/jobs/memory.stat", "anon 100\ninactive_file 300\nactive_file 0\n");
  const auto left = [&] {
    return segx::detail::left_by_control_groups(folder.path() / "root", folder.path() / "list");
  };
  CHECK(left() == 900);
  write("root/jobs/mine/memory.max", "500\n");
  write("root/jobs/mine/memory.current", "200\n");
  CHECK(left() == 300);
  write("root/jobs/mine/memory.current", "600\n");
  CHECK(left() == 0);
  write("list", "0::/\n");
  CHECK_FALSE(left());
}

TEST_CASE("this machine says how much memory there is") {
  const auto available = segx::available_memory();
  REQUIRE(available);
  CHECK(*available > 10'000'000);
}
