#include <algorithm>
#include <cmath>

#include <segx/cuda/training_kernels.hpp>
#include <segx/losses/tversky_index.hpp>

#include "elements.hpp"
#include "sums.hpp"

namespace segx::gpu {

namespace {

// ---- loss ----

/// Logits of one pixel and what they say of it.
template <class T>
struct pixel_view {
  grid over;
  elements_of<T> logits;
  const step_values* step;
  int classes;

  constexpr float target(std::uint32_t pixel, int k) const { return step->targets[over.in_planes({pixel, k})]; }
};

/// The softmax of a pixel: its largest logit, and log Σ exp(z − m).
struct softmax_of_pixel {
  float largest = 0, log_sum = 0;

  constexpr float minus_log_p(float z) const { return largest - z + log_sum; }
  constexpr float p(float z) const { return std::exp(-minus_log_p(z)); }
};
template <class T>
constexpr softmax_of_pixel softmax_of(const pixel_view<T>& view, std::uint32_t pixel) {
  softmax_of_pixel s;
  s.largest = view.logits(pixel, 0);
  for (int k = 1; k < view.classes; ++k) { s.largest = std::max(s.largest, view.logits(pixel, k)); }
  float sum = 0;
  for (int k = 0; k < view.classes; ++k) { sum += std::exp(view.logits(pixel, k) - s.largest); }
  s.log_sum = std::log(sum);
  return s;
}

/// A loss of one value and its slope, before it is divided by the count.
struct value_and_slope {
  float value, slope;
};

/// bce.hpp and focal.hpp, for one logit z of class k with target t.
constexpr value_and_slope sigmoid_loss(const pixel_loss& of, int k, float z, float t) {
  const float e = std::exp(-std::abs(z));
  const float common = std::log1p(e);
  const float a = std::max(-z, 0.0F) + common;  // −log p
  const float b = std::max(z, 0.0F) + common;   // −log(1 − p)
  const float p = (z >= 0 ? 1 : e) / (1 + e);
  const float q = (z >= 0 ? e : 1) / (1 + e);
  if (of.how == pixel_loss::bce) {
    const float omega = of.weights[k];
    const float smooth = (1 - of.smoothing) * t + of.smoothing / 2;
    return {(1 - smooth) * z + (1 + (omega - 1) * smooth) * a, p * (1 - smooth + omega * smooth) - omega * smooth};
  }
  const float of_background = (1 - of.alpha) * (1 - t) * std::exp(-of.gamma * a);
  const float of_foreground = of.alpha * t * std::exp(-of.gamma * b);
  return {of_foreground * a + of_background * b,
          of_background * (of.gamma * q * b + p) - of_foreground * (of.gamma * p * a + q)};
}

/// cross_entropy.hpp: a_k, the weight of −log p_k.
constexpr float cross_entropy_weight(const pixel_loss& of, int k, float t, float labels, int classes) {
  return of.weights[k] * ((1 - of.smoothing) * t + of.smoothing / static_cast<float>(classes) * labels);
}
/// focal.hpp: α_k t_k (1 − p_k)^γ
constexpr float softmax_focal_weight(const pixel_loss& of, int k, float t, float p) {
  const float q = std::max(1 - p, 1.17549435e-38F);
  return of.weights[k] * t * std::exp(of.gamma * std::log(q));
}

template <class T>
constexpr float labels_of(const pixel_view<T>& view, std::uint32_t pixel) {
  float labels = 0;
  for (int k = 0; k < view.classes; ++k) { labels += view.target(pixel, k); }
  return labels;
}

/// Sums over the plane of image n and class k.
template <class T>
struct plane_sums_term {
  pixel_view<T> view;
  loss_program what;

  template <int V>
  constexpr auto of(std::uint32_t n, int k) const {
    return [this, first = n * view.over.plane.divisor(), k](std::uint32_t within, float(&sums)[sums_of_plane][V]) {
      add(first + within, k, sums);
    };
  }

