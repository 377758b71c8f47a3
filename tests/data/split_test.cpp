#include <segx/data/split.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "temporary_folder.hpp"

using segx::expect_split;
using segx::split_by_fraction;
using segx::split_by_list;

namespace {

segx::dataset named(std::initializer_list<const char*> stems) {
  segx::dataset data;
  for (const char* stem : stems) { data.samples.push_back({stem, {}, {}}); }
  return data;
}

}  // namespace

TEST_CASE("split_by_fraction: every index once, sorted, the seed decides") {
  const auto parts = split_by_fraction(101, 0.2, 7);
  CHECK(parts.val.size() == 20);
  CHECK(std::is_sorted(parts.train.begin(), parts.train.end()));
  CHECK(std::is_sorted(parts.val.begin(), parts.val.end()));
  std::vector<int> all = parts.train, expected(101);
  all.insert(all.end(), parts.val.begin(), parts.val.end());
  std::sort(all.begin(), all.end());
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(all == expected);
  CHECK(split_by_fraction(101, 0.2, 7).val == parts.val);
  CHECK(split_by_fraction(101, 0.2, 8).val != parts.val);
}

TEST_CASE("split_by_fraction is the same on every machine") {
  CHECK(split_by_fraction(10, 0.3, 1).val == std::vector<int>{1, 2, 4});
}

TEST_CASE("split_by_fraction leaves no side empty") {
  CHECK(split_by_fraction(2, 0.5, 1).val.size() == 1);
  for (const double fraction : {0.0, 1.0, -0.2, 1.5, 0.01, 0.99, std::nan("")}) {
    CHECK_THROWS_AS(split_by_fraction(10, fraction, 1), segx::error);
  }
  const std::string two = "a training needs two images at least, one to train on and one to validate; there ";
  CHECK_THROWS_WITH(split_by_fraction(0, 0.5, 1), two + "are none");
  CHECK_THROWS_WITH(split_by_fraction(named({"a"}), 0.5, 1), two + "is only one");
  CHECK_THROWS_WITH(split_by_fraction(named({"a", "b", "c"}), 0.1, 1),
                    "a validation fraction of 0.1 leaves one side of 3 samples empty; give one between 0 and 1 that "
                    "leaves at least one on each side");
}

TEST_CASE("split_by_list: blanks, line ends and repetitions do not matter") {
  const temporary_folder folder;
  const auto data = named({"a", "b c", "d", "e"});
  write_text(folder / "val.txt", "d\r\n\n  b c \t\nd");
  const auto parts = split_by_list(data, folder / "val.txt");
  CHECK(parts.val == std::vector{1, 2});
  CHECK(parts.train == std::vector{0, 3});
}

TEST_CASE("split_by_list: a byte order mark is none of the first stem, and blanks may be of one") {
  const temporary_folder folder;
  const auto data = named({"a", "b ", "c"});
  write_text(folder / "val.txt",
             "\xEF\xBB\xBF"
             "a\r\nb \r\n");
  CHECK(split_by_list(data, folder / "val.txt").val == std::vector{0, 1});
}

TEST_CASE("split_by_list: unknown stems, empty sides and a missing file are errors") {
  const temporary_folder folder;
  const auto data = named({"a", "b"});
  const auto list = folder / "val.txt";
  const auto message = [&](const char* text) {
    write_text(list, text);
    return message_of([&] { split_by_list(data, list); });
  };
  CHECK(message("a\nx\ny.png\n") == list.string() +
                                        ": 2 problems must be solved first\n  x: no sample has this stem\n  y.png: no "
                                        "sample has this stem");
  CHECK(message("\n \n") == list.string() + ": lists no stems");
  CHECK(message("a\nb\n") == list.string() + ": lists all samples, so nothing is left to train on");
  CHECK(message_of([&] { split_by_list(data, folder / "none.txt"); }) ==
        (folder / "none.txt").string() + ": cannot be opened, expected a list of stems, one a line");
}

TEST_CASE("a list may name all samples where nothing is trained") {
  const temporary_folder folder;
  write_text(folder / "all.txt", "b\na\n");
  CHECK(segx::samples_in_list(named({"a", "b"}), folder / "all.txt") == std::vector{0, 1});
}

TEST_CASE("a split is of samples that there are, each on one side") {
  const auto data = named({"a", "b", "c"});
  const auto message = [&](const segx::split& parts) { return message_of([&] { expect_split(parts, data); }); };
  CHECK_NOTHROW(expect_split({{0, 2}, {1}}, data));
  CHECK(message({{0, 1}, {}}) == "a split without samples for validation");
  CHECK(message({{}, {0}}) == "a split without samples for training");
  CHECK(message({{0, 3}, {1}}) == "a split names sample 3 for training, but there are 3");
  CHECK(message({{0, 1}, {2, 1}}) == "a split has the sample \"b\" twice, for training and for validation");
  CHECK(message({{0, 0}, {1}}) == "a split has the sample \"a\" twice, for training and for training");
}
