#include <cmath>

#include "elements.hpp"
#include "sums.hpp"

// Batch and group normalisation. Sums are of differences from a pixel's value, as float32 would lose digits of squares
// where the mean is far from zero; what follows from the sums is computed in double, once for each channel. Kernels
// over all elements find it as rows of C numbers in float32, which they read V at a time.
//
// on.coefficients holds [N][5][C] doubles, or [N][10][C] floats: sums, and behind them the rows of `applied` or
// `sloped`.

namespace segx::gpu {

namespace {

/// y = (x − mean) · factor + β
struct applied {
  static constexpr int mean = 0, factor = 1, bias = 2;
};
/// dx = dy · of_dy − constant − (x − mean) · of_x, where dy is in front of the epilogue; of_dy is `applied`'s factor.
struct sloped {
  static constexpr int mean = 0, of_dy = 1, constant = 2, of_x = 3, bias = 4;
};
constexpr int floats_of_channel = 2 * doubles_of_channel;

/// Rows of coefficients: of each image, or the same for all.
struct rows_of_channels {
  float* first;
  std::int64_t image;  // floats from one image to the next; 0: the same
  int channels;

  constexpr float* at(int n, int row, int channel) const {
    return first + n * image + static_cast<std::int64_t>(row) * channels + channel;
  }
  template <int V>
  constexpr lanes<V> get(int n, int row, int channel) const {
    return load<V>(at(n, row, channel));
  }
};
rows_of_channels rows_for_all(const queue& on, int channels) {
  return {reinterpret_cast<float*>(on.coefficients), 0, channels};
}
/// Behind so many of an image's rows of floats.
rows_of_channels rows_for_each(const queue& on, int channels, int behind) {
  return {reinterpret_cast<float*>(on.coefficients) + std::int64_t{behind} * channels,
          std::int64_t{floats_of_channel} * channels, channels};
}

/// Σ (x − x₀) and Σ (x − x₀)² over a segment of `pixels` pixels, with x₀ the channel's value at one of them.
template <class T>
struct moments_term {
  elements_of<T> x;
  std::uint32_t pixels;
  std::uint32_t middle;  // the pixel of a segment that is x₀

  template <int V>
  constexpr auto of(std::uint32_t segment, int channel) const {
    const std::uint32_t first = segment * pixels;
    return
        [this, first, channel, zero = x.template get<V>(first + middle, channel)](std::uint32_t p, float(&sums)[2][V]) {
          const lanes<V> values = x.template get<V>(first + p, channel);
          for (int v = 0; v < V; ++v) {
            const float difference = values.at[v] - zero.at[v];
            sums[0][v] += difference;
            sums[1][v] += difference * difference;
          }
        };
  }
};

/// With x₀ inside of an image, whose border is unlike the rest.
template <class T>
moments_term<T> moments_of(const tensor& x, std::int64_t pixels) {
  const std::int64_t middle = x.extent.height / 2 * x.extent.width + x.extent.width / 2;
  return {elements_of<T>{x}, static_cast<std::uint32_t>(pixels), static_cast<std::uint32_t>(middle)};
}

/// finish(segment, channel, mean, variance), from the sums of a moments_term.
template <class T, class Finish>
struct moments_of_sums {
  moments_term<T> term;
  Finish finish;

  constexpr void operator()(std::uint32_t segment, int channel, const double (&sums)[2]) const {
    const double count = term.pixels;
    const double difference = sums[0] / count;
    const double variance = std::max(sums[1] / count - difference * difference, 0.0);
    finish(segment, channel, term.x(segment * term.pixels + term.middle, channel) + difference, variance);
  }
};

/// (x − mean) · factor + β, what a norm makes of x in front of its epilogue.
template <int V>
constexpr lanes<V> normalised(lanes<V> x, const lanes<V>& mean, const lanes<V>& factor, const lanes<V>& bias) {
  for (int v = 0; v < V; ++v) { x.at[v] = (x.at[v] - mean.at[v]) * factor.at[v] + bias.at[v]; }
  return x;
}

/// The gradient in front of a norm's epilogue, from dy behind it. What the slope follows from is computed from x once
/// more, as the forward pass did, and rounded as it was stored: x is wanted anyway, so memory is read once less.
template <class T>
struct gradient_before {
  grid over;
  elements_of<T> dy;
  applied_epilogue then;

