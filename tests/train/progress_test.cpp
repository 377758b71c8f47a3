#include <segx/train/progress.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <string>

namespace {

const double unknown = segx::progress_state::unknown;

segx::progress_state example() {
  return {.epoch = 3,
          .epochs = 40,
          .validating = false,
          .done = 62,
          .images = 100,
          .loss = 0.21341,
          .iou = 0.8719,
          .images_per_second = 41.23,
          .seconds_left = 41,
          .run_seconds_left = 723};
}

/// Progress on a text, with a clock that tests set.
struct stage {
  std::ostringstream out;
  double now = 1000;
  segx::progress progress;

  explicit stage(bool terminal, int width = 120)
      : progress(
            out, terminal, [width] { return width; }, [this] { return now; }) {}

  std::string take() {
    std::string text = out.str();
    out.str("");
    return text;
  }
};

int count(const std::string& text, char c) { return static_cast<int>(std::count(text.begin(), text.end(), c)); }

}  // namespace

TEST_CASE("times read like clocks") {
  CHECK(segx::clock_text(0) == "0:00");
  CHECK(segx::clock_text(41.4) == "0:41");
  CHECK(segx::clock_text(59.6) == "1:00");
  CHECK(segx::clock_text(723) == "12:03");
  CHECK(segx::clock_text(3599.7) == "1:00:00");
  CHECK(segx::clock_text(100 * 3600 + 61) == "100:01:01");
  CHECK(segx::clock_text(-5) == "0:00");
  CHECK(segx::clock_text(INFINITY).size() < 20);
}

TEST_CASE("a progress line fits its width, the least important words going first") {
  const auto line = [](int width) { return segx::progress_line(example(), width); };
  CHECK(line(110) ==
        "epoch 3/40 ▕█████████████████▉           ▏  62 %  loss 0.2134  iou 0.872  41.2 images/s  0:41 left (run "
        "12:03)");
  CHECK(line(90) == "epoch 3/40 ▕█████▌   ▏  62 %  loss 0.2134  iou 0.872  41.2 images/s  0:41 left (run 12:03)");
  CHECK(line(80) == "epoch 3/40 ▕██████▊    ▏  62 %  loss 0.2134  iou 0.872  41.2 images/s  0:41 left");
  CHECK(line(60) == "epoch 3/40 ▕███▋  ▏  62 %  loss 0.2134  iou 0.872  0:41 left");
  CHECK(line(26) == "epoch 3/40 ▕████▎  ▏  62 %");
  CHECK(line(20) == "epoch 3/40  62 %");
  CHECK(line(5) == "epoch");
  CHECK(line(0).empty());
  for (int width = 0; width < 200; ++width) { REQUIRE(segx::detail::text_columns(line(width)) <= width); }
}

TEST_CASE("a progress line leaves out what is not known") {
  segx::progress_state state;
  state.images = 8;
  CHECK(segx::progress_line(state, 30) == "epoch 1/1 ▕            ▏   0 %");
  state.done = 8;
  state.iou = 1;
  state.validating = true;
  CHECK(segx::progress_line(state, 50) == "epoch 1/1 ▕███████████▏ 100 % validated  iou 1.000");
  state.images = 0;
  CHECK(segx::progress_line(state, 0, false) == "epoch 1/1   0 % validated  iou 1.000");
}

TEST_CASE("a file gets words only") {
  CHECK(segx::progress_line(example(), 0, false) ==
        "epoch 3/40  62 %  loss 0.2134  iou 0.872  41.2 images/s  0:41 left (run 12:03)");
}

TEST_CASE("the bar fills evenly") {
  for (int done = 0; done <= 80; ++done) {
    const std::string bar = segx::detail::bar_text(done / 80.0, 10);
    REQUIRE(segx::detail::text_columns(bar) == 12);
    REQUIRE(count(bar, ' ') == 10 - (done + 7) / 8);
  }
}

TEST_CASE("a terminal's line is redrawn ten times a second, and at the end of the epoch") {
  stage s(true);
  s.progress.begin_epoch(1, 2, 1000);
  for (int done = 1; done <= 999; ++done) {
    s.now += 0.001;
    s.progress.update(done, 0.5, 0.9);
  }
  CHECK(count(s.take(), '\r') == 10);
  s.now += 0.001;
  s.progress.update(1000, 0.5, 0.9);
  const std::string last = s.take();
  CHECK(count(last, '\r') == 1);
  CHECK_THAT(last, Catch::Matchers::Contains("100 %") && Catch::Matchers::EndsWith("\x1b[K"));
  CHECK(count(last, '\n') == 0);
  s.progress.end_epoch("epoch 1 done");
  CHECK(s.take() == "\r\x1b[Kepoch 1 done\n");
}

