#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/train/classes.hpp>
#include <segx/train/recommend.hpp>

namespace segx {

namespace detail::planning {

inline std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, share < 0.0995 ? "%.1f %%" : "%.0f %%", 100 * share);
  return text;
}

inline std::string rounded(double value) { return std::to_string(std::lround(value)); }

inline int multiple_of_32(double extent) { return 32 * std::max(1, static_cast<int>(std::lround(extent / 32))); }

/// What most rules ask about.
struct traits {
  double height, width;  // medians, pixels
  double objects;        // in an image; median
  double share;          // mean share of the rarest class, over the images that have it
  std::string rarest;
  double mean, deviation;
  double room;  // of an image's values: the least of their deviation, mean and mean's distance from white; median
  double with_colour;  // share of the images
  bool is_sided;       // a class is left or right
  int train;           // images

  /// Where whole objects are small, and many, what they are in has no up and down: cells, grains.
  bool has_many_objects() const { return objects >= 8; }

  /// Values that the usual changes of brightness would push out of [0,1], or that noise would drown.
  bool has_little_room() const { return room < 0.1; }
};

inline survey with_objects(survey s) {
  std::erase_if(s.images, [](const image_facts& f) { return f.objects == 0; });
  if (s.images.empty()) { fail("all masks are empty, so there is nothing to learn"); }
  return s;
}

inline traits traits_of(const survey& s, int train) {
  traits t{};
  t.train = train;
  t.height = s.median([](const image_facts& f) { return f.height; });
  t.width = s.median([](const image_facts& f) { return f.width; });
  t.mean = s.mean([](const image_facts& f) { return f.mean; });
  const double squares = s.mean([](const image_facts& f) { return f.deviation * f.deviation + f.mean * f.mean; });
  t.deviation = std::sqrt(std::max(0.0, squares - t.mean * t.mean));  // of all pixels, images counting alike
  t.room = s.median([](const image_facts& f) { return std::min({f.deviation, f.mean, 1 - f.mean}); });
  t.with_colour = s.mean([](const image_facts& f) { return f.colour ? 1.0 : 0.0; });
  t.objects = with_objects(s).median([](const image_facts& f) { return f.objects; });
  t.is_sided = names_sides(s.classes);
  t.share = 1;
  for (std::size_t k = 0; k < s.classes.size(); ++k) {
    double sum = 0, images = 0;
    for (const image_facts& f : s.images) {
      sum += f.shares[k];
      images += f.shares[k] > 0 ? 1 : 0;
    }
    const double share = images > 0 ? sum / images : 0;
    if (share < t.share) {
      t.share = share;
      t.rarest = s.classes[k];
    }
  }
  return t;
}

/// Pixels of the side of a square that has as many as the network's images.
inline constexpr double usual_side = 256;
/// A network finds what is at least so many pixels large in its images.
inline constexpr double least_extent = 16;

inline double area_of(const image_facts& f) { return static_cast<double>(f.height) * f.width; }

/// Of the side of an object where an image is resized to the usual size; images that are smaller already stay so.
inline double extent_when_resized(const image_facts& f) {
  return f.object_extent * std::min(1.0, usual_side / std::sqrt(area_of(f)));
}

inline choice choose_size(const traits& t, const survey& s, recipe& r) {
  const double side = std::sqrt(t.height * t.width);
  const double lost = s.mean([](const image_facts& f) {
    const bool shrinks = area_of(f) > 1.2 * usual_side * usual_side;
    return f.objects > 0 && shrinks && extent_when_resized(f) < least_extent ? 1.0 : 0.0;
  });
  if (lost > 0.1) {
    r.framing = "window";
    const double extent = std::min(t.height, t.width);
    r.height = r.width = static_cast<int>(std::min(usual_side, std::max(32.0, 32 * std::floor(extent / 32))));
    return {"framing", "window",
            joined({"in ", percent(lost), " of the images objects would shrink below ", rounded(least_extent),
                    " pixels: parts of the images as they are"})};
  }
  const double aspect = std::sqrt(t.width / t.height), square = std::min(side, usual_side);
  r.framing = "stretch";
  r.height = multiple_of_32(square / aspect);
  r.width = multiple_of_32(square * aspect);
  return {"framing", "stretch",
          joined({"objects still have ", rounded(with_objects(s).median(extent_when_resized)),
                  " pixels: whole images, resized"})};
}