  constexpr void add(std::uint32_t pixel, int k, float (&sums)[sums_of_plane][1]) const {
    const float z = view.logits(pixel, k);
    const float t = view.target(pixel, k);
    softmax_of_pixel s;
    if (what.softmax) { s = softmax_of(view, pixel); }
    const float p = what.softmax ? s.p(z) : 1 / (1 + std::exp(-z));
    sums[0][0] += p;
    sums[1][0] += t;
    sums[2][0] += p * t;
    for (int i = 0; i < what.pixel_losses; ++i) {
      const pixel_loss& of = what.of_pixels[i];
      float value = 0;
      if (!what.softmax) {
        value = sigmoid_loss(of, k, z, t).value;
      } else if (of.how == pixel_loss::cross_entropy) {
        value = cross_entropy_weight(of, k, t, labels_of(view, pixel), view.classes) * s.minus_log_p(z);
      } else {
        value = softmax_focal_weight(of, k, t, p) * s.minus_log_p(z);
      }
      sums[3 + i][0] += value;
    }
    bool is_found = z > 0;
    if (what.softmax) {
      is_found = true;
      for (int other = 0; other < view.classes; ++other) {
        const float rival = view.logits(pixel, other);
        if (other != k && (rival > z || (rival == z && other < k))) { is_found = false; }
      }
    }
    const bool is_there = t > 0.5F;
    sums[3 + loss_program::most][0] += is_found && is_there ? 1 : 0;
    sums[4 + loss_program::most][0] += is_found && !is_there ? 1 : 0;
    sums[5 + loss_program::most][0] += !is_found && is_there ? 1 : 0;
  }
};

struct keep_plane_sums {
  double* planes;  // [N,K,sums_of_plane]
  int classes;

  constexpr void operator()(std::uint32_t n, int k, const double (&sums)[sums_of_plane]) const {
    double* of =
        planes +
        (static_cast<std::size_t>(n) * static_cast<std::size_t>(classes) + static_cast<std::size_t>(k)) * sums_of_plane;
    for (int i = 0; i < sums_of_plane; ++i) { of[i] = sums[i]; }
  }
};

/// What the loss has of each plane, [N,K,…], and what becomes of it: `slopes` are dp and dpt of each plane, then the
/// scale of each pixel loss.
struct planes_of_loss {
  loss_program what;
  const double* sums;  // [N,K,sums_of_plane]
  double* slopes;
  double* overlap;  // [N·K]: the loss of each set of planes; there are no more sets than planes
  int batch, classes;
  double plane;

  constexpr int count() const { return batch * classes; }
  constexpr const double* of(int i) const { return sums + std::int64_t{i} * sums_of_plane; }
};

struct clear_slopes_body {
  planes_of_loss all;

  constexpr void operator()(std::uint32_t i) const {
    all.slopes[2 * i] = 0;
    all.slopes[2 * i + 1] = 0;
    all.overlap[i] = 0;
  }
};

/// Adds one loss of overlaps: a block for each set of planes, whose threads add up its sums, and then write its slope.
struct overlap_body {
  static constexpr int lanes = 1, rows = threads_of_block;
  using shared_memory = sums_of_threads<3>;

  planes_of_loss all;
  overlap_loss of;
  int sets;

  constexpr int first_class() const { return of.background ? 0 : 1; }
  constexpr int set_of(int n, int k) const {
    return static_cast<int>(segx::detail::set_of_plane(of.what, static_cast<std::size_t>(all.classes),
                                                       static_cast<std::size_t>(first_class()),
                                                       static_cast<std::size_t>(n), static_cast<std::size_t>(k)));
  }
  static constexpr int sets_of(const planes_of_loss& all, const overlap_loss& of) {
    return overlap_body{all, of, 0}.set_of(all.batch - 1, all.classes - 1) + 1;
  }

  /// f(plane) for those of the block's set that are the thread's.
  constexpr void for_each_plane(place_in_block at, auto&& f) const {
    for (int i = at.thread; i < all.count(); i += threads_of_block) {
      const int k = i % all.classes;
      if (k >= first_class() && set_of(i / all.classes, k) == static_cast<int>(at.block)) { f(i); }
    }
  }

  constexpr void accumulate(place_in_block at, shared_memory& shared) const {
    double sums[3] = {};
    for_each_plane(at, [&](int i) {
      for (int k = 0; k < 3; ++k) { sums[k] += all.of(i)[k]; }
    });
    shared.set(at.thread, sums);
  }

