#include <segx/cuda/convolution.hpp>

#include "elements.hpp"
#include "sums.hpp"

// Convolutions by plain sums: of groups, where each value has few factors (each channel's own, mostly), and with zeros
// at one end only, which cuDNN does not know. A thread has a value of the result, or V channels of it where each
// channel is convolved on its own. And the gradient of biases, and the two forms of weights.

namespace segx::gpu {

namespace {

/// Pixels of y that meet pixel `at` of x through tap r of an axis: at most one.
struct meeting {
  int result;
  bool exists;
};
constexpr meeting meeting_of(const conv2d_geometry& g, int at, int tap, int results) {
  const int shifted = at + g.padding - tap * g.dilation;
  return {shifted / g.stride, shifted >= 0 && shifted % g.stride == 0 && shifted / g.stride < results};
}

/// Calls f(tap, pixel of x) for each tap r · R + s through which pixel (i, j) of y reads x.
template <class Function>
constexpr void for_each_source(const conv2d_geometry& g, const grid& from, int n, int i, int j, Function&& f) {
  for (int r = 0; r < g.kernel; ++r) {
    const int row = i * g.stride + r * g.dilation - g.padding;
    if (row < 0 || row >= from.extent.height) { continue; }
    for (int s = 0; s < g.kernel; ++s) {
      const int column = j * g.stride + s * g.dilation - g.padding;
      if (column < 0 || column >= from.extent.width) { continue; }
      f(r * g.kernel + s, from.pixel_of(n, row, column));
    }
  }
}
/// … and f(tap, pixel of y) for each through which pixel (row, column) of x is read.
template <class Function>
constexpr void for_each_reader(const conv2d_geometry& g, const grid& to, int n, int row, int column, Function&& f) {
  for (int r = 0; r < g.kernel; ++r) {
    const meeting down = meeting_of(g, row, r, to.extent.height);
    if (!down.exists) { continue; }
    for (int s = 0; s < g.kernel; ++s) {
      const meeting across = meeting_of(g, column, s, to.extent.width);
      if (!across.exists) { continue; }
      f(r * g.kernel + s, to.pixel_of(n, down.result, across.result));
    }
  }
}

template <class T>
struct forward_body {
  grid over;  // y
  grid from;  // x
  conv2d_geometry g;
  elements_of<T> x;
  const T* w;  // [K,R,R,C/groups]
  elements_of<T> y;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    const auto [n, i, j] = over.position_of(at.pixel);
    const int depth = from.extent.channels / g.groups;
    const int first = at.channel / (over.extent.channels / g.groups) * depth;
    const T* weights = w + static_cast<std::int64_t>(at.channel) * g.kernel * g.kernel * depth;
    float sum = 0;
    for_each_source(g, from, n, i, j, [&](int tap, std::uint32_t pixel) {
      const T* of_weights = weights + tap * depth;
      float of_tap = 0;  // a sum of sums keeps more digits
      for (int c = 0; c < depth; ++c) { of_tap += to_float(of_weights[c]) * x(pixel, first + c); }
      sum += of_tap;
    });
    y.put(at.pixel, at.channel, sum, adds);
  }
};

template <class T>
struct data_body {
  grid over;  // dx
  grid to;    // dy
  conv2d_geometry g;
  elements_of<T> dy;
  const T* w;
  elements_of<T> dx;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    const auto [n, row, column] = over.position_of(at.pixel);
    const int depth = over.extent.channels / g.groups;
    const int results = to.extent.channels / g.groups;
    const int group = at.channel / depth;
    const int c = at.channel - group * depth;
    float sum = 0;
    for_each_reader(g, to, n, row, column, [&](int tap, std::uint32_t pixel) {
      float of_tap = 0;
      for (int k = group * results; k < (group + 1) * results; ++k) {
        const std::int64_t place = std::int64_t{k} * g.kernel * g.kernel + tap;
        of_tap += to_float(w[place * depth + c]) * dy(pixel, k);
      }
      sum += of_tap;
    });
    dx.put(at.pixel, at.channel, sum, adds);
  }
};

/// Each channel by a kernel of its own; weights are a tensor of R·R pixels.
template <class T, int V>
struct depthwise_body {
  grid over;  // y
  grid from;  // x
  conv2d_geometry g;
  elements_of<T> x, w, y;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, i, j] = over.position_of(at.pixel);
    lanes<V> sum{};
    for_each_source(g, from, n, i, j, [&](int tap, std::uint32_t pixel) {
      const lanes<V> values = x.template get<V>(pixel, at.channel);
      const lanes<V> weights = w.template get<V>(static_cast<std::uint32_t>(tap), at.channel);
      for (int v = 0; v < V; ++v) { sum.at[v] += weights.at[v] * values.at[v]; }
    });
    y.template put<V>(at.pixel, at.channel, sum, adds);
  }
};