  template <int V>
  constexpr lanes<V> get(spot at, const lanes<V>& x, const lanes<V>& mean, const lanes<V>& factor,
                         const lanes<V>& bias) const {
    lanes<V> gradient = dy.template get<V>(at.pixel, at.channel);
    if (then.then.empty()) { return gradient; }
    lanes<V> known = normalised(x, mean, factor, bias);
    if (slope_follows_from_result(then.then.act)) {
      then.apply(over, at, known);
      for (int v = 0; v < V; ++v) { known.at[v] = to_float(from_float<T>(known.at[v])); }
    }
    then.template times_slope<T>(over, at, known, gradient);
    return gradient;
  }
};

/// Σ g and Σ g · x̂, with g the gradient in front of the epilogue
template <class T>
struct gradient_term {
  elements_of<T> x;
  gradient_before<T> before;
  const float* kept;  // mean, 1 / √(var + ε)
  std::int64_t kept_stride;
  norm_weights w;
  std::uint32_t pixels;
  int channels;

  template <int V>
  constexpr auto of(std::uint32_t segment, int channel) const {
    const float* from = kept + segment * kept_stride + channel;
    lanes<V> mean{}, scale{}, factor{}, bias{};
    for (int v = 0; v < V; ++v) {
      mean.at[v] = from[v];
      scale.at[v] = from[channels + v];
      factor.at[v] = w.weight == nullptr ? scale.at[v] : scale.at[v] * w.weight[channel + v];
      bias.at[v] = w.bias == nullptr ? 0 : w.bias[channel + v];
    }
    return [this, first = segment * pixels, channel, mean, scale, factor, bias](std::uint32_t p, float(&sums)[2][V]) {
      const lanes<V> values = x.template get<V>(first + p, channel);
      const lanes<V> gradient = before.template get<V>({first + p, channel}, values, mean, factor, bias);
      for (int v = 0; v < V; ++v) {
        sums[0][v] += gradient.at[v];
        sums[1][v] += gradient.at[v] * ((values.at[v] - mean.at[v]) * scale.at[v]);
      }
    };
  }
};

/// What a channel's moments are kept for: gradients, if anybody wants some, and the kernel that applies them.
struct keep_moments {
  float* kept;  // none: nullptr
  norm_weights w;
  rows_of_channels to;

  constexpr void operator()(int n, int c, float mean, double scale) const {
    if (kept != nullptr) {
      kept[c] = mean;
      kept[to.channels + c] = static_cast<float>(scale);
    }
    *to.at(n, applied::mean, c) = mean;
    *to.at(n, applied::factor, c) = static_cast<float>(w.weight == nullptr ? scale : scale * w.weight[c]);
    *to.at(n, applied::bias, c) = w.weight == nullptr ? 0 : w.bias[c];
  }
};

struct keep_batch_moments {
  double epsilon;
  keep_moments keep;

  constexpr void operator()(std::uint32_t, int channel, double mean, double variance) const {
    keep(0, channel, static_cast<float>(mean), 1 / std::sqrt(variance + epsilon));
  }
};

struct keep_running_body {
  const float *mean, *variance;
  double epsilon;
  keep_moments keep;

  constexpr void operator()(std::uint32_t c) const {
    keep(0, static_cast<int>(c), mean[c], 1 / std::sqrt(variance[c] + epsilon));
  }
};

/// Adds to the gradients of a batch normalisation, and keeps what dx needs.
struct add_batch_gradients {
  batch_norm2d_geometry g;
  double count;
  const float* kept;
  norm_weights w;
  const float *running_mean, *running_variance;
  batch_norm_gradients d;
  rows_of_channels to;

