#include <algorithm>

#include <segx/kernels/pool2d.hpp>

#include "elements.hpp"
#include "sums.hpp"

// Pooling and enlarging. Gradients are gathered: a thread looks at all windows, or enlarged pixels, that its pixel has
// a part in. Nothing is added by several threads at once, so equal input gives equal bits.

namespace segx::gpu {

namespace {

/// The windows that may have pixel `at` of an axis, by their numbers: those of `kernel` pixels every `stride` pixels.
constexpr pixel_range windows_with(const pool2d_geometry& g, int at, int results) {
  const int after_first_end = at + g.padding - g.kernel + 1;  // the first window must begin here or later
  const int first = after_first_end <= 0 ? 0 : (after_first_end + g.stride - 1) / g.stride;
  return {first, std::min((at + g.padding) / g.stride + 1, results)};
}
constexpr pixel_range windows_with(const avg_pool2d_geometry& g, int at, int extent, int results) {
  if (!g.adaptive) { return windows_with(g.windows, at, results); }
  const int about = static_cast<int>(std::int64_t{at} * results / extent);
  pixel_range range{about, about + 1};  // neighbours overlap by a pixel
  while (range.begin > 0 && g.window(range.begin - 1, extent, results).end > at) { --range.begin; }
  while (range.end < results && g.window(range.end, extent, results).begin <= at) { ++range.end; }
  return range;
}

/// Of each of V channels, the largest value of window (i, j) and the pixel that has it: the first one, row by row, or
/// one that is NaN, as the reference's largest_of_window.
template <int V>
struct largest {
  lanes<V> value;
  std::uint32_t pixel[V];
};
template <int V, class T>
constexpr largest<V> largest_of_window(const pool2d_geometry& g, const grid& of, const elements_of<T>& x, int n, int i,
                                       int j, int channel) {
  const pixel_range rows = g.window(i, of.extent.height);
  const pixel_range columns = g.window(j, of.extent.width);
  const std::uint32_t first = of.pixel_of(n, rows.begin, columns.begin);
  largest<V> best{x.template get<V>(first, channel), {}};
  for (int v = 0; v < V; ++v) { best.pixel[v] = first; }
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int column = columns.begin; column < columns.end; ++column) {
      const std::uint32_t pixel = of.pixel_of(n, row, column);
      const lanes<V> values = x.template get<V>(pixel, channel);
      for (int v = 0; v < V; ++v) {
        const bool is_better = values.at[v] > best.value.at[v] || values.at[v] != values.at[v];
        best.value.at[v] = is_better ? values.at[v] : best.value.at[v];
        best.pixel[v] = is_better ? pixel : best.pixel[v];
      }
    }
  }
  return best;
}

template <class T, int V>
struct max_pool_body {
  grid over;  // y
  grid from;  // x
  pool2d_geometry g;
  elements_of<T> x, y;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, i, j] = over.position_of(at.pixel);
    y.template set<V>(at.pixel, at.channel, largest_of_window<V>(g, from, x, n, i, j, at.channel).value);
  }
};

template <class T, int V>
struct max_pool_dx_body {
  grid over;  // x
  grid to;    // y
  pool2d_geometry g;
  elements_of<T> x, dy, dx;
  bool adds;
  float relu_scale;  // 0: no ReLU is taken along
  const step_values* step;

  /// `relu_scale` is 1 / (1 − p) of a dropout of p, whose strength the step knows.
  constexpr float scale_now() const {
    return step == nullptr ? relu_scale : 1 / (1 - (1 - 1 / relu_scale) * step->dropout);
  }

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, row, column] = over.position_of(at.pixel);
    const pixel_range down = windows_with(g, row, to.extent.height);
    const pixel_range across = windows_with(g, column, to.extent.width);
    lanes<V> sum{};
    for (int i = down.begin; i < down.end; ++i) {
      for (int j = across.begin; j < across.end; ++j) {
        const largest<V> best = largest_of_window<V>(g, over, x, n, i, j, at.channel);
        const lanes<V> gradient = dy.template get<V>(to.pixel_of(n, i, j), at.channel);
        for (int v = 0; v < V; ++v) { sum.at[v] += best.pixel[v] == at.pixel ? gradient.at[v] : 0; }
      }
    }
    if (relu_scale > 0) {
      const lanes<V> result = x.template get<V>(at.pixel, at.channel);
      const lanes<V> before = adds ? dx.template get<V>(at.pixel, at.channel) : lanes<V>{};
      const float scale = scale_now();
      for (int v = 0; v < V; ++v) { sum.at[v] = result.at[v] > 0 ? (before.at[v] + sum.at[v]) * scale : 0; }
    }
    dx.template put<V>(at.pixel, at.channel, sum, adds && relu_scale == 0);
  }
};

