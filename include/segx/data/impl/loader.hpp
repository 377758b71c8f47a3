#pragma once

#include <algorithm>
#include <array>
#include <numeric>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/data/loader.hpp>

namespace segx {

SEGX_IMPL_COLD loader_memory memory_needed(const loader_options& options, const dataset& data,
                                           const std::vector<int>& indices) {
  const auto channels = static_cast<std::size_t>(options.channels);
  const auto frame = static_cast<std::size_t>(options.height) * static_cast<std::size_t>(options.width);
  const std::size_t framed = frame * (channels * sizeof(float) + 1);
  loader_memory need;
  std::size_t largest = 0;
  for (const int index : indices) {
    const sample& s = data.samples.at(index);
    if (options.frame != framing::stretch && s.height == 0) {
      fail({"memory_needed: the size of ", s.image.string(), " is not known; scan the folder with decode"});
    }
    const auto pixels = static_cast<std::size_t>(s.height) * static_cast<std::size_t>(s.width);
    const std::size_t stored = pixels * (channels * static_cast<std::size_t>(s.bytes) + 1);
    largest = std::max(largest, stored + (options.frame == framing::stretch ? pixels * channels * sizeof(float) : 0));
    if (options.mode == feed::in_memory) { need.samples += options.frame == framing::stretch ? framed : stored; }
  }
  const std::size_t loaded = static_cast<std::size_t>(options.batch) * (static_cast<std::size_t>(options.ahead) + 1);
  need.batches = loaded * frame * (channels + data.classes.size()) * sizeof(float);
  need.work = static_cast<std::size_t>(detail::thread_count(options.threads)) * (largest + 3 * framed);
  return need;
}

SEGX_IMPL_COLD loader_memory memory_needed(const loader_options& options, const dataset& data) {
  std::vector<int> all(data.samples.size());
  std::iota(all.begin(), all.end(), 0);
  return memory_needed(options, data, all);
}

SEGX_IMPL_COLD loader::loader(dataset data, std::vector<int> indices, loader_options options)
    : data_(std::move(data)), indices_(std::move(indices)), options_(std::move(options)) {
  require_sound();
  if (options_.mode == feed::in_memory) { load_residents(); }
  slots_.resize(static_cast<std::size_t>(options_.ahead));
  claimed_ = order_.size();
  for (int t = 0; t < detail::thread_count(options_.threads); ++t) {
    workers_.threads.emplace_back([this] { work(); });
  }
}

SEGX_IMPL_COLD loader::workers::~workers() {
  {
    const std::lock_guard lock(of.mutex_);
    of.stops_ = true;
  }
  of.may_claim_.notify_all();
  for (std::thread& thread : threads) { thread.join(); }
}

SEGX_IMPL_COLD std::size_t loader::resident_bytes() const {
  std::size_t bytes = 0;
  for (const image_and_mask& r : residents_) {
    bytes += r.image.total() * r.image.elemSize() + r.mask.total() * r.mask.elemSize();
  }
  return bytes;
}

SEGX_IMPL_COLD void loader::start_epoch(int epoch, int first_batch) {
  if (epoch < 0 || first_batch < 0 || first_batch > batches_per_epoch()) {
    fail({"loader: epoch ", epoch, " cannot begin with batch ", first_batch, ", an epoch has ", batches_per_epoch(),
          " batches"});
  }
  std::unique_lock lock(mutex_);
  claimed_ = order_.size();  // nothing more of the epoch before; wait for what is under way
  progress_.wait(lock, [this] { return busy_ == 0; });
  epoch_ = epoch;
  order_ = indices_;
  if (options_.shuffle) {
    random_generator({options_.seed, purpose_order, static_cast<std::uint64_t>(epoch)}).shuffle(std::span(order_));
  }
  next_batch_ = batches_per_epoch();  // none, and none to claim, if memory is too short for what comes
  claimed_ = order_.size();
  for (int b = first_batch; b < first_batch + options_.ahead; ++b) { prepare(b); }
  next_batch_ = first_batch;
  claimed_ = std::min(order_.size(), static_cast<std::size_t>(first_batch) * options_.batch);
  lock.unlock();
  may_claim_.notify_all();
}

SEGX_IMPL_COLD bool loader::next(batch& b) {
  std::unique_lock lock(mutex_);
  if (order_.empty() || next_batch_ >= batches_per_epoch()) { return false; }
  slot& s = slot_of(next_batch_);
  progress_.wait(lock, [&] { return s.missing == 0; });
  std::swap(b, s.content);
  const std::exception_ptr failure = std::exchange(s.failure, nullptr);
  try {
    prepare(next_batch_ + options_.ahead);
  } catch (...) {  // no memory: the epoch ends here
    next_batch_ = batches_per_epoch();
    claimed_ = order_.size();
    throw;
  }
  ++next_batch_;
  lock.unlock();
  may_claim_.notify_all();
  if (failure) { std::rethrow_exception(failure); }
  return true;
}

SEGX_IMPL_COLD void loader::require_sound() const {
  const auto positive = [](int value, const char* name) {
    if (value < 1) { fail({"loader: ", name, " must be at least 1, not ", value}); }
  };
  positive(options_.height, "height");
  positive(options_.width, "width");
  positive(options_.batch, "batch");
  positive(options_.ahead, "ahead");
  if (options_.channels != 1 && options_.channels != 3) {
    fail({"loader: channels must be 1 (gray) or 3 (colour), not ", options_.channels});
  }
  if (!(options_.foreground >= 0 && options_.foreground <= 1)) {
    fail({"loader: foreground must be a probability between 0 and 1, not ", options_.foreground});
  }
  if (options_.threads < 0) { fail("loader: threads must not be negative"); }
  if (indices_.empty()) { fail("loader: there are no samples to load"); }
  for (const int index : indices_) {
    if (index < 0 || index >= static_cast<int>(data_.samples.size())) {
      fail({"loader: there is no sample ", index, " in a dataset of ", data_.samples.size()});
    }
    if (data_.samples[index].masks.empty()) {
      fail({data_.samples[index].image.string(), ": has no mask to train with"});
    }
  }
}

SEGX_IMPL_COLD image_and_mask loader::read(int index) const {
  const sample& s = data_.samples[index];
  cv::Mat pixels = read_pixels(s.image, options_.channels);
  cv::Mat labels = read_labels(data_, s, options_.mask_threshold);
  if (s.mirrored) {
    cv::flip(pixels, pixels, 1);
    cv::flip(labels, labels, 1);
  }
  if (options_.frame == framing::stretch) {
    return {resize_image(to_unit(pixels), options_.height, options_.width),
            resize_mask(labels, options_.height, options_.width)};
  }
  if (labels.size() != pixels.size()) {
    fail({s.masks[0].string(), ": has ", detail::size_text(labels.size()), " pixels, but its image has ",
          detail::size_text(pixels.size())});
  }
  return {pixels, labels};
}

SEGX_IMPL_COLD void loader::load_residents() {
  std::vector<int> once = indices_;
  std::sort(once.begin(), once.end());
  once.erase(std::unique(once.begin(), once.end()), once.end());
  residents_.resize(data_.samples.size());
  std::vector<std::string> problems(once.size());
  detail::in_threads(static_cast<int>(once.size()), options_.threads, [&](int k) {
    try {
      residents_[once[k]] = read(once[k]);
    } catch (const std::exception& failure) { problems[k] = failure.what(); }
  });
  detail::report("loader", std::move(problems));
}

SEGX_IMPL_COLD void loader::prepare(int batch_number) {
  const std::size_t first = static_cast<std::size_t>(batch_number) * options_.batch;
  if (first >= order_.size()) { return; }
  slot& s = slot_of(batch_number);
  const std::size_t rows = std::min<std::size_t>(options_.batch, order_.size() - first);
  std::array<std::size_t, 4> shape{rows, static_cast<std::size_t>(options_.channels),
                                   static_cast<std::size_t>(options_.height), static_cast<std::size_t>(options_.width)};
  s.content.images.resize(shape);
  shape[1] = data_.classes.size();
  s.content.masks.resize(shape);
  s.content.indices.assign(order_.begin() + static_cast<std::ptrdiff_t>(first),
                           order_.begin() + static_cast<std::ptrdiff_t>(first + rows));
  s.missing = rows;
  s.failure = nullptr;
}

SEGX_IMPL_COLD bool loader::can_claim() const {
  return claimed_ < order_.size() && claimed_ / options_.batch < static_cast<std::size_t>(next_batch_) + options_.ahead;
}

SEGX_IMPL_COLD void loader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    may_claim_.wait(lock, [this] { return stops_ || can_claim(); });
    if (stops_) { return; }
    const std::size_t position = claimed_++;
    const std::size_t row = position % options_.batch;
    slot& s = slot_of(static_cast<int>(position / options_.batch));
    ++busy_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      fill_row(s.content, row);
    } catch (...) { failure = std::current_exception(); }
    lock.lock();
    --busy_;
    if (failure && (!s.failure || row < s.failed_row)) {
      s.failure = failure;
      s.failed_row = row;
    }
    --s.missing;
    if (s.missing == 0 || busy_ == 0) { progress_.notify_all(); }
  }
}

