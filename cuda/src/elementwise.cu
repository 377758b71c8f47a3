#include "elements.hpp"
#include "sums.hpp"

// Activations, dropout, sums, copies, products with factors, softmax. A thread works on V channels of one pixel.

namespace segx::gpu {

namespace {

template <class T, int V>
struct finish_body {
  grid over;
  elements_of<T> x, y;
  const float* bias;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = x.template get<V>(at.pixel, at.channel);
    if (bias != nullptr) {
      for (int v = 0; v < V; ++v) { values.at[v] += bias[at.channel + v]; }
    }
    then.apply(over, at, values);
    y.template set<V>(at.pixel, at.channel, values);
  }
};

template <class T, int V>
struct add_body {
  grid over;
  elements_of<T> a, b, y;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = a.template get<V>(at.pixel, at.channel);
    const lanes<V> others = b.template get<V>(at.pixel, at.channel);
    for (int v = 0; v < V; ++v) { values.at[v] += others.at[v]; }
    then.apply(over, at, values);
    y.template set<V>(at.pixel, at.channel, values);
  }
};

template <class T, int V>
struct slope_body {
  grid over;
  elements_of<T> known, dy;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> gradient = dy.template get<V>(at.pixel, at.channel);
    then.times_slope<T>(over, at, known.template get<V>(at.pixel, at.channel), gradient);
    dy.template set<V>(at.pixel, at.channel, gradient);
  }
};

/// Σ of what slope_body makes of dy, on its way; dy as it is, where there is no epilogue.
template <class T>
struct bias_term {
  grid over;
  elements_of<T> known, dy;
  applied_epilogue then;

  template <int V>
  constexpr auto of(std::uint32_t, int channel) const {
    return [this, channel](std::uint32_t pixel, float(&sums)[1][V]) {
      lanes<V> gradient = dy.template get<V>(pixel, channel);
      if (!then.then.empty()) {
        then.template times_slope<T>(over, {pixel, channel}, known.template get<V>(pixel, channel), gradient);
        dy.template set<V>(pixel, channel, gradient);
      }
      for (int v = 0; v < V; ++v) { sums[0][v] += gradient.at[v]; }
    };
  }
};

struct add_to_bias {
  float* db;
  constexpr void operator()(std::uint32_t, int channel, const double (&sums)[1]) const {
    db[channel] += static_cast<float>(sums[0]);
  }
};

template <class T, int V>
struct copy_body {
  grid over;
  elements_of<T> from, to;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    to.template put<V>(at.pixel, at.channel, from.template get<V>(at.pixel, at.channel), adds);
  }
};

/// The factor of an element: of its channel in its image, or of its pixel.
template <class T, bool OfPlane>
struct factor_source {
  elements_of<T> factor;

  template <int V>
  constexpr lanes<V> at(const grid& over, spot s) const {
    lanes<V> result{};
    if constexpr (OfPlane) {
      const float f = factor(s.pixel, 0);
      for (int v = 0; v < V; ++v) { result.at[v] = f; }
    } else {
      result = factor.template get<V>(static_cast<std::uint32_t>(over.image(s.pixel)), s.channel);
    }
    return result;
  }
};

template <class T, int V, bool OfPlane>
struct scale_body {
  grid over;
  elements_of<T> x, y;
  factor_source<T, OfPlane> factor;
  applied_epilogue then;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = x.template get<V>(at.pixel, at.channel);
    const lanes<V> factors = factor.template at<V>(over, at);
    for (int v = 0; v < V; ++v) { values.at[v] *= factors.at[v]; }
    then.apply(over, at, values);
    y.template set<V>(at.pixel, at.channel, values);
  }
};

/// dx (+)= dy · factor
template <class T, int V, bool OfPlane>
struct scale_dx_body {
  grid over;
  elements_of<T> dy, dx;
  factor_source<T, OfPlane> factor;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = dy.template get<V>(at.pixel, at.channel);
    const lanes<V> factors = factor.template at<V>(over, at);
    for (int v = 0; v < V; ++v) { values.at[v] *= factors.at[v]; }
    dx.template put<V>(at.pixel, at.channel, values, adds);
  }
};