template <class T, int V>
struct avg_pool_body {
  grid over;  // y
  grid from;  // x
  avg_pool2d_geometry g;
  elements_of<T> x, y;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, i, j] = over.position_of(at.pixel);
    const pixel_range rows = g.window(i, from.extent.height, over.extent.height);
    const pixel_range columns = g.window(j, from.extent.width, over.extent.width);
    double sum[V] = {};
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) {
        const lanes<V> values = x.template get<V>(from.pixel_of(n, row, column), at.channel);
        for (int v = 0; v < V; ++v) { sum[v] += values.at[v]; }
      }
    }
    lanes<V> mean{};
    for (int v = 0; v < V; ++v) { mean.at[v] = static_cast<float>(sum[v] / g.count(rows, columns)); }
    y.template set<V>(at.pixel, at.channel, mean);
  }
};

template <class T, int V>
struct avg_pool_dx_body {
  grid over;  // dx
  grid to;    // dy
  avg_pool2d_geometry g;
  elements_of<T> dy, dx;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, row, column] = over.position_of(at.pixel);
    const pixel_range down = windows_with(g, row, over.extent.height, to.extent.height);
    const pixel_range across = windows_with(g, column, over.extent.width, to.extent.width);
    lanes<V> sum{};
    for (int i = down.begin; i < down.end; ++i) {
      const pixel_range rows = g.window(i, over.extent.height, to.extent.height);
      for (int j = across.begin; j < across.end; ++j) {
        const pixel_range columns = g.window(j, over.extent.width, to.extent.width);
        const lanes<V> gradient = dy.template get<V>(to.pixel_of(n, i, j), at.channel);
        for (int v = 0; v < V; ++v) { sum.at[v] += gradient.at[v] / static_cast<float>(g.count(rows, columns)); }
      }
    }
    dx.template put<V>(at.pixel, at.channel, sum, adds);
  }
};

template <class T>
struct plane_term {
  elements_of<T> x;
  std::uint32_t plane;

  template <int V>
  constexpr auto of(std::uint32_t n, int channel) const {
    return [this, first = n * plane, channel](std::uint32_t p, float(&sums)[1][V]) {
      const lanes<V> values = x.template get<V>(first + p, channel);
      for (int v = 0; v < V; ++v) { sums[0][v] += values.at[v]; }
    };
  }
};

template <class T>
struct write_mean {
  elements_of<T> y;
  double plane;

  constexpr void operator()(std::uint32_t n, int channel, const double (&sums)[1]) const {
    y.set(n, channel, static_cast<float>(sums[0] / plane));
  }
};

/// dx (+)= dy[n,c] · share
template <class T, int V>
struct spread_body {
  grid over;
  elements_of<T> dy, dx;
  float share;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = dy.template get<V>(static_cast<std::uint32_t>(over.image(at.pixel)), at.channel);
    for (int v = 0; v < V; ++v) { values.at[v] *= share; }
    dx.template put<V>(at.pixel, at.channel, values, adds);
  }
};

template <class T, int V>
struct upsample_body {
  grid over;  // y
  grid from;  // x
  upsample2d_geometry g;
  elements_of<T> x, y;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, i, j] = over.position_of(at.pixel);
    if (g.mode == interpolation::nearest) {
      const std::uint32_t source = from.pixel_of(n, i / g.factor, j / g.factor);
      y.template set<V>(at.pixel, at.channel, x.template get<V>(source, at.channel));
      return;
    }
    const upsample2d_source row = upsample2d_axis{g, from.extent.height}(i);
    const upsample2d_source column = upsample2d_axis{g, from.extent.width}(j);
    const lanes<V> a = x.template get<V>(from.pixel_of(n, row.low, column.low), at.channel);
    const lanes<V> b = x.template get<V>(from.pixel_of(n, row.low, column.high), at.channel);
    const lanes<V> c = x.template get<V>(from.pixel_of(n, row.high, column.low), at.channel);
    const lanes<V> d = x.template get<V>(from.pixel_of(n, row.high, column.high), at.channel);
    const auto down = static_cast<float>(row.share), across = static_cast<float>(column.share);
    lanes<V> values{};
    for (int v = 0; v < V; ++v) {
      values.at[v] =
          (1 - down) * ((1 - across) * a.at[v] + across * b.at[v]) + down * ((1 - across) * c.at[v] + across * d.at[v]);
    }
    y.template set<V>(at.pixel, at.channel, values);
  }
};

/// What pixel `at` of an axis has in the enlarged pixel `result`.
constexpr float share_in(const upsample2d_axis& axis, int at, int result) {
  const upsample2d_source source = axis(result);
  return static_cast<float>((source.low == at ? 1 - source.share : 0) + (source.high == at ? source.share : 0));
}

