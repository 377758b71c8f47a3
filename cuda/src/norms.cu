#include <cmath>

#include "elements.hpp"
#include "sums.hpp"

// Batch and group normalisation. Sums are in double, as the difference of squares would cost digits otherwise, and the
// GPUs that segx is for add doubles faster than memory brings floats.
//
// on.coefficients holds up to four rows of C doubles for each image: [N][4][C].

namespace segx::gpu {

namespace {

/// Σ x and Σ x² over a segment of `pixels` pixels.
template <class T>
struct moments_term {
  elements_of<T> x;
  std::uint32_t pixels;

  constexpr void operator()(std::uint32_t segment, std::uint32_t p, int channel, double (&sums)[2]) const {
    const double value = x(segment * pixels + p, channel);
    sums[0] += value;
    sums[1] += value * value;
  }
};

/// Σ dy and Σ dy · x̂
template <class T>
struct gradient_term {
  elements_of<T> x, dy;
  const float* kept;  // mean, 1 / √(var + ε)
  std::int64_t kept_stride;
  std::uint32_t pixels;
  int channels;

  constexpr void operator()(std::uint32_t segment, std::uint32_t p, int channel, double (&sums)[2]) const {
    const float* of = kept + segment * kept_stride;
    const std::uint32_t pixel = segment * pixels + p;
    const double gradient = dy(pixel, channel);
    const double mean = of[channel], scale = of[channels + channel];
    sums[0] += gradient;
    sums[1] += gradient * (x(pixel, channel) - mean) * scale;
  }
};

struct keep_batch_moments {
  double count, epsilon;
  float* kept;
  int channels;

  constexpr void operator()(std::uint32_t, int channel, const double (&sums)[2]) const {
    const double mean = sums[0] / count;
    const double variance = std::max(sums[1] / count - mean * mean, 0.0);
    kept[channel] = static_cast<float>(mean);
    kept[channels + channel] = static_cast<float>(1 / std::sqrt(variance + epsilon));
  }
};

struct keep_running_body {
  const float *mean, *variance;
  double epsilon;
  float* kept;
  int channels;

  constexpr void operator()(std::uint32_t c) const {
    kept[c] = mean[c];
    kept[static_cast<std::uint32_t>(channels) + c] = static_cast<float>(1 / std::sqrt(variance[c] + epsilon));
  }
};

/// Adds to the gradients of a batch normalisation, and keeps what dx needs: γ · Σ dy / M and γ · Σ dy·x̂ / M.
struct add_batch_gradients {
  batch_norm2d_geometry g;
  double count;
  const float *kept, *weight, *running_mean, *running_variance;
  batch_norm_gradients d;
  double* coefficients;
  int channels;

  constexpr void operator()(std::uint32_t, int c, const double (&sums)[2]) const {
    d.weight[c] += static_cast<float>(sums[1]);
    d.bias[c] += static_cast<float>(sums[0]);
    const bool uses_batch = d.mean != nullptr;
    if (uses_batch) {
      const double mean = kept[c], scale = kept[channels + c];
      const double unbiased = (1 / (scale * scale) - g.epsilon) * count / std::max(count - 1, 1.0);
      d.mean[c] += static_cast<float>(g.momentum * (running_mean[c] - mean));
      d.variance[c] += static_cast<float>(g.momentum * (running_variance[c] - unbiased));
    }
    coefficients[c] = uses_batch ? weight[c] * sums[0] / count : 0;
    coefficients[channels + c] = uses_batch ? weight[c] * sums[1] / count : 0;
  }
};

/// Row `first` and the next one of an image's coefficients, for each channel.
struct keep_coefficients {
  double* coefficients;
  int channels;
  int first;

  constexpr void operator()(std::uint32_t n, int c, const double (&sums)[2]) const {
    double* of = coefficients + (static_cast<std::size_t>(n) * 4 + static_cast<std::size_t>(first)) *
                                    static_cast<std::size_t>(channels);
    of[c] = sums[0];
    of[channels + c] = sums[1];
  }
};

/// Mean and 1 / √(var + ε) of a group, from Σ x and Σ x² of its channels; a thread for each channel of each image.
struct keep_group_moments_body {
  group_norm2d_geometry g;
  const double* coefficients;
  float* kept;
  std::int64_t kept_stride;
  fast_divisor channels;
  double plane;