/// Σ x · dy over the pixels of an image
template <class T>
struct product_term {
  elements_of<T> x, dy;
  std::uint32_t plane;

  template <int V>
  constexpr auto of(std::uint32_t n, int channel) const {
    return [this, first = n * plane, channel](std::uint32_t p, float(&sums)[1][V]) {
      const lanes<V> values = x.template get<V>(first + p, channel);
      const lanes<V> gradient = dy.template get<V>(first + p, channel);
      for (int v = 0; v < V; ++v) { sums[0][v] += values.at[v] * gradient.at[v]; }
    };
  }
};

/// Segments are images: their sums are tensors of one pixel.
template <class T>
struct write_pixel {
  elements_of<T> to;
  bool adds;

  constexpr void operator()(std::uint32_t n, int channel, const double (&sums)[1]) const {
    to.put(n, channel, static_cast<float>(sums[0]), adds);
  }
};

/// dfactor[n,i,j] (+)= Σ_c x · dy; a thread for each pixel
template <class T, int V>
struct plane_dfactor_body {
  elements_of<T> x, dy, dfactor;
  int channels;
  bool adds;

  constexpr void operator()(std::uint32_t pixel) const {
    double sum = 0;
    for (int c = 0; c < channels; c += V) {
      const lanes<V> values = x.template get<V>(pixel, c);
      const lanes<V> gradient = dy.template get<V>(pixel, c);
      float of_vector = 0;
      for (int v = 0; v < V; ++v) { of_vector += values.at[v] * gradient.at[v]; }
      sum += of_vector;
    }
    dfactor.put(pixel, 0, static_cast<float>(sum), adds);
  }
};

template <class T, int V>
struct prelu_body {
  grid over;
  prelu_geometry g;
  elements_of<T> x, y;
  const float* slope;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    lanes<V> values = x.template get<V>(at.pixel, at.channel);
    for (int v = 0; v < V; ++v) {
      if (!(values.at[v] > 0)) { values.at[v] *= slope[g.slope_of(at.channel + v)]; }
    }
    y.template set<V>(at.pixel, at.channel, values);
  }
};

template <class T, int V>
struct prelu_dx_body {
  grid over;
  prelu_geometry g;
  elements_of<T> x, dy, dx;
  const float* slope;
  bool adds;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<V>(thread);
    const lanes<V> values = x.template get<V>(at.pixel, at.channel);
    lanes<V> gradient = dy.template get<V>(at.pixel, at.channel);
    for (int v = 0; v < V; ++v) {
      if (!(values.at[v] > 0)) { gradient.at[v] *= slope[g.slope_of(at.channel + v)]; }
    }
    dx.template put<V>(at.pixel, at.channel, gradient, adds);
  }
};

template <class T>
struct prelu_dslope_term {
  elements_of<T> x, dy;

  template <int V>
  constexpr auto of(std::uint32_t, int channel) const {
    return [this, channel](std::uint32_t pixel, float(&sums)[1][V]) {
      const lanes<V> values = x.template get<V>(pixel, channel);
      const lanes<V> gradient = dy.template get<V>(pixel, channel);
      for (int v = 0; v < V; ++v) { sums[0][v] += values.at[v] > 0 ? 0 : gradient.at[v] * values.at[v]; }
    };
  }
};

struct keep_sum {
  double* to;
  constexpr void operator()(std::uint32_t, int channel, const double (&sums)[1]) const { to[channel] = sums[0]; }
};

/// dslope += sums[c], or of a shared slope their sum
struct prelu_dslope_body {
  prelu_geometry g;
  const double* sums;
  float* dslope;
  int channels;

  constexpr void operator()(std::uint32_t thread) const {
    double sum = 0;
    const int first = static_cast<int>(thread);
    for (int c = first; c < (g.shared ? channels : first + 1); ++c) { sum += sums[c]; }
    dslope[thread] += static_cast<float>(sum);
  }
};

/// A thread for each pixel.
template <class T>
struct softmax_body {
  elements_of<T> x, y;
  int channels;

