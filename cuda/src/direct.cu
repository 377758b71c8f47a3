#include "elements.hpp"
#include "sums.hpp"

// Convolutions by plain sums, a thread for each value of the result: of groups, where each value has few factors (each
// channel's own, mostly), and with zeros at one end only, which cuDNN does not know. And the gradient of biases, and
// the two forms of weights.

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
    for (int r = 0; r < g.kernel; ++r) {
      const int row = i * g.stride + r * g.dilation - g.padding;
      if (row < 0 || row >= from.extent.height) { continue; }
      for (int s = 0; s < g.kernel; ++s) {
        const int column = j * g.stride + s * g.dilation - g.padding;
        if (column < 0 || column >= from.extent.width) { continue; }
        const std::uint32_t pixel = from.pixel_of(n, row, column);
        const T* tap = weights + (r * g.kernel + s) * depth;
        float of_tap = 0;  // a sum of sums keeps more digits
        for (int c = 0; c < depth; ++c) { of_tap += to_float(tap[c]) * x(pixel, first + c); }
        sum += of_tap;
      }
    }
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
    for (int r = 0; r < g.kernel; ++r) {
      const meeting down = meeting_of(g, row, r, to.extent.height);
      if (!down.exists) { continue; }
      for (int s = 0; s < g.kernel; ++s) {
        const meeting across = meeting_of(g, column, s, to.extent.width);
        if (!across.exists) { continue; }
        const std::uint32_t pixel = to.pixel_of(n, down.result, across.result);
        float of_tap = 0;
        for (int k = group * results; k < (group + 1) * results; ++k) {
          const std::int64_t tap = (std::int64_t{k} * g.kernel + r) * g.kernel + s;
          of_tap += to_float(w[tap * depth + c]) * dy(pixel, k);
        }
        sum += of_tap;
      }
    }
    dx.put(at.pixel, at.channel, sum, adds);
  }
};

/// Segments are taps [R,R,C/groups] from `first` on; channels those of y:  Σ dy[k] · x at the tap
template <class T>
struct weights_term {
  grid over;  // y
  grid from;  // x
  conv2d_geometry g;
  elements_of<T> x, dy;
  int first;

  constexpr void operator()(std::uint32_t segment, std::uint32_t pixel, int k, double (&sums)[1]) const {
    const int depth = from.extent.channels / g.groups;
    const int tap = first + static_cast<int>(segment);
    const int c = tap % depth;
    const int r = tap / depth / g.kernel, s = tap / depth % g.kernel;
    const auto [n, i, j] = over.position_of(pixel);
    const int row = i * g.stride + r * g.dilation - g.padding;
    const int column = j * g.stride + s * g.dilation - g.padding;
    if (row < 0 || column < 0 || row >= from.extent.height || column >= from.extent.width) { return; }
    const int channel = k / (over.extent.channels / g.groups) * depth + c;
    sums[0] += static_cast<double>(dy(pixel, k)) * x(from.pixel_of(n, row, column), channel);
  }
};

template <class T>
struct write_weight {
  T* dw;
  int taps, first;

  constexpr void operator()(std::uint32_t segment, int k, const double (&sums)[1]) const {
    dw[static_cast<std::int64_t>(k) * taps + first + static_cast<int>(segment)] =
        from_float<T>(static_cast<float>(sums[0]));
  }
};

template <class T>
struct value_term {
  elements_of<T> dy;
  constexpr void operator()(std::uint32_t, std::uint32_t pixel, int channel, double (&sums)[1]) const {
    sums[0] += dy(pixel, channel);
  }
};

struct add_to_bias {
  float* db;
  constexpr void operator()(std::uint32_t, int channel, const double (&sums)[1]) const {
    db[channel] += static_cast<float>(sums[0]);
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

}  // namespace

void direct_convolution(const queue& on, const conv2d_geometry& g, tensor x, const void* w, tensor y, bool adds) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, threads_over(y, 1),
             forward_body<T>{grid{y.extent, 1}, grid{x.extent, 1}, g, elements_of<T>{x}, static_cast<const T*>(w),
                             elements_of<T>{y}, adds});
  });
}

void direct_gradient_of_data(const queue& on, const conv2d_geometry& g, tensor dy, const void* w, tensor dx,
                             bool adds) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, threads_over(dx, 1),
             data_body<T>{grid{dx.extent, 1}, grid{dy.extent, 1}, g, elements_of<T>{dy}, static_cast<const T*>(w),
                          elements_of<T>{dx}, adds});
  });
}

void direct_gradient_of_weights(const queue& on, const conv2d_geometry& g, tensor x, tensor dy, void* dw) {
  const int taps = g.kernel * g.kernel * (x.extent.channels / g.groups);
  const int channels = dy.extent.channels;
  const auto at_once = static_cast<int>(std::clamp<std::int64_t>(on.sums_capacity / channels, 1, taps));
  with_stored(on.stored, [&]<class T>(T) {
    for (int first = 0; first < taps; first += at_once) {
      sum_channels<1>(
          on, std::min(at_once, taps - first), dy.pixels(), channels,
          weights_term<T>{grid{dy.extent, 1}, grid{x.extent, 1}, g, elements_of<T>{x}, elements_of<T>{dy}, first},
          write_weight<T>{static_cast<T*>(dw), taps, first});
    }
  });
}

void gradient_of_bias(const queue& on, tensor dy, float* db) {
  if (db == nullptr) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<1>(on, 1, dy.pixels(), dy.extent.channels, value_term<T>{elements_of<T>{dy}}, add_to_bias{db});
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