inline choice size_choice(const traits& t, const recipe& r) {
  const std::string value = joined({r.height, "x", r.width});
  const std::string images = joined({rounded(t.height), "x", rounded(t.width)});
  if (r.framing == "window") { return {"size", value, "enough to see an object with what is around it"}; }
  if (r.height == r.width) {
    return {"size", value, joined({"images are ", images, " (median); outlines keep their detail"})};
  }
  return {"size", value, joined({"keeps the aspect of the images, which are ", images, " (median)"})};
}

inline choice choose_normalisation(const traits& t, recipe& r) {
  const bool usual = t.mean > 0.25 && t.mean < 0.75 && t.deviation > 0.1;
  const auto two_digits = [](double value) { return number_text(std::round(value * 100) / 100); };
  const std::string is =
      joined({"values have a mean of ", two_digits(t.mean), " and a deviation of ", two_digits(t.deviation)});
  if (usual) { return {"normalisation", r.normalisation = "unit", is}; }
  const auto at_least = [&](double value) { return two_digits(std::max(value, 0.01)); };
  r.normalisation = text_of(parse_normalisation(joined({"mean ", two_digits(t.mean), " std ", at_least(t.deviation)})));
  return {"normalisation", r.normalisation, joined({is, ", far from the middle of [0,1]"})};
}

inline choice choose_epochs(const traits& t, recipe& r) {
  constexpr double images = 20'000;  // in the whole training
  r.epochs = static_cast<int>(std::clamp(std::round(images / t.train), 30.0, 200.0));
  r.schedule = "cosine";
  r.warm_up = 1;
  return {"epochs", std::to_string(r.epochs),
          joined({r.epochs * t.train, " images in all; the learning rate falls to zero by a cosine"})};
}

/// Changes of the values by the usual amounts; where that would push most of an image to black or white, or hide it
/// behind noise, by half of the room that there is. Contrast and gamma go by the values themselves.
inline std::string changes_of_values(const traits& t) {
  const auto in_thousandths = [](double value) { return std::max(1.0, std::round(1000 * value)) / 1000; };
  const double brightness = t.has_little_room() ? in_thousandths(t.room / 2) : 0.1;
  return joined({"brightness(", brightness, "),contrast(0.2),sometimes(0.3,blur(1)),sometimes(0.3,noise(",
                 in_thousandths(brightness / 5), "))"});
}

inline choice choose_augmentation(const traits& t, recipe& r) {
  const std::string values = changes_of_values(t);
  const std::string small =
      t.has_little_room() ? "; values lie close to each other or to black or white, and change by little" : "";
  if (t.is_sided) {
    r.augmentation = joined({"rotate(10),scale(0.9,1.1),shift(0.05),", values});
    return {"augmentation", r.augmentation, joined({"no flip, since classes tell left from right", small})};
  }
  if (t.has_many_objects()) {
    r.augmentation = joined({"flip,vertical_flip,rotate(180),scale(0.8,1.25),", values});
    return {"augmentation", r.augmentation,
            joined({"many objects (", rounded(t.objects), " in an image) have no up and down: any rotation", small})};
  }
  r.augmentation = t.has_little_room() ? joined({"flip,rotate(10),scale(0.9,1.1),shift(0.05),", values}) : "chest_xray";
  return {"augmentation", r.augmentation, joined({"moderate: another position, size and exposure of the same", small})};
}

inline choice choose_loss(const traits& t, const survey& s, recipe& r) {
  constexpr double small = 0.03;
  const std::string of = s.classes.size() > 1 ? joined({t.rarest, " has "}) : "the foreground has ";
  const bool rare = t.share < small;
  const std::string is = joined({of, percent(t.share), " of the pixels"});
  if (s.labels == label_kind::exclusive) {
    r.loss = rare ? "cross_entropy+softmax_tversky(over=channel,background=no)"
                  : "cross_entropy+softmax_jaccard(over=channel,background=no)";
  } else {
    const std::string over = s.classes.size() > 1 ? "over=channel" : "";
    const auto with = [&](const std::string& name) {
      return joined({"bce+", name, over.empty() ? "" : joined({"(", over, ")"})});
    };
    r.loss = rare ? with("tversky") : with("jaccard");
  }
  return {"loss", r.loss,
          rare ? joined({is, ": missed ones weigh more than wrong ones"})
               : joined({is, ": calibrated, and makes the IoU large"})};
}

/// Multiply-adds of the training of one image, as often as there are epochs, and of its share of the validation.
inline double macs_of(const candidate_network& c, const recipe& r, int train, int val) {
  return c.macs_per_pixel * r.height * r.width * r.epochs * (passes_of_step * train + val);
}