  constexpr void operator()(std::uint32_t, int c, const double (&sums)[2]) const {
    d.weight[c] += static_cast<float>(sums[1]);
    d.bias[c] += static_cast<float>(sums[0]);
    const bool uses_batch = d.mean != nullptr;
    const double mean = kept[c], scale = kept[to.channels + c];
    if (uses_batch) {
      const double unbiased = (1 / (scale * scale) - g.epsilon) * count / std::max(count - 1, 1.0);
      d.mean[c] += static_cast<float>(g.momentum * (running_mean[c] - mean));
      d.variance[c] += static_cast<float>(g.momentum * (running_variance[c] - unbiased));
    }
    const double factor = w.weight[c] * scale;
    *to.at(0, sloped::mean, c) = kept[c];
    *to.at(0, sloped::bias, c) = w.bias[c];
    *to.at(0, sloped::of_dy, c) = static_cast<float>(factor);
    *to.at(0, sloped::constant, c) = uses_batch ? static_cast<float>(factor * sums[0] / count) : 0;
    *to.at(0, sloped::of_x, c) = uses_batch ? static_cast<float>(factor * scale * sums[1] / count) : 0;
  }
};

/// Two numbers of a channel of an image, as the first two rows of its coefficients.
struct keep_in_rows {
  double* coefficients;
  int channels;

  constexpr void operator()(std::uint32_t n, int c, double first, double second) const {
    double* of = coefficients + std::size_t{n} * doubles_of_channel * static_cast<std::size_t>(channels);
    of[c] = first;
    of[channels + c] = second;
  }
  constexpr void operator()(std::uint32_t n, int c, const double (&sums)[2]) const { (*this)(n, c, sums[0], sums[1]); }
};

/// From mean and variance of each channel, in the first two rows, to those of its group; a thread for each channel of
/// each image.
struct keep_group_moments_body {
  group_norm2d_geometry g;
  const double* coefficients;
  float* kept;
  std::int64_t kept_stride;
  keep_moments keep;
  fast_divisor channels;

  constexpr void operator()(std::uint32_t thread) const {
    const std::uint32_t n = channels.quotient(thread);
    const auto c = static_cast<int>(channels.rest(thread));
    const auto count = static_cast<int>(channels.divisor());
    const int size = g.channels_of_group(count);
    const int first = c / size * size;
    const double* of = coefficients + std::size_t{n} * doubles_of_channel * channels.divisor();
    double mean = 0, variance = 0;
    for (int other = first; other < first + size; ++other) { mean += of[other] / size; }
    for (int other = first; other < first + size; ++other) {
      const double difference = of[other] - mean;
      variance += (of[count + other] + difference * difference) / size;
    }
    keep_moments to = keep;
    if (kept != nullptr) { to.kept = kept + n * kept_stride; }
    to(static_cast<int>(n), c, static_cast<float>(mean), 1 / std::sqrt(variance + g.epsilon));
  }
};

/// From the first two rows, Σ g and Σ g·x̂ of gradient_term, to what dx needs: with the means over the group of γ·g and
/// γ·g·x̂.
struct group_means_body {
  group_norm2d_geometry g;
  const double* coefficients;
  const float* kept;
  std::int64_t kept_stride;
  norm_weights w;
  fast_divisor channels;
  double plane;
  rows_of_channels to;

  constexpr void operator()(std::uint32_t thread) const {
    const auto n = static_cast<int>(channels.quotient(thread));
    const auto c = static_cast<int>(channels.rest(thread));
    const auto count = static_cast<int>(channels.divisor());
    const int size = g.channels_of_group(count);
    const double* of = coefficients + static_cast<std::size_t>(n) * doubles_of_channel * channels.divisor();
    double sum = 0, product = 0;
    for (int other = c / size * size; other < (c / size + 1) * size; ++other) {
      const double gamma = w.weight == nullptr ? 1 : w.weight[other];
      sum += gamma * of[other];
      product += gamma * of[count + other];
    }
    const float* moments = kept + n * kept_stride;
    const double scale = moments[count + c];
    *to.at(n, sloped::mean, c) = moments[c];
    *to.at(n, sloped::bias, c) = w.bias == nullptr ? 0 : w.bias[c];
    *to.at(n, sloped::of_dy, c) = static_cast<float>(w.weight == nullptr ? scale : scale * w.weight[c]);
    *to.at(n, sloped::constant, c) = static_cast<float>(scale * sum / (size * plane));
    *to.at(n, sloped::of_x, c) = static_cast<float>(scale * scale * product / (size * plane));
  }
};

/// dγ[c] += Σ_n row 1, dβ[c] += Σ_n row 0
struct add_group_gradients_body {
  const double* coefficients;
  float *dweight, *dbias;
  int batch, channels;