  constexpr void operator()(std::uint32_t thread) const {
    const std::uint32_t n = channels.quotient(thread);
    const auto c = static_cast<int>(channels.rest(thread));
    const auto count = static_cast<int>(channels.divisor());
    const int size = g.channels_of_group(count);
    const double* of = coefficients + std::size_t{n} * 4 * channels.divisor();
    double sum = 0, squares = 0;
    for (int other = c / size * size; other < (c / size + 1) * size; ++other) {
      sum += of[other];
      squares += of[count + other];
    }
    const double values = size * plane;
    const double mean = sum / values;
    const double variance = std::max(squares / values - mean * mean, 0.0);
    kept[n * kept_stride + c] = static_cast<float>(mean);
    kept[n * kept_stride + count + c] = static_cast<float>(1 / std::sqrt(variance + g.epsilon));
  }
};

/// From rows 0 and 1, Σ dy and Σ dy·x̂, to rows 2 and 3, the means over the group of γ·dy and γ·dy·x̂.
struct group_means_body {
  group_norm2d_geometry g;
  double* coefficients;
  const float* weight;
  fast_divisor channels;
  double plane;

  constexpr void operator()(std::uint32_t thread) const {
    const std::uint32_t n = channels.quotient(thread);
    const auto c = static_cast<int>(channels.rest(thread));
    const auto count = static_cast<int>(channels.divisor());
    const int size = g.channels_of_group(count);
    double* of = coefficients + std::size_t{n} * 4 * channels.divisor();
    double sum = 0, product = 0;
    for (int other = c / size * size; other < (c / size + 1) * size; ++other) {
      const double gamma = weight == nullptr ? 1 : weight[other];
      sum += gamma * of[other];
      product += gamma * of[count + other];
    }
    of[2 * count + c] = sum / (size * plane);
    of[3 * count + c] = product / (size * plane);
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
      const double* of = coefficients + static_cast<std::size_t>(n) * 4 * static_cast<std::size_t>(channels);
      sum += of[c];
      product += of[static_cast<std::uint32_t>(channels) + c];
    }
    dweight[c] += static_cast<float>(product);
    dbias[c] += static_cast<float>(sum);
  }
};

/// y = then((x − mean) · scale · γ + β)
template <class T, int V>
struct apply_body {
  grid over;
  elements_of<T> x, y;
  const float* kept;  // of each image, or the same for all: stride 0
  std::int64_t kept_stride;
  norm_weights w;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = x.template get<V>(at.pixel, at.channel);
    const float* of = kept + over.image(at.pixel) * kept_stride;
    for (int v = 0; v < V; ++v) {
      const int c = at.channel + v;
      values.at[v] = (values.at[v] - of[c]) * of[over.extent.channels + c];
      if (w.weight != nullptr) { values.at[v] = values.at[v] * w.weight[c] + w.bias[c]; }
    }
    then.apply(over, at, values);
    y.template set<V>(at.pixel, at.channel, values);
  }
};

/// The same by running statistics that nobody kept.
template <class T>
struct apply_running_body {
  grid over;
  elements_of<T> x, y;
  const float *mean, *variance;
  double epsilon;
  norm_weights w;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    const int c = at.channel;
    const double scale = 1 / std::sqrt(variance[c] + epsilon);
    lanes<1> value{static_cast<float>((x(at.pixel, c) - mean[c]) * scale) * w.weight[c] + w.bias[c]};
    then.apply(over, at, value);
    y.template set<1>(at.pixel, c, value);
  }
};

/// dx (+)= (γ · dy − a − x̂ · b) · scale, with a and b the rows `first` and the next one of the coefficients
template <class T, int V>
struct norm_dx_body {
  grid over;
  elements_of<T> x, dy, dx;
  const float* kept;
  std::int64_t kept_stride;
  const float* weight;
  const double* coefficients;
  std::int64_t coefficients_stride;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const int channels = over.extent.channels;
    const int n = over.image(at.pixel);
    const float* of = kept + n * kept_stride;
    const double* means = coefficients + n * coefficients_stride;
    const lanes<V> values = x.template get<V>(at.pixel, at.channel);
    lanes<V> gradient = dy.template get<V>(at.pixel, at.channel);
    for (int v = 0; v < V; ++v) {
      const int c = at.channel + v;
      const float scale = of[channels + c];
      const float normal = (values.at[v] - of[c]) * scale;
      const float gamma = weight == nullptr ? 1 : weight[c];
      gradient.at[v] =
          (gamma * gradient.at[v] - static_cast<float>(means[c]) - normal * static_cast<float>(means[channels + c])) *
          scale;
    }
    dx.template put<V>(at.pixel, at.channel, gradient, adds);
  }
};

template <class T>
void apply(const queue& on, tensor x, const float* kept, std::int64_t kept_stride, norm_weights w, tensor y,
           const epilogue& then, std::uint32_t seed) {
  with_lanes(
      on.stored,
      [&](auto v) {
        for_each(on, threads_over(y, v),
                 apply_body<T, v>{
                     grid{y.extent, v}, elements_of<T>{x}, elements_of<T>{y}, kept, kept_stride, w, {on, then, seed}});
      },
      x, y);
}

