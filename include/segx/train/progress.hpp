#pragma once

#include <functional>
#include <iosfwd>
#include <limits>
#include <string>
#include <string_view>

#include <segx/train/log.hpp>

namespace segx {

/// What a progress line shows. NaN stands for "not known yet" and is left out.
struct progress_state {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  int epoch = 1;  ///< of `epochs`, counts from 1
  int epochs = 1;
  bool validating = false;
  long done = 0;  ///< images of `images`
  long images = 0;
  double loss = unknown;
  double iou = unknown;
  double images_per_second = unknown;
  double seconds_left = unknown;      ///< of this epoch's training, or of its validation
  double run_seconds_left = unknown;  ///< of all epochs
};

/// 41 -> "0:41", 4230 -> "1:10:30".
std::string clock_text(double seconds);

/// What is left standing of an epoch: "epoch 3/40  0:41  train loss 0.2134 iou 0.8720  val loss …".
std::string summary_line(const epoch_record& record, int epochs, bool is_best);

namespace detail {

/// Columns of a terminal that UTF-8 text takes, where each character takes one.
int text_columns(std::string_view text);

/// A bar `cells` wide between two thin walls, filled to eighths of a cell.
std::string bar_text(double share, int cells);

}  // namespace detail

/// One line of at most `width` columns:
///
///   epoch 3/40 ▕██████▌   ▏  62 %  loss 0.2134  iou 0.872  41.2 images/s  0:41 left (run 12:03)
///
/// The bar takes the room that the rest leaves. When room is short, words go in the order run, images/s, time left,
/// iou, loss, and the bar stays as long as it has six cells. `bar` = false is for files: no bar, and `width` does not
/// matter.
std::string progress_line(const progress_state& state, int width, bool bar = true);

/// Shows a training as it goes: on a terminal one line that is redrawn at most ten times a second; elsewhere (a file, a
/// pipe) a line every half minute. Not thread-safe.
class progress {
 public:
  /// Seconds since any fixed moment.
  using clock = std::function<double()>;

  /// On any stream. `width` is asked at each drawing, since people resize their terminals; `now` is there for tests.
  progress(std::ostream& out, bool terminal, std::function<int()> width, clock now = steady_seconds);
  progress(std::ostream& out, bool terminal, int width) : progress(out, terminal, [width] { return width; }) {}

  /// On standard error, where it is seen when standard output is piped.
  progress();

  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Leaves the last state of an unfinished epoch on a line of its own.
  ~progress();

  /// Starts the training part of an epoch.
  void begin_epoch(int epoch, int epochs, long images);

  /// Starts the validation part of the epoch.
  void begin_validation(long images) { begin(state_.epoch, state_.epochs, images, true); }

  /// `done` images of the part are through; loss and IoU are the means so far, or NaN.
  void update(long done, double loss, double iou);

  /// Ends the epoch and writes a line that stays.
  void end_epoch(std::string_view summary);

  /// Writes a line that stays; the next update draws the progress below it.
  void note(std::string_view line);

 private:
  static constexpr const char* clear_line = "\r\x1b[K";
  static constexpr double seconds_between_frames = 0.1;
  static constexpr double seconds_between_lines = 30;
  static constexpr double rate_memory = 5;  // seconds: the rate shown is a mean over about so long

  static double steady_seconds();

  void begin(int epoch, int epochs, long images, bool validating);

  /// An exponential moving average over time, so that it does not matter how often update() is called.
  void measure_rate(long done, double now);

  void draw(double now);

  std::ostream* out_;
  bool terminal_;
  std::function<int()> width_;
  clock now_;
  progress_state state_;
  bool drawn_ = false;  // an unfinished line stands on the terminal
  double next_draw_;
  double epoch_start_ = 0;
  double last_update_ = 0;
  double epoch_seconds_ = progress_state::unknown;  // of a whole epoch, validation included
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/progress.hpp>
#endif