template <class T, int V>
struct depthwise_data_body {
  grid over;  // dx
  grid to;    // dy
  conv2d_geometry g;
  elements_of<T> dy, w, dx;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const auto [n, row, column] = over.position_of(at.pixel);
    lanes<V> sum{};
    for_each_reader(g, to, n, row, column, [&](int tap, std::uint32_t pixel) {
      const lanes<V> gradient = dy.template get<V>(pixel, at.channel);
      const lanes<V> weights = w.template get<V>(static_cast<std::uint32_t>(tap), at.channel);
      for (int v = 0; v < V; ++v) { sum.at[v] += weights.at[v] * gradient.at[v]; }
    });
    dx.template put<V>(at.pixel, at.channel, sum, adds);
  }
};

/// Σ dy[k] · x at a tap, for each channel k of y. Taps are [R,R,C/groups]; a segment is a tile of some that follow one
/// another, from tile `first` on: a thread reads dy once for all of them.
template <class T, bool Depthwise>
struct weights_term {
  static constexpr int tile = Depthwise ? 5 : 4;

  grid over;  // y
  grid from;  // x
  conv2d_geometry g;
  elements_of<T> x, dy;
  int first;

  static constexpr int taps(const conv2d_geometry& g, int channels) {
    return g.kernel * g.kernel * (channels / g.groups);
  }
  static constexpr int tiles(const conv2d_geometry& g, int channels) { return (taps(g, channels) + tile - 1) / tile; }

  /// Where the taps of a tile look, from the pixel of x that pixel (i, j) of y begins at.
  struct places {
    int row[tile], column[tile], channel[tile];
  };
  constexpr places places_of(std::uint32_t segment, int k) const {
    const int depth = Depthwise ? 1 : from.extent.channels / g.groups;
    const int group = k / (over.extent.channels / g.groups);
    places p{};
    for (int t = 0; t < tile; ++t) {
      const int tap = (first + static_cast<int>(segment)) * tile + t;
      const int c = tap % depth;
      const int r = tap / depth / g.kernel;
      p.row[t] = r < g.kernel ? r * g.dilation - g.padding : nowhere;
      p.column[t] = tap / depth % g.kernel * g.dilation - g.padding;
      p.channel[t] = group * depth + c;
    }
    return p;
  }

  template <int V>
  constexpr auto of(std::uint32_t segment, int k) const {
    return [this, k, at = places_of(segment, k)](std::uint32_t pixel, float(&sums)[tile][V]) {
      const auto [n, i, j] = over.position_of(pixel);
      const lanes<V> gradient = dy.template get<V>(pixel, k);
      for (int t = 0; t < tile; ++t) {
        const int row = i * g.stride + at.row[t];
        const int column = j * g.stride + at.column[t];
        if (row < 0 || column < 0 || row >= from.extent.height || column >= from.extent.width) { continue; }
        const std::uint32_t source = from.pixel_of(n, row, column);
        if constexpr (Depthwise) {
          const lanes<V> values = x.template get<V>(source, k);
          for (int v = 0; v < V; ++v) { sums[t][v] += gradient.at[v] * values.at[v]; }
        } else {
          const float value = x(source, at.channel[t]);
          for (int v = 0; v < V; ++v) { sums[t][v] += gradient.at[v] * value; }
        }
      }
    };
  }

 private:
  static constexpr int nowhere = -(1 << 30);
};

template <class T, bool Depthwise>
struct write_weights {
  static constexpr int tile = weights_term<T, Depthwise>::tile;

  T* dw;
  int taps, channels, first;

  constexpr void operator()(std::uint32_t segment, int k, const double (&sums)[tile]) const {
    for (int t = 0; t < tile; ++t) {
      const int tap = (first + static_cast<int>(segment)) * tile + t;
      if (tap >= taps) { return; }
      const std::int64_t place = Depthwise ? std::int64_t{tap} * channels + k : std::int64_t{k} * taps + tap;
      dw[place] = from_float<T>(static_cast<float>(sums[t]));
    }
  }
};

/// Places of an array [A,B,R,S] and of [A,R,S,B].
struct both_orders {
  fast_divisor b, taps;

  explicit both_orders(weight_extents e)
      : b{static_cast<std::uint32_t>(e.b)}, taps{static_cast<std::uint32_t>(e.r * e.s)} {}

  /// From a place in [A,R,S,B] to that in [A,B,R,S].
  constexpr std::uint32_t plain(std::uint32_t packed) const {
    const std::uint32_t rest = b.quotient(packed);
    const std::uint32_t of_b = packed - rest * b.divisor();
    const std::uint32_t a = taps.quotient(rest);
    return (a * b.divisor() + of_b) * taps.divisor() + (rest - a * taps.divisor());
  }
};

