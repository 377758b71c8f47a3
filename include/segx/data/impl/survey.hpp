#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <span>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/data/survey.hpp>

namespace segx {

namespace detail {

/// Channels that differ by no more than compression makes them are gray.
inline bool has_colour(const cv::Mat& stored) {
  if (stored.channels() == 1) { return false; }
  std::vector<cv::Mat> channels;
  cv::split(stored, channels);
  const double white = stored.depth() == CV_8U ? 255 : 65535;
  const double pixels = white * static_cast<double>(stored.total());
  return std::max(cv::norm(channels[0], channels[1], cv::NORM_L1), cv::norm(channels[1], channels[2], cv::NORM_L1)) >
         0.01 * pixels;
}

inline void count_objects(const cv::Mat& labels, image_facts& facts) {
  constexpr int least_area = 4;  // pixels; smaller ones are specks
  cv::Mat numbers, boxes, centres;
  const int count = cv::connectedComponentsWithStats(labels > 0, numbers, boxes, centres, 8);
  std::vector<int> areas;
  for (int k = 1; k < count; ++k) {
    if (const int area = boxes.at<int>(k, cv::CC_STAT_AREA); area >= least_area) { areas.push_back(area); }
  }
  facts.objects = static_cast<int>(areas.size());
  if (areas.empty()) { return; }
  const auto middle = areas.begin() + static_cast<std::ptrdiff_t>(areas.size() / 2);
  std::nth_element(areas.begin(), middle, areas.end());
  facts.object_extent = std::sqrt(static_cast<double>(*middle));
}

inline image_facts facts_of(const dataset& data, const sample& s, std::optional<int> mask_threshold) {
  const cv::Mat stored = decode_file(s.image);
  image_facts facts;
  facts.height = stored.rows;
  facts.width = stored.cols;
  facts.bits = stored.depth() == CV_8U ? 8 : 16;
  facts.colour = has_colour(stored);
  facts.pixels = joined({sha256(std::as_bytes(std::span(stored.data, stored.total() * stored.elemSize()))), " of ",
                         size_text(stored.size()), " ", stored.type()});

  const cv::Mat gray = to_unit(with_channels(stored, 1));
  cv::Scalar mean, deviation;
  cv::minMaxLoc(gray, &facts.darkest, &facts.brightest);
  cv::meanStdDev(gray, mean, deviation);
  facts.mean = mean[0];
  facts.deviation = deviation[0];

  const cv::Mat labels = read_labels(data, s, mask_threshold);
  for (int k = data.labels == label_kind::exclusive ? 1 : 0; k < static_cast<int>(data.classes.size()); ++k) {
    facts.shares.push_back(cv::countNonZero(mask_of_class(labels, data.labels, k)) /
                           static_cast<double>(labels.total()));
  }
  count_objects(labels, facts);
  return facts;
}

/// What is odd about an image by itself.
inline std::vector<std::string> oddities_of(const image_facts& f, const survey& all) {
  std::vector<std::string> found;
  const auto percent = [](double share) { return joined({std::lround(100 * share), " %"}); };
  const auto is_dark = [](const image_facts& x) { return x.mean < 0.04; };
  const auto is_bright = [](const image_facts& x) { return x.mean > 0.96; };
  const auto is_rare = [&](auto is) { return all.mean([&](const image_facts& x) { return is(x) ? 1.0 : 0.0; }) < 0.1; };
  if (f.brightest - f.darkest < 0.02) {
    found.push_back(joined({"constant: all values within ", percent(0.02), " of white"}));
  } else if (is_dark(f) && is_rare(is_dark)) {
    found.push_back(joined({"very dark: mean ", percent(f.mean), " of white"}));
  } else if (is_bright(f) && is_rare(is_bright)) {
    found.push_back(joined({"very bright: mean ", percent(f.mean), " of white"}));
  }
  const double aspect = all.median([](const image_facts& x) { return std::log(x.aspect()); });
  if (std::abs(std::log(f.aspect()) - aspect) > std::log(1.5)) {
    found.push_back(joined({"of another shape than most: ", size_text({f.width, f.height})}));
  }
  for (std::size_t k = 0; k < f.shares.size(); ++k) {
    const std::string mask = all.classes.size() == 1 ? "its mask" : joined({"its mask of ", all.classes[k]});
    if (f.shares[k] == 0) { found.push_back(joined({mask, " is empty"})); }
    if (f.shares[k] == 1) { found.push_back(joined({mask, " is the whole image"})); }
  }
  return found;
}

}  // namespace detail

SEGX_IMPL std::vector<odd_image> odd_images(const dataset& data, const survey& s) {
  std::vector<odd_image> odd;
  std::map<std::string, int> first_with;
  for (int index = 0; index < static_cast<int>(s.images.size()); ++index) {
    const image_facts& facts = s.images[static_cast<std::size_t>(index)];
    for (std::string& why : detail::oddities_of(facts, s)) { odd.push_back({index, std::move(why)}); }
    const auto [first, is_new] = first_with.emplace(facts.pixels, index);
    if (!is_new) { odd.push_back({index, joined({"the same pixels as ", data.samples[first->second].stem})}); }
  }
  return odd;
}

SEGX_IMPL survey survey_of(const dataset& data, std::optional<int> mask_threshold, int threads) {
  survey result;
  result.labels = data.labels;
  result.classes = data.classes;
  if (data.labels == label_kind::exclusive) { result.classes.erase(result.classes.begin()); }
  result.images.resize(data.samples.size());
  std::vector<std::string> problems(data.samples.size());
  detail::in_threads(static_cast<int>(data.samples.size()), threads, [&](int k) {
    try {
      result.images[k] = detail::facts_of(data, data.samples[k], mask_threshold);
    } catch (const std::exception& failure) { problems[k] = failure.what(); }
  });
  detail::report("survey", std::move(problems));
  if (result.images.empty()) { fail("survey: there are no images"); }
  result.odd = odd_images(data, result);
  return result;
}

}  // namespace segx