template <class T, int V>
struct upsample_dx_body {
  grid over;  // dx
  grid to;    // dy
  upsample2d_geometry g;
  elements_of<T> dy, dx;
  bool adds;

  /// Enlarged pixels that may take from pixel `at`: sources lie between factor · (at − 1) and factor · (at + 1), and a
  /// little further apart where corners are aligned.
  constexpr pixel_range takers(int at, int extent) const {
    if (g.mode == interpolation::nearest) { return {at * g.factor, (at + 1) * g.factor}; }
    const upsample2d_axis axis{g, extent};
    const int results = extent * g.factor;
    pixel_range range{std::max((at - 1) * g.factor, 0), std::min((at + 2) * g.factor, results)};
    while (range.begin > 0 && axis(range.begin - 1).high >= at) { --range.begin; }
    while (range.end < results && axis(range.end).low <= at) { ++range.end; }
    return range;
  }

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, row, column] = over.position_of(at.pixel);
    const pixel_range down = takers(row, over.extent.height);
    const pixel_range across = takers(column, over.extent.width);
    const upsample2d_axis rows{g, over.extent.height}, columns{g, over.extent.width};
    const bool is_nearest = g.mode == interpolation::nearest;
    lanes<V> sum{};
    for (int i = down.begin; i < down.end; ++i) {
      const float of_row = is_nearest ? 1 : share_in(rows, row, i);
      if (of_row == 0) { continue; }
      for (int j = across.begin; j < across.end; ++j) {
        const float of_column = is_nearest ? 1 : share_in(columns, column, j);
        if (of_column == 0) { continue; }
        const lanes<V> gradient = dy.template get<V>(to.pixel_of(n, i, j), at.channel);
        for (int v = 0; v < V; ++v) { sum.at[v] += of_row * of_column * gradient.at[v]; }
      }
    }
    dx.template put<V>(at.pixel, at.channel, sum, adds);
  }
};

}  // namespace

void max_pool(const queue& on, const pool2d_geometry& g, tensor x, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y}, [&](auto v) {
      return max_pool_body<T, v>{grid{y.extent, v}, grid{x.extent, v}, g, elements_of<T>{x}, elements_of<T>{y}};
    });
  });
}

void max_pool_backward(const queue& on, const pool2d_geometry& g, tensor x, tensor dy, tensor dx, bool adds,
                       float relu_scale) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, dx, {x, dy, dx}, [&](auto v) {
      return max_pool_dx_body<T, v>{grid{dx.extent, v},
                                    grid{dy.extent, v},
                                    g,
                                    elements_of<T>{x},
                                    elements_of<T>{dy},
                                    elements_of<T>{dx},
                                    adds,
                                    relu_scale,
                                    on.step};
    });
  });
}

void avg_pool(const queue& on, const avg_pool2d_geometry& g, tensor x, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y}, [&](auto v) {
      return avg_pool_body<T, v>{grid{y.extent, v}, grid{x.extent, v}, g, elements_of<T>{x}, elements_of<T>{y}};
    });
  });
}

void avg_pool_backward(const queue& on, const avg_pool2d_geometry& g, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, dx, {dy, dx}, [&](auto v) {
      return avg_pool_dx_body<T, v>{grid{dx.extent, v}, grid{dy.extent, v}, g,
                                    elements_of<T>{dy}, elements_of<T>{dx}, adds};
    });
  });
}

void global_avg_pool(const queue& on, tensor x, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    const auto plane = static_cast<std::uint32_t>(x.extent.plane());
    sum_channels<1, T>(on, x.batch, plane, x.extent.channels, plane_term<T>{elements_of<T>{x}, plane},
                       write_mean<T>{elements_of<T>{y}, static_cast<double>(plane)}, x);
  });
}

void global_avg_pool_backward(const queue& on, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, dx, {dy, dx}, [&](auto v) {
      return spread_body<T, v>{grid{dx.extent, v}, elements_of<T>{dy}, elements_of<T>{dx},
                               1 / static_cast<float>(dx.extent.plane()), adds};
    });
  });
}

void upsample(const queue& on, const upsample2d_geometry& g, tensor x, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y}, [&](auto v) {
      return upsample_body<T, v>{grid{y.extent, v}, grid{x.extent, v}, g, elements_of<T>{x}, elements_of<T>{y}};
    });
  });
}

void upsample_backward(const queue& on, const upsample2d_geometry& g, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, dx, {dy, dx}, [&](auto v) {
      return upsample_dx_body<T, v>{grid{dx.extent, v}, grid{dy.extent, v}, g,
                                    elements_of<T>{dy}, elements_of<T>{dx}, adds};
    });
  });
}

}  // namespace segx::gpu