  constexpr void operator()(std::uint32_t pixel) const {
    float largest = x(pixel, 0);
    for (int c = 1; c < channels; ++c) { largest = std::max(largest, x(pixel, c)); }
    float sum = 0;
    for (int c = 0; c < channels; ++c) { sum += std::exp(x(pixel, c) - largest); }
    for (int c = 0; c < channels; ++c) { y.set(pixel, c, std::exp(x(pixel, c) - largest) / sum); }
  }
};

template <class T>
struct softmax_dx_body {
  elements_of<T> y, dy, dx;
  int channels;
  bool adds;

  constexpr void operator()(std::uint32_t pixel) const {
    float mean = 0;  // weighted by y
    for (int c = 0; c < channels; ++c) { mean += dy(pixel, c) * y(pixel, c); }
    for (int c = 0; c < channels; ++c) { dx.put(pixel, c, y(pixel, c) * (dy(pixel, c) - mean), adds); }
  }
};

template <class T>
struct load_body {
  grid over;
  const float* from;
  elements_of<T> to;

  constexpr void operator()(std::uint32_t thread) const {
    const spot at = over.template at<1>(thread);
    to.set(at.pixel, at.channel, from[over.in_planes(at)]);
  }
};

/// A thread for each pixel, as a softmax wants all of its channels.
template <class T>
struct store_body {
  grid over;
  elements_of<T> from;
  activation head;
  float* to;

  constexpr void operator()(std::uint32_t pixel) const {
    const int channels = over.extent.channels;
    float* first = to + over.in_planes({pixel, 0});
    float largest = from(pixel, 0);
    float sum = 0;
    if (head == activation::softmax) {
      for (int c = 1; c < channels; ++c) { largest = std::max(largest, from(pixel, c)); }
      for (int c = 0; c < channels; ++c) { sum += std::exp(from(pixel, c) - largest); }
    }
    for (int c = 0; c < channels; ++c) {
      const float value = from(pixel, c);
      first[static_cast<std::size_t>(c) * over.plane.divisor()] =
          head == activation::softmax ? std::exp(value - largest) / sum : segx::detail::apply(head, 0.0F, value);
    }
  }
};

template <bool OfPlane>
void scale(const queue& on, tensor x, tensor factor, tensor y, const epilogue& then, std::uint32_t seed) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y, OfPlane ? tensor{} : factor}, [&](auto v) {
      return scale_body<T, v, OfPlane>{
          grid{y.extent, v}, elements_of<T>{x}, elements_of<T>{y}, {elements_of<T>{factor}}, {on, then, seed}};
    });
  });
}

template <bool OfPlane>
void scale_dx(const queue& on, tensor factor, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, dx, {dy, dx, OfPlane ? tensor{} : factor}, [&](auto v) {
      return scale_dx_body<T, v, OfPlane>{
          grid{dx.extent, v}, elements_of<T>{dy}, elements_of<T>{dx}, {elements_of<T>{factor}}, adds};
    });
  });
}

}  // namespace

void finish(const queue& on, tensor x, const float* bias, tensor y, const epilogue& then, std::uint32_t seed) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y}, [&](auto v) {
      return finish_body<T, v>{grid{y.extent, v}, elements_of<T>{x}, elements_of<T>{y}, bias, {on, then, seed}};
    });
  });
}

void add(const queue& on, tensor a, tensor b, tensor y, const epilogue& then, std::uint32_t seed) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {a, b, y}, [&](auto v) {
      return add_body<T, v>{
          grid{y.extent, v}, elements_of<T>{a}, elements_of<T>{b}, elements_of<T>{y}, {on, then, seed}};
    });
  });
}

void epilogue_backward(const queue& on, const epilogue& then, std::uint32_t seed, tensor known, tensor dy, float* db) {
  with_stored(on.stored, [&]<class T>(T) {
    const applied_epilogue applied{on, then, seed};
    if (db != nullptr) {
      sum_channels<1, T>(on, 1, dy.pixels(), dy.extent.channels,
                         bias_term<T>{grid{dy.extent, 1}, elements_of<T>{known}, elements_of<T>{dy}, applied},
                         add_to_bias{db}, known, dy);
    } else if (!then.empty()) {
      for_each_vector<T>(on, dy, {known, dy}, [&](auto v) {
        return slope_body<T, v>{grid{dy.extent, v}, elements_of<T>{known}, elements_of<T>{dy}, applied};
      });
    }
  });
}