/// A larger network is slower for its multiply-adds or faster, but not so much faster than the next smaller one: where
/// that would not do, its rate need not be measured.
inline constexpr double most_gain_of_rate = 4;

/// The largest network that may be trained in time and that the images are enough for; the smallest where none is. With
/// its rate.
inline std::pair<const candidate_network*, double> choose_network(const std::vector<candidate_network>& candidates,
                                                                  const traits& t, int val,
                                                                  const planning_limits& limits, recipe& r,
                                                                  choice& said) {
  constexpr int few_images = 200;
  constexpr std::int64_t few_parameters = 3'000'000;
  const bool colour = t.with_colour > 0.1;
  std::vector<const candidate_network*> fitting;
  for (const candidate_network& c : candidates) {
    if (c.channels == (colour ? 3 : 1)) { fitting.push_back(&c); }
  }
  if (fitting.empty()) { fail({"there is no network for ", colour ? "colour" : "gray", " images"}); }
  std::sort(fitting.begin(), fitting.end(), [](auto* a, auto* b) { return a->macs_per_pixel < b->macs_per_pixel; });
  const candidate_network* best = fitting.front();
  double rate = best->macs_per_second(r.height, r.width);
  std::string limit = "the smallest";
  for (const candidate_network* c : fitting) {
    if (t.train < few_images && c->parameters > few_parameters) {
      limit = joined({t.train, " images are few, so not a larger one"});
      break;
    }
    const bool is_first = c == fitting.front();
    const auto takes_too_long = [&](double per_second) {
      return macs_of(*c, r, t.train, val) / per_second / 60 > limits.minutes;
    };
    const bool is_hopeless = takes_too_long(most_gain_of_rate * rate);
    const double own_rate = is_first || is_hopeless ? rate : c->macs_per_second(r.height, r.width);
    if (is_hopeless || takes_too_long(own_rate)) {
      limit = joined({is_first ? "the smallest, as none trains in " : "the largest that trains in ", limits.minutes,
                      limits.minutes == 1 ? " minute" : " minutes"});
      break;
    }
    best = c;
    rate = own_rate;
    limit = "the largest";
  }
  r.model = best->name;
  said = {"network", best->name,
          (colour ? joined({percent(t.with_colour), " of the images are in colour; "}) : std::string{"gray images; "}) +
              limit};
  return {best, rate};
}

/// With the bytes of the training.
inline choice choose_batch(const candidate_network& c, const traits& t, const planning_limits& limits, recipe& r,
                           std::int64_t& bytes) {
  constexpr int usual = 8, steps_in_epoch = 10;
  const int for_steps = std::clamp(t.train / steps_in_epoch, 1, usual);
  r.batch = for_steps;
  bytes = c.bytes(r);
  while (limits.memory && r.batch > 1 && bytes > *limits.memory / 2) {
    --r.batch;
    bytes = c.bytes(r);
  }
  const std::string megabytes = joined({(bytes + 999'999) / 1'000'000, " MB"});
  if (r.batch < for_steps) { return {"batch", std::to_string(r.batch), joined({megabytes, ", half of the memory"})}; }
  if (for_steps < usual) {
    return {"batch", std::to_string(r.batch), joined({"few images: at least ", steps_in_epoch, " steps in an epoch"})};
  }
  return {"batch", std::to_string(r.batch), joined({megabytes, " for the network"})};
}

}  // namespace detail::planning

SEGX_IMPL_COLD recommendation recommend(const survey& s, int train, int val,
                                        const std::vector<candidate_network>& candidates, const planning_limits& limits,
                                        recipe given) {
  using namespace detail::planning;
  const traits t = traits_of(s, train);
  recommendation result;
  recipe& r = result.recipe = std::move(given);
  choice network;
  const choice framing = choose_size(t, s, r);
  const choice epochs = choose_epochs(t, r);
  const auto [chosen, rate] = choose_network(candidates, t, val, limits, r, network);
  result.macs = macs_of(*chosen, r, train, val);
  result.macs_per_second = rate;
  result.choices = {network,
                    framing,
                    size_choice(t, r),
                    choose_normalisation(t, r),
                    choose_augmentation(t, r),
                    choose_loss(t, s, r),
                    choose_batch(*chosen, t, limits, r, result.bytes),
                    epochs};
  return result;
}

}  // namespace segx