  constexpr void conclude(place_in_block at, const shared_memory& shared) const {
    const segx::detail::overlap_sums together{shared.of[0][0], shared.of[1][0], shared.of[2][0]};
    segx::detail::overlap_value value = segx::detail::one_minus_tversky(together, of.alpha, of.beta, of.smooth);
    if (of.gamma != 1) { value = segx::detail::raised(value, of.gamma); }
    const double share = of.factor / static_cast<double>(sets);
    for_each_plane(at, [&](int i) {
      all.slopes[2 * i] += share * value.dp;
      all.slopes[2 * i + 1] += share * value.dpt;
    });
    if (at.thread == 0) { all.overlap[at.block] += share * value.loss; }
  }
};

/// From the sums to the loss and its scores, by one block.
struct conclude_body {
  static constexpr int lanes = 1, rows = threads_of_block;
  /// Of each pixel loss the sum, and the weight of what it is a mean of; three counts of pixels, planes that they are
  /// of, and the loss of overlaps.
  static constexpr int weights = loss_program::most, counts = 2 * loss_program::most, scored = counts + 3,
                       overlap = scored + 1;
  using shared_memory = sums_of_threads<overlap + 1>;

  planes_of_loss all;
  batch_result* result;

  constexpr void accumulate(place_in_block at, shared_memory& shared) const {
    double sums[overlap + 1] = {};
    for (int i = at.thread; i < all.count(); i += threads_of_block) {
      const double* of = all.of(i);
      const int k = i % all.classes;
      for (int loss = 0; loss < all.what.pixel_losses; ++loss) {
        sums[loss] += of[3 + loss];
        sums[weights + loss] += static_cast<double>(all.what.of_pixels[loss].weights[k]) * of[1];
      }
      if (k >= all.what.first_scored) {
        for (int count = 0; count < 3; ++count) { sums[counts + count] += of[3 + loss_program::most + count]; }
        sums[scored] += 1;
      }
      sums[overlap] += all.overlap[i];
    }
    shared.set(at.thread, sums);
  }

  constexpr void conclude(place_in_block at, const shared_memory& shared) const {
    if (at.thread != 0) { return; }
    const auto sum = [&](int i) { return shared.of[i][0]; };
    batch_result found;
    found.loss = sum(overlap);
    for (int i = 0; i < all.what.pixel_losses; ++i) {
      const double scale = all.what.of_pixels[i].factor * scale_of(all.what.of_pixels[i], sum(weights + i));
      all.slopes[2 * all.count() + i] = scale;
      found.loss += scale * sum(i);
    }
    found.true_positive = sum(counts);
    found.false_positive = sum(counts + 1);
    found.false_negative = sum(counts + 2);
    found.true_negative = sum(scored) * all.plane - found.true_positive - found.false_positive - found.false_negative;
    *result = found;
  }

  /// 1 over what a mean of pixels divides by.
  constexpr double scale_of(const pixel_loss& of, double weight) const {
    if (!all.what.softmax) { return 1 / (all.plane * all.count()); }
    const bool is_weighted = of.how == pixel_loss::cross_entropy && weight > 0;
    return 1 / (is_weighted ? weight : all.plane * all.batch);
  }
};

/// dL/dz of all classes of a pixel.
template <class T>
struct gradient_body {
  pixel_view<T> view;
  loss_program what;
  const double* slopes;
  const training_status* status;
  elements_of<T> dlogits;
  int batch;