template <class T>
void norm_dx(const queue& on, tensor x, const float* kept, std::int64_t kept_stride, const float* weight,
             const double* coefficients, std::int64_t coefficients_stride, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_lanes(
      on.stored,
      [&](auto v) {
        for_each(on, threads_over(dx, v),
                 norm_dx_body<T, v>{grid{dx.extent, v}, elements_of<T>{x}, elements_of<T>{dy}, elements_of<T>{dx}, kept,
                                    kept_stride, weight, coefficients, coefficients_stride, adds});
      },
      x, dy, dx);
}

}  // namespace

void batch_norm(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, float* kept, tensor y,
                const epilogue& then, std::uint32_t seed) {
  const int channels = x.extent.channels;
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<2>(on, 1, x.pixels(), channels, moments_term<T>{elements_of<T>{x}, 0},
                    keep_batch_moments{static_cast<double>(x.pixels()), g.epsilon, kept, channels});
    apply<T>(on, x, kept, 0, w, y, then, seed);
  });
}

void batch_norm_by(const queue& on, const batch_norm2d_geometry& g, tensor x, norm_weights w, const float* mean,
                   const float* variance, float* kept, tensor y, const epilogue& then, std::uint32_t seed) {
  const int channels = x.extent.channels;
  if (kept != nullptr) { for_each(on, channels, keep_running_body{mean, variance, g.epsilon, kept, channels}); }
  with_stored(on.stored, [&]<class T>(T) {
    for_each(
        on, threads_over(y, 1),
        apply_running_body<T>{
            grid{y.extent, 1}, elements_of<T>{x}, elements_of<T>{y}, mean, variance, g.epsilon, w, {on, then, seed}});
  });
}

void batch_norm_backward(const queue& on, const batch_norm2d_geometry& g, tensor x, const float* kept,
                         const float* weight, const float* running_mean, const float* running_variance, tensor dy,
                         tensor dx, bool adds, const batch_norm_gradients& d) {
  const int channels = x.extent.channels;
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<2>(on, 1, x.pixels(), channels,
                    gradient_term<T>{elements_of<T>{x}, elements_of<T>{dy}, kept, 0, 0, channels},
                    add_batch_gradients{g, static_cast<double>(x.pixels()), kept, weight, running_mean,
                                        running_variance, d, on.coefficients, channels});
    norm_dx<T>(on, x, kept, 0, weight, on.coefficients, 0, dy, dx, adds);
  });
}

void group_norm(const queue& on, const group_norm2d_geometry& g, tensor x, norm_weights w, float* kept,
                std::int64_t kept_stride, tensor y, const epilogue& then, std::uint32_t seed) {
  const int channels = x.extent.channels;
  const auto plane = static_cast<std::uint32_t>(x.extent.plane());
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<2>(on, x.batch, plane, channels, moments_term<T>{elements_of<T>{x}, plane},
                    keep_coefficients{on.coefficients, channels, 0});
    for_each(on, std::int64_t{x.batch} * channels,
             keep_group_moments_body{g, on.coefficients, kept, kept_stride,
                                     fast_divisor{static_cast<std::uint32_t>(channels)}, static_cast<double>(plane)});
    apply<T>(on, x, kept, kept_stride, w, y, then, seed);
  });
}

void group_norm_backward(const queue& on, const group_norm2d_geometry& g, tensor x, const float* kept,
                         std::int64_t kept_stride, const float* weight, tensor dy, tensor dx, bool adds, float* dweight,
                         float* dbias) {
  const int channels = x.extent.channels;
  const auto plane = static_cast<std::uint32_t>(x.extent.plane());
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<2>(on, x.batch, plane, channels,
                    gradient_term<T>{elements_of<T>{x}, elements_of<T>{dy}, kept, kept_stride, plane, channels},
                    keep_coefficients{on.coefficients, channels, 0});
    if (weight != nullptr) {
      for_each(on, channels, add_group_gradients_body{on.coefficients, dweight, dbias, x.batch, channels});
    }
    for_each(on, std::int64_t{x.batch} * channels,
             group_means_body{g, on.coefficients, weight, fast_divisor{static_cast<std::uint32_t>(channels)},
                              static_cast<double>(plane)});
    norm_dx<T>(on, x, kept, kept_stride, weight, on.coefficients + 2 * channels, std::int64_t{4} * channels, dy, dx,
               adds);
  });
}

}  // namespace segx::gpu