  constexpr void operator()(std::uint32_t c) const {
    double sum = 0, product = 0;
    for (int n = 0; n < batch; ++n) {
      const double* of =
          coefficients + static_cast<std::size_t>(n) * doubles_of_channel * static_cast<std::size_t>(channels);
      sum += of[c];
      product += of[static_cast<std::uint32_t>(channels) + c];
    }
    dweight[c] += static_cast<float>(product);
    dbias[c] += static_cast<float>(sum);
  }
};

/// y = then((x − mean) · factor + β)
template <class T, int V>
struct apply_body {
  grid over;
  elements_of<T> x, y;
  rows_of_channels by;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const int n = over.image(at.pixel);
    lanes<V> values = normalised(x.template get<V>(at.pixel, at.channel), by.get<V>(n, applied::mean, at.channel),
                                 by.get<V>(n, applied::factor, at.channel), by.get<V>(n, applied::bias, at.channel));
    then.apply(over, at, values);
    y.template set<V>(at.pixel, at.channel, values);
  }
};

/// dx (+)= g · of_dy − constant − (x − mean) · of_x, with g the gradient in front of the epilogue
template <class T, int V>
struct norm_dx_body {
  grid over;
  elements_of<T> x, dx;
  gradient_before<T> before;
  rows_of_channels by;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const int n = over.image(at.pixel);
    const lanes<V> values = x.template get<V>(at.pixel, at.channel);
    const lanes<V> mean = by.get<V>(n, sloped::mean, at.channel);
    const lanes<V> of_dy = by.get<V>(n, sloped::of_dy, at.channel);
    const lanes<V> bias = by.get<V>(n, sloped::bias, at.channel);
    lanes<V> gradient = before.template get<V>(at, values, mean, of_dy, bias);
    const lanes<V> constant = by.get<V>(n, sloped::constant, at.channel);
    const lanes<V> of_x = by.get<V>(n, sloped::of_x, at.channel);
    for (int v = 0; v < V; ++v) {
      gradient.at[v] = gradient.at[v] * of_dy.at[v] - constant.at[v] - (values.at[v] - mean.at[v]) * of_x.at[v];
    }
    dx.template put<V>(at.pixel, at.channel, gradient, adds);
  }
};

template <class T>
void apply(const queue& on, tensor x, const rows_of_channels& by, tensor y, const epilogue& then, std::uint32_t seed) {
  for_each_vector<T>(on, y, {x, y}, [&](auto v) {
    return apply_body<T, v>{grid{y.extent, v}, elements_of<T>{x}, elements_of<T>{y}, by, {on, then, seed}};
  });
}

template <class T>
void norm_dx(const queue& on, tensor x, const rows_of_channels& by, const gradient_before<T>& before, tensor dy,
             tensor dx, bool adds) {
  if (!dx) { return; }
  for_each_vector<T>(on, dx, {x, dy, dx}, [&](auto v) {
    return norm_dx_body<T, v>{grid{dx.extent, v}, elements_of<T>{x}, elements_of<T>{dx}, before, by, adds};
  });
}

}  // namespace

void batch_norm(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, float* kept, tensor y,
                const epilogue& then, std::uint32_t seed) {
  const rows_of_channels by = rows_for_all(on, x.extent.channels);
  with_stored(on.stored, [&]<class T>(T) {
    const moments_term<T> term = moments_of<T>(x, x.pixels());
    const keep_batch_moments keep{g.epsilon, {kept, w, by}};
    sum_channels<2, T>(on, 1, x.pixels(), x.extent.channels, term, moments_of_sums<T, keep_batch_moments>{term, keep},
                       x);
    apply<T>(on, x, by, y, then, seed);
  });
}