  constexpr void operator()(std::uint32_t pixel) const {
    const int n = view.over.image(pixel);
    const int classes = view.classes;
    const float weight = view.step->share * status->loss_scale;
    const double* scales = slopes + 2 * batch * classes;
    if (!what.softmax) {
      for (int k = 0; k < classes; ++k) {
        const float z = view.logits(pixel, k), t = view.target(pixel, k);
        const float e = std::exp(-std::abs(z));
        float sum = dp(n, k, t) * e / ((1 + e) * (1 + e));
        for (int i = 0; i < what.pixel_losses; ++i) {
          sum += static_cast<float>(scales[i]) * sigmoid_loss(what.of_pixels[i], k, z, t).slope;
        }
        dlogits.set(pixel, k, weight * sum);
      }
      return;
    }
    const softmax_of_pixel s = softmax_of(view, pixel);
    float gradient[most_classes] = {};
    float mean = 0;  // Σ_j p_j dL/dp_j
    for (int k = 0; k < classes; ++k) { mean += s.p(view.logits(pixel, k)) * dp(n, k, view.target(pixel, k)); }
    for (int k = 0; k < classes; ++k) {
      gradient[k] = s.p(view.logits(pixel, k)) * (dp(n, k, view.target(pixel, k)) - mean);
    }
    for (int i = 0; i < what.pixel_losses; ++i) {
      add_softmax_loss(i, pixel, s, static_cast<float>(scales[i]), gradient);
    }
    for (int k = 0; k < classes; ++k) { dlogits.set(pixel, k, weight * gradient[k]); }
  }

  constexpr float dp(int n, int k, float t) const {
    const double* of = slopes + 2 * (n * view.classes + k);
    return static_cast<float>(of[0]) + static_cast<float>(of[1]) * t;
  }

  constexpr void add_softmax_loss(int i, std::uint32_t pixel, const softmax_of_pixel& s, float scale,
                                  float (&gradient)[most_classes]) const {
    const pixel_loss& of = what.of_pixels[i];
    const float labels = of.how == pixel_loss::cross_entropy ? labels_of(view, pixel) : 0;
    float u[most_classes] = {};  // dL/dz_k = u_k − p_k Σ u
    float all = 0;
    for (int k = 0; k < view.classes; ++k) {
      const float z = view.logits(pixel, k), t = view.target(pixel, k);
      if (of.how == pixel_loss::cross_entropy) {
        u[k] = -cross_entropy_weight(of, k, t, labels, view.classes);
      } else {
        const float p = s.p(z);
        const float q = std::max(1 - p, 1.17549435e-38F);
        const float ratio = p == 1 ? 1 : s.minus_log_p(z) / q;
        u[k] = -softmax_focal_weight(of, k, t, p) * (of.gamma * p * ratio + 1);
      }
      all += u[k];
    }
    for (int k = 0; k < view.classes; ++k) { gradient[k] += scale * (u[k] - s.p(view.logits(pixel, k)) * all); }
  }
};

// ---- the step ----

/// The group of parameter i, or none: it is frozen. Groups lie in ascending order.
constexpr const group_step* group_of(const group_step* groups, int count, std::uint32_t i) {
  int first = 0;
  for (int end = count; end - first > 1;) {
    const int middle = first + (end - first) / 2;
    (groups[middle].first <= i ? first : end) = middle;
  }
  const bool is_in = count > 0 && i >= groups[first].first && i - groups[first].first < groups[first].count;
  return is_in ? &groups[first] : nullptr;
}

/// A gradient as the optimizer takes it, before it is shortened with all others.
constexpr float unscaled(const step_call& call, float gradient) {
  const float g = gradient / call.status->loss_scale;
  return call.clip_value > 0 ? std::min(std::max(g, -call.clip_value), call.clip_value) : g;
}

/// Σ g² over what moves, and the count of values that are not finite over everything.
struct norm_term {
  step_call call;

  template <int V>
  constexpr auto of(std::uint32_t, int) const {
    return [this](std::uint32_t i, double(&sums)[2][V]) {
      const float raw = call.gradients[i];
      if (!(raw - raw == 0)) { sums[1][0] += 1; }  // infinite, or NaN
      if (i >= call.learnable || group_of(call.groups, call.group_count, i) == nullptr) { return; }
      const double g = unscaled(call, raw);
      sums[0][0] += g * g;
    };
  }
};

struct keep_norm {
  training_status* status;
  constexpr void operator()(std::uint32_t, int, const double (&sums)[2]) const {
    status->norm_squared = sums[0];
    status->not_finite = sums[1];
  }
};

/// One value of the network: the optimizer's rule, as in optim/, then the moving average.
struct move_body {
  step_call call;
  const step_values* step;

