#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <utility>
#include <vector>

#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/train/progress.hpp>

namespace segx {

SEGX_IMPL_COLD std::string clock_text(double seconds) {
  const long s = std::lround(std::clamp(seconds, 0.0, 1e9));
  char text[32];
  if (s < 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  }
  return text;
}

SEGX_IMPL_COLD std::string summary_line(const epoch_record& r, int epochs, bool is_best) {
  char text[200];
  std::snprintf(text, sizeof text,
                "epoch %d/%d  %s  train loss %.4f iou %.4f  val loss %.4f iou %.4f dice %.4f  %.1f images/s%s", r.epoch,
                epochs, clock_text(r.seconds).c_str(), r.train_loss, r.train_iou, r.val_loss, r.val_iou_mean,
                r.val_dice_mean, r.images_per_second, is_best ? "  best" : "");
  return text;
}

namespace detail {

SEGX_IMPL_COLD int text_columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

SEGX_IMPL_COLD std::string bar_text(double share, int cells) {
  static constexpr std::array<const char*, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int filled = static_cast<int>(share * cells * 8);
  std::string bar = "▕";
  for (int k = 0; k < filled / 8; ++k) { bar += "█"; }
  bar += eighths[filled % 8];
  bar.append(cells - (filled + 7) / 8, ' ');
  return joined({bar, "▏"});
}

inline std::string formatted(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace detail

SEGX_IMPL_COLD std::string progress_line(const progress_state& state, int width, bool bar) {
  constexpr int most_cells = 30, least_cells = 6;
  const double share = state.images > 0 ? std::clamp(double(state.done) / double(state.images), 0.0, 1.0) : 0.0;
  const std::string head = joined({"epoch ", state.epoch, "/", state.epochs});
  const std::string percent =
      detail::formatted("%3.0f %%", std::floor(100 * share)) + (state.validating ? " validated" : "");

  struct word {
    std::string text;
    int importance;  // 0 goes first
  };
  std::vector<word> words;
  const auto add = [&](double value, const char* format, int importance) {
    if (!std::isnan(value)) { words.push_back({detail::formatted(format, value), importance}); }
  };
  add(state.loss, "  loss %.4f", 4);
  add(state.iou, "  iou %.3f", 3);
  add(state.images_per_second, state.images_per_second < 10 ? "  %.2f images/s" : "  %.1f images/s", 1);
  if (!std::isnan(state.seconds_left)) {
    words.push_back({joined({"  ", clock_text(state.seconds_left), " left"}), 2});
  }
  if (!std::isnan(state.run_seconds_left)) {
    words.push_back({joined({" (run ", clock_text(state.run_seconds_left), ")"}), 0});
  }

  const auto fields = [&] {
    std::string text = percent;
    for (const word& w : words) { text += w.text; }
    return text;
  };
  if (!bar) { return joined({head, " ", fields()}); }
  constexpr int walls_and_gaps = 4;
  const auto cells = [&] {
    return width - detail::text_columns(head) - detail::text_columns(fields()) - walls_and_gaps;
  };
  while (cells() < least_cells && !words.empty()) {
    words.erase(std::ranges::min_element(words, {}, &word::importance));
  }
  if (cells() >= least_cells) {
    return joined({head, " ", detail::bar_text(share, std::min(cells(), most_cells)), " ", fields()});
  }
  return joined({head, " ", percent}).substr(0, std::max(width, 0));  // ASCII
}

/// Columns of the terminal behind a file descriptor; 80 if it does not say.
inline int terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

SEGX_IMPL_COLD progress::progress(std::ostream& out, bool terminal, std::function<int()> width, clock now)
    : out_(&out),
      terminal_(terminal),
      width_(std::move(width)),
      now_(std::move(now)),
      next_draw_(now_() + (terminal ? 0 : seconds_between_lines)) {}

SEGX_IMPL_COLD progress::progress()
    : progress(std::cerr, isatty(STDERR_FILENO) == 1, [] { return terminal_width(STDERR_FILENO); }) {}

SEGX_IMPL_COLD progress::~progress() {
  if (drawn_) { *out_ << '\n' << std::flush; }
}

SEGX_IMPL_COLD void progress::begin_epoch(int epoch, int epochs, long images) {
  epoch_start_ = now_();
  begin(epoch, epochs, images, false);
}

SEGX_IMPL_COLD void progress::update(long done, double loss, double iou) {
  const double now = now_();
  measure_rate(done, now);
  state_.done = done;
  state_.loss = loss;
  state_.iou = iou;
  state_.seconds_left = double(state_.images - done) / state_.images_per_second;
  const double whole_epoch = std::isnan(epoch_seconds_) ? now - epoch_start_ + state_.seconds_left : epoch_seconds_;
  state_.run_seconds_left = state_.seconds_left + (state_.epochs - state_.epoch) * whole_epoch;
  draw(now);
}

SEGX_IMPL_COLD void progress::end_epoch(std::string_view summary) {
  const double seconds = now_() - epoch_start_;
  epoch_seconds_ = std::isnan(epoch_seconds_) ? seconds : 0.5 * (epoch_seconds_ + seconds);
  note(summary);
}

SEGX_IMPL_COLD void progress::note(std::string_view line) {
  *out_ << joined({drawn_ ? clear_line : "", line, '\n'}) << std::flush;
  drawn_ = false;
  if (terminal_) { next_draw_ = now_(); }
}

SEGX_IMPL_COLD double progress::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

SEGX_IMPL_COLD void progress::begin(int epoch, int epochs, long images, bool validating) {
  state_ = {.epoch = epoch, .epochs = epochs, .validating = validating, .images = images};
  last_update_ = now_();
}

SEGX_IMPL_COLD void progress::measure_rate(long done, double now) {
  const double seconds = now - last_update_;
  if (done <= state_.done || seconds <= 0) { return; }
  const double rate = double(done - state_.done) / seconds;
  const double before = std::isnan(state_.images_per_second) ? rate : state_.images_per_second;
  state_.images_per_second = rate + std::exp(-seconds / rate_memory) * (before - rate);
  last_update_ = now;
}

SEGX_IMPL_COLD void progress::draw(double now) {
  const bool last = terminal_ && state_.done >= state_.images;
  if (now < next_draw_ && !last) { return; }
  // One write, so that nothing flickers; one column less than there is, since writing to the last one would wrap.
  if (terminal_) {
    *out_ << joined({'\r', progress_line(state_, width_() - 1), "\x1b[K"}) << std::flush;
  } else {
    *out_ << progress_line(state_, 0, false) + '\n' << std::flush;
  }
  drawn_ = terminal_;
  next_draw_ = now + (terminal_ ? seconds_between_frames : seconds_between_lines);
}

}  // namespace segx