void batch_norm_by(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, const float* mean,
                   const float* variance, float* kept, tensor y, const epilogue& then, std::uint32_t seed) {
  const rows_of_channels by = rows_for_all(on, x.extent.channels);
  for_each(on, x.extent.channels, keep_running_body{mean, variance, g.epsilon, {kept, w, by}});
  with_stored(on.stored, [&]<class T>(T) { apply<T>(on, x, by, y, then, seed); });
}

void batch_norm_backward(const queue& on, const batch_norm2d_geometry& g, tensor x, const float* kept, norm_weights w,
                         const float* running_mean, const float* running_variance, const epilogue& then,
                         std::uint32_t seed, tensor dy, tensor dx, bool adds, const batch_norm_gradients& d) {
  const int channels = x.extent.channels;
  const rows_of_channels by = rows_for_all(on, channels);
  with_stored(on.stored, [&]<class T>(T) {
    const gradient_before<T> before{grid{dy.extent, 1}, elements_of<T>{dy}, {on, then, seed}};
    sum_channels<2, T>(
        on, 1, x.pixels(), channels, gradient_term<T>{elements_of<T>{x}, before, kept, 0, w, 0, channels},
        add_batch_gradients{g, static_cast<double>(x.pixels()), kept, w, running_mean, running_variance, d, by}, x, dy);
    norm_dx<T>(on, x, by, before, dy, dx, adds);
  });
}

void group_norm(const queue& on, const group_norm2d_geometry& g, tensor x, norm_weights w, float* kept,
                std::int64_t kept_stride, tensor y, const epilogue& then, std::uint32_t seed) {
  const int channels = x.extent.channels;
  const rows_of_channels by = rows_for_each(on, channels, 4);
  with_stored(on.stored, [&]<class T>(T) {
    const moments_term<T> term = moments_of<T>(x, x.extent.plane());
    const keep_in_rows keep{on.coefficients, channels};
    sum_channels<2, T>(on, x.batch, x.extent.plane(), channels, term, moments_of_sums<T, keep_in_rows>{term, keep}, x);
    for_each(on, std::int64_t{x.batch} * channels,
             keep_group_moments_body{g,
                                     on.coefficients,
                                     kept,
                                     kept_stride,
                                     {nullptr, w, by},
                                     fast_divisor{static_cast<std::uint32_t>(channels)}});
    apply<T>(on, x, by, y, then, seed);
  });
}

void group_norm_backward(const queue& on, const group_norm2d_geometry& g, tensor x, const float* kept,
                         std::int64_t kept_stride, norm_weights w, const epilogue& then, std::uint32_t seed, tensor dy,
                         tensor dx, bool adds, float* dweight, float* dbias) {
  const int channels = x.extent.channels;
  const auto plane = static_cast<std::uint32_t>(x.extent.plane());
  const rows_of_channels by = rows_for_each(on, channels, 4);
  with_stored(on.stored, [&]<class T>(T) {
    const gradient_before<T> before{grid{dy.extent, 1}, elements_of<T>{dy}, {on, then, seed}};
    sum_channels<2, T>(on, x.batch, plane, channels,
                       gradient_term<T>{elements_of<T>{x}, before, kept, kept_stride, w, plane, channels},
                       keep_in_rows{on.coefficients, channels}, x, dy);
    if (w.weight != nullptr) {
      for_each(on, channels, add_group_gradients_body{on.coefficients, dweight, dbias, x.batch, channels});
    }
    for_each(on, std::int64_t{x.batch} * channels,
             group_means_body{g, on.coefficients, kept, kept_stride, w,
                              fast_divisor{static_cast<std::uint32_t>(channels)}, static_cast<double>(plane), by});
    norm_dx<T>(on, x, by, before, dy, dx, adds);
  });
}

}  // namespace segx::gpu