  constexpr void operator()(std::uint32_t i) const {
    if (call.status->not_finite > 0) {
      if (call.adapts_scale) { call.gradients[i] = 0; }
      return;
    }
    float w = call.weights[i];
    if (i >= call.learnable) {
      w -= call.gradients[i] / step->batches;
    } else if (const group_step* g = group_of(call.groups, call.group_count, i)) {
      float slope = unscaled(call, call.gradients[i]);
      const double norm = std::sqrt(call.status->norm_squared);
      if (call.clip_norm > 0 && norm > call.clip_norm) { slope *= static_cast<float>(call.clip_norm / norm); }
      w = moved(*g, i, w, slope + g->l2 * w);
    }
    call.weights[i] = w;
    call.gradients[i] = 0;
    if (call.average != nullptr) { call.average[i] += step->fresh * (w - call.average[i]); }
  }

  constexpr float moved(const group_step& g, std::uint32_t i, float w, float slope) const {
    if (call.how == step_rule::plain) { return w - g.rate * slope; }
    float& first = call.first_moment[i];
    if (call.how != step_rule::moments) {
      first = g.momentum * first + slope;
      return w - g.rate * (call.how == step_rule::nesterov ? slope + g.momentum * first : first);
    }
    float& second = call.second_moment[i];
    first += g.fresh1 * (slope - first);
    second = g.old2 * second + g.fresh2 * slope * slope;
    return g.keep * w - g.rate * first / (std::sqrt(second) * g.root_scale + g.epsilon);
  }
};

struct adapt_scale_body {
  training_status* status;

  constexpr void operator()(std::uint32_t) const { status->adapt_scale(); }
};

// ---- batches ----

template <class T>
struct load_images_body {
  grid over;
  const step_values* step;
  elements_of<T> to;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    to.set(at.pixel, at.channel, step->images[over.in_planes(at)]);
  }
};

template <class T>
struct load_gradient_body {
  grid over;
  const float* from;
  const training_status* status;
  elements_of<T> to;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    to.set(at.pixel, at.channel, from[over.in_planes(at)] * status->loss_scale);
  }
};

}  // namespace

void loss(const queue& on, const loss_program& what, tensor logits, tensor dlogits, double* memory,
          batch_result* result) {
  const int classes = logits.extent.channels;
  double* slopes = memory + std::int64_t{logits.batch} * classes * sums_of_plane;
  with_stored(on.stored, [&]<class T>(T) {
    const pixel_view<T> view{grid{logits.extent, 1}, elements_of<T>{logits}, on.step, classes};
    sum_channels<sums_of_plane, T>(on, logits.batch, logits.extent.plane(), classes, plane_sums_term<T>{view, what},
                                   keep_plane_sums{memory, classes});
    // Behind the sums their memory is free.
    const planes_of_loss all{
        what, memory, slopes, on.sums, logits.batch, classes, static_cast<double>(logits.extent.plane())};
    for_each(on, all.count(), clear_slopes_body{all});
    for (int i = 0; i < what.overlap_losses; ++i) {
      const int sets = overlap_body::sets_of(all, what.of_sets[i]);
      for_each_block(on, sets, overlap_body{all, what.of_sets[i], sets});
    }
    for_each_block(on, 1, conclude_body{all, result});
    for_each(on, logits.pixels(),
             gradient_body<T>{view, what, slopes, on.status, elements_of<T>{dlogits}, logits.batch});
  });
}

void move_weights(const queue& on, const step_call& call) {
  sum_channels<2, float, double>(on, 1, call.values, 1, norm_term{call}, keep_norm{call.status});
  for_each(on, call.values, move_body{call, on.step});
  if (call.adapts_scale) { for_each(on, 1, adapt_scale_body{call.status}); }
}

void load_images(const queue& on, tensor to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, threads_over(to, 1), load_images_body<T>{grid{to.extent, 1}, on.step, elements_of<T>{to}});
  });
}

void load_gradient(const queue& on, const float* from, const training_status* status, tensor to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, threads_over(to, 1), load_gradient_body<T>{grid{to.extent, 1}, from, status, elements_of<T>{to}});
  });
}

}  // namespace segx::gpu