void copy(const queue& on, tensor from, tensor to, bool adds) {
  if (!to || to.data == from.data) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, to, {from, to}, [&](auto v) {
      return copy_body<T, v>{grid{to.extent, v}, elements_of<T>{from}, elements_of<T>{to}, adds};
    });
  });
}

void scale_channels(const queue& on, tensor x, tensor factor, tensor y, const epilogue& then, std::uint32_t seed) {
  scale<false>(on, x, factor, y, then, seed);
}

void scale_channels_backward(const queue& on, tensor x, tensor factor, tensor dy, tensor dx, bool adds_x,
                             tensor dfactor, bool adds_factor) {
  scale_dx<false>(on, factor, dy, dx, adds_x);
  if (dfactor) {
    with_stored(on.stored, [&]<class T>(T) {
      const auto plane = static_cast<std::uint32_t>(x.extent.plane());
      sum_channels<1, T>(on, x.batch, plane, x.extent.channels,
                         product_term<T>{elements_of<T>{x}, elements_of<T>{dy}, plane},
                         write_pixel<T>{elements_of<T>{dfactor}, adds_factor}, x, dy);
    });
  }
}

void scale_planes(const queue& on, tensor x, tensor factor, tensor y, const epilogue& then, std::uint32_t seed) {
  scale<true>(on, x, factor, y, then, seed);
}

void scale_planes_backward(const queue& on, tensor x, tensor factor, tensor dy, tensor dx, bool adds_x, tensor dfactor,
                           bool adds_factor) {
  scale_dx<true>(on, factor, dy, dx, adds_x);
  if (dfactor) {
    with_stored(on.stored, [&]<class T>(T) {
      with_lanes<T>({x, dy}, [&](auto v) {
        for_each(on, x.pixels(),
                 plane_dfactor_body<T, v>{elements_of<T>{x}, elements_of<T>{dy}, elements_of<T>{dfactor},
                                          x.extent.channels, adds_factor});
      });
    });
  }
}

void prelu(const queue& on, const prelu_geometry& g, tensor x, const float* slope, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each_vector<T>(on, y, {x, y}, [&](auto v) {
      return prelu_body<T, v>{grid{y.extent, v}, g, elements_of<T>{x}, elements_of<T>{y}, slope};
    });
  });
}

void prelu_backward(const queue& on, const prelu_geometry& g, tensor x, const float* slope, tensor dy, tensor dx,
                    bool adds, float* dslope) {
  const int channels = x.extent.channels;
  with_stored(on.stored, [&]<class T>(T) {
    sum_channels<1, T>(on, 1, x.pixels(), channels, prelu_dslope_term<T>{elements_of<T>{x}, elements_of<T>{dy}},
                       keep_sum{on.coefficients}, x, dy);
    for_each(on, g.shared ? 1 : channels, prelu_dslope_body{g, on.coefficients, dslope, channels});
    if (!dx) { return; }
    for_each_vector<T>(on, dx, {x, dy, dx}, [&](auto v) {
      return prelu_dx_body<T, v>{
          grid{dx.extent, v}, g, elements_of<T>{x}, elements_of<T>{dy}, elements_of<T>{dx}, slope, adds};
    });
  });
}

void softmax(const queue& on, tensor x, tensor y) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, y.pixels(), softmax_body<T>{elements_of<T>{x}, elements_of<T>{y}, y.extent.channels});
  });
}

void softmax_backward(const queue& on, tensor y, tensor dy, tensor dx, bool adds) {
  if (!dx) { return; }
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, dx.pixels(),
             softmax_dx_body<T>{elements_of<T>{y}, elements_of<T>{dy}, elements_of<T>{dx}, dx.extent.channels, adds});
  });
}

void load_batch(const queue& on, const float* from, tensor to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, threads_over(to, 1), load_body<T>{grid{to.extent, 1}, from, elements_of<T>{to}});
  });
}

void store_batch(const queue& on, tensor from, activation head, float* to) {
  with_stored(on.stored, [&]<class T>(T) {
    for_each(on, from.pixels(), store_body<T>{grid{from.extent, 1}, elements_of<T>{from}, head, to});
  });
}

}  // namespace segx::gpu