SEGX_IMPL_COLD random_generator loader::generator(std::uint64_t purpose, int index, int epoch) const {
  return random_generator(
      {options_.seed, purpose, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index)});
}

SEGX_IMPL_COLD image_and_mask loader::seen(int index, int epoch) const {
  const image_and_mask x = residents_.empty() ? read(index) : residents_[index];
  random_generator random = generator(purpose_augment, index, epoch);
  return options_.augment(options_.frame == framing::stretch ? lazy_warp(x) : window_of(x, index, epoch), random);
}

SEGX_IMPL_COLD void loader::fill_row(batch& b, std::size_t row) const {
  const image_and_mask y = seen(b.indices[row], epoch_);
  if (y.image.rows != options_.height || y.image.cols != options_.width) {
    fail({"loader: the augmentation ", text_of(options_.augment), " made an image of ",
          detail::size_text(y.image.size()), " pixels, but the network's are ",
          detail::size_text({options_.width, options_.height}), "; leave out what crops and pads"});
  }
  copy_to_image(y.image, options_.normalise, b.images, row);
  copy_to_masks(y.mask, data_.labels, b.masks, row);
}

SEGX_IMPL_COLD lazy_warp loader::window_of(const image_and_mask& x, int index, int epoch) const {
  const cv::Size window(options_.width, options_.height), whole = x.mask.size();
  cv::Point begin((whole.width - window.width) / 2, (whole.height - window.height) / 2);
  if (options_.frame == framing::random_window) {
    random_generator random = generator(purpose_window, index, epoch);
    const cv::Point drawn = detail::draw_foreground_window(detail::window_size(window.height, window.width, whole),
                                                           x.mask, options_.foreground, random);
    if (whole.width > window.width) { begin.x = drawn.x; }
    if (whole.height > window.height) { begin.y = drawn.y; }
  }
  const cv::Point margin(window.width / 4, window.height / 4);
  const cv::Rect seen(begin, window), image({0, 0}, whole);
  const cv::Rect around = cv::Rect(begin - margin, begin + cv::Point(window) + margin) & image;
  lazy_warp framed(image_and_mask{to_unit(x.image(around)), x.mask(around)});
  begin -= around.tl();
  framed.move(detail::translation(-begin.x, -begin.y), window,
              (seen & image) == seen ? border::reflect : border::black);
  return framed;
}

}  // namespace segx