TEST_CASE("a line on a terminal leaves its last column empty") {
  stage s(true, 90);
  s.progress.begin_epoch(1, 1, 10);
  s.now += 1;
  s.progress.update(5, 0.5, 0.9);
  std::string line = s.take();
  line = line.substr(1, line.size() - 4);
  CHECK(segx::detail::text_columns(line) <= 89);
}

TEST_CASE("a file gets a line every half minute and each summary, no control characters") {
  stage s(false);
  s.progress.begin_epoch(1, 1, 1000);
  for (int done = 1; done <= 1000; ++done) {
    s.now += 0.1;
    s.progress.update(done, 0.5, 0.9);
  }
  s.progress.end_epoch("epoch 1 done");
  const std::string text = s.take();
  CHECK(count(text, '\n') == 3 + 1);
  CHECK(count(text, '\r') == 0);
  CHECK(count(text, '\x1b') == 0);
  CHECK_THAT(text, Catch::Matchers::StartsWith("epoch 1/1  30 %  loss 0.5000  iou 0.900  10.0 images/s  1:10 left"));
}

TEST_CASE("the rate follows a change of speed and the time left follows the rate") {
  stage s(true, 200);
  s.progress.begin_epoch(1, 1, 10000);
  int done = 0;
  for (int k = 0; k < 100; ++k) {
    s.now += 0.2;
    s.progress.update(done += 4, unknown, unknown);
  }
  CHECK_THAT(s.take(), Catch::Matchers::EndsWith("  20.0 images/s  8:00 left (run 8:00)\x1b[K"));
  s.now += 0.2;
  s.progress.update(done += 8, unknown, unknown);  // one quick batch does not make the number jump
  CHECK_THAT(s.take(), Catch::Matchers::Contains("  20.8 images/s"));
  for (int k = 0; k < 200; ++k) {
    s.now += 0.2;
    s.progress.update(done += 8, unknown, unknown);
  }
  CHECK_THAT(s.take(), Catch::Matchers::Contains("  40.0 images/s"));
}

TEST_CASE("the run's time left counts whole epochs, validation included") {
  stage s(true, 200);
  s.progress.begin_epoch(1, 3, 100);
  s.now += 10;
  s.progress.update(100, unknown, unknown);
  CHECK_THAT(s.take(), Catch::Matchers::Contains("0:00 left (run 0:20)"));
  s.progress.begin_validation(50);
  s.now += 2;
  s.progress.update(25, unknown, unknown);  // 2 s more of this epoch, then two epochs of 14 s
  CHECK_THAT(s.take(), Catch::Matchers::Contains("validated  12.5 images/s  0:02 left (run 0:30)"));
  s.now += 2;
  s.progress.end_epoch("");
  s.take();
  s.progress.begin_epoch(2, 3, 100);
  s.now += 5;
  s.progress.update(50, unknown, unknown);
  CHECK_THAT(s.take(), Catch::Matchers::Contains("0:05 left (run 0:19)"));
}

TEST_CASE("progress that ends early leaves the prompt on a line of its own") {
  std::ostringstream out;
  {
    segx::progress progress(out, true, 80);
    progress.begin_epoch(1, 1, 10);
    progress.update(5, 0.5, 0.9);
  }
  CHECK_THAT(out.str(), Catch::Matchers::EndsWith("\x1b[K\n"));
  out.str("");
  { segx::progress unused(out, true, 80); }
  CHECK(out.str().empty());
}

TEST_CASE("a note stands above the progress") {
  stage s(true);
  s.progress.note("resumed after epoch 4");
  CHECK(s.take() == "resumed after epoch 4\n");
  s.progress.begin_epoch(5, 9, 10);
  s.now += 1;
  s.progress.update(1, 0.5, 0.9);
  s.take();
  s.progress.note("saved");
  CHECK(s.take() == "\r\x1b[Ksaved\n");
  s.progress.update(2, 0.5, 0.9);
  CHECK_FALSE(s.take().empty());
}