template <class T>
struct pack_body {
  both_orders order;
  const float* from;
  T* to;
  constexpr void operator()(std::uint32_t i) const { to[i] = from_float<T>(from[order.plain(i)]); }
};

template <class T>
struct add_unpacked_body {
  both_orders order;
  const T* from;
  float* to;
  constexpr void operator()(std::uint32_t i) const { to[order.plain(i)] += to_float(from[i]); }
};

/// Weights of a depthwise convolution as a tensor: taps are its pixels.
tensor weights_tensor(const conv2d_geometry& g, const void* w, int channels) {
  return {const_cast<void*>(w), 1, {channels, g.kernel, g.kernel}, channels};
}

template <class T, bool Depthwise>
void sum_weights(const queue& on, const conv2d_geometry& g, tensor x, tensor dy, void* dw) {
  using term = weights_term<T, Depthwise>;
  constexpr int most_lanes = 4;  // of `tile` sums each
  const int channels = dy.extent.channels;
  const int tiles = term::tiles(g, x.extent.channels);
  const auto at_once = static_cast<int>(std::clamp<std::int64_t>(on.sums_capacity / channels / term::tile, 1, tiles));
  // Channels of y that a thread has lie in one group.
  const tensor with = Depthwise ? x : channels_of(dy, on.stored, 0, channels / g.groups);
  for (int first = 0; first < tiles; first += at_once) {
    sum_channels<term::tile, T, float, most_lanes>(
        on, std::min(at_once, tiles - first), dy.pixels(), channels,
        term{grid{dy.extent, 1}, grid{x.extent, 1}, g, elements_of<T>{x}, elements_of<T>{dy}, first},
        write_weights<T, Depthwise>{static_cast<T*>(dw), term::taps(g, x.extent.channels), channels, first}, dy, with);
  }
}

}  // namespace

void direct_convolution(const queue& on, const conv2d_geometry& g, tensor x, const void* w, tensor y, bool adds) {
  with_stored(on.stored, [&]<class T>(T) {
    if (is_depthwise(g, x.extent.channels, y.extent.channels)) {
      const tensor weights = weights_tensor(g, w, x.extent.channels);
      for_each_vector<T>(on, y, {x, weights, y}, [&](auto v) {
        return depthwise_body<T, v>{grid{y.extent, v},       grid{x.extent, v}, g,   elements_of<T>{x},
                                    elements_of<T>{weights}, elements_of<T>{y}, adds};
      });
    } else {
      for_each(on, threads_over(y, 1),
               forward_body<T>{grid{y.extent, 1}, grid{x.extent, 1}, g, elements_of<T>{x}, static_cast<const T*>(w),
                               elements_of<T>{y}, adds});
    }
  });
}

void direct_gradient_of_data(const queue& on, const conv2d_geometry& g, tensor dy, const void* w, tensor dx,
                             bool adds) {
  with_stored(on.stored, [&]<class T>(T) {
    if (is_depthwise(g, dx.extent.channels, dy.extent.channels)) {
      const tensor weights = weights_tensor(g, w, dx.extent.channels);
      for_each_vector<T>(on, dx, {dy, weights, dx}, [&](auto v) {
        return depthwise_data_body<T, v>{grid{dx.extent, v},      grid{dy.extent, v}, g,   elements_of<T>{dy},
                                         elements_of<T>{weights}, elements_of<T>{dx}, adds};
      });
    } else {
      for_each(on, threads_over(dx, 1),
               data_body<T>{grid{dx.extent, 1}, grid{dy.extent, 1}, g, elements_of<T>{dy}, static_cast<const T*>(w),
                            elements_of<T>{dx}, adds});
    }
  });
}

void direct_gradient_of_weights(const queue& on, const conv2d_geometry& g, tensor x, tensor dy, void* dw) {
  with_stored(on.stored, [&]<class T>(T) {
    if (is_depthwise(g, x.extent.channels, dy.extent.channels)) {
      sum_weights<T, true>(on, g, x, dy, dw);
    } else {
      sum_weights<T, false>(on, g, x, dy, dw);
    }
  });
}

void pack_weights(const queue& on, weight_extents e, const float* from, void* to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, e.size(), pack_body<T>{both_orders{e}, from, static_cast<T*>(to)});
  });
}

void add_unpacked(const queue& on, weight_extents e, const void* from, float* to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, e.size(), add_unpacked_body<T>{both_orders{e}, static_cast<const T*>(from), to});
  });
}

}  // namespace segx::gpu
