#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/cuda/convolution.hpp>
#include <segx/cuda/kernels.hpp>
#include <segx/testing/compare.hpp>

#include "cases/backends.hpp"
#include "cuda/src/stored.hpp"

using namespace segx;

// Kernels on tensors wherever they may lie: on channels of a wider tensor, at addresses that allow to read 16 bytes at
// once and at others; of one pixel, and of more than a block of threads has.

namespace {

/// Where the channels of a tensor lie among those of a wider one.
struct placement {
  int first = 0;  // numbers before the first channel
  int spare = 0;  // numbers between pixels
};
constexpr placement dense{};
constexpr placement placements[] = {{8, 8}, {16, 24}, {4, 4}, {1, 0}, {0, 1}, {3, 5}};

/// Multiples of 1/64 about `mean`, which 16 bits hold near zero.
std::vector<float> drawn_values(std::int64_t size, std::uint64_t seed, float mean = 0) {
  random_generator random{seed};
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& v : values) { v = mean + (static_cast<float>(random.below(256)) - 127.5F) / 64; }
  return values;
}

/// A batch in memory of the GPU, and what surrounds it, which no kernel may touch.
template <class T>
class placed {
 public:
  placed(int batch, shape s, placement where, const std::vector<float>& values)
      : memory_(static_cast<std::size_t>(where.first + batch * s.plane() * (s.channels + where.spare) + 16)) {
    of = {memory_.data() + where.first, batch, s, s.channels + where.spare};
    std::fill(memory_.data(), memory_.data() + memory_.size(), gpu::from_float<T>(around));
    for (std::int64_t p = 0; p < of.pixels(); ++p) {
      for (int c = 0; c < s.channels; ++c) {
        at(p, c) = gpu::from_float<T>(values[static_cast<std::size_t>(p * s.channels + c)]);
      }
    }
  }

  gpu::tensor of;

  T& at(std::int64_t p, int c) const { return static_cast<T*>(of.data)[p * of.pixel + c]; }
  float operator()(std::int64_t p, int c) const { return gpu::to_float(at(p, c)); }

  /// [N·H·W,C]
  std::vector<float> values() const {
    std::vector<float> all;
    for (std::int64_t p = 0; p < of.pixels(); ++p) {
      for (int c = 0; c < of.extent.channels; ++c) { all.push_back((*this)(p, c)); }
    }
    return all;
  }
  bool surroundings_are_whole() const {
    std::vector<bool> is_part(memory_.size());
    const T* first = static_cast<T*>(of.data);
    for (std::int64_t p = 0; p < of.pixels(); ++p) {
      for (int c = 0; c < of.extent.channels; ++c) {
        is_part[static_cast<std::size_t>(first + p * of.pixel + c - memory_.data())] = true;
      }
    }
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if (!is_part[i] && gpu::to_float(memory_.data()[i]) != around) { return false; }
    }
    return true;
  }

 private:
  static constexpr float around = -77;
  shared_buffer<T> memory_;
};

template <class T>
placed<T> drawn_at(int batch, shape s, placement where, std::uint64_t seed, float mean = 0) {
  return {batch, s, where, drawn_values(batch * s.size(), seed, mean)};
}

shared_buffer<float> floats(const std::vector<float>& values) {
  shared_buffer<float> memory(values.size());
  std::copy(values.begin(), values.end(), memory.data());
  return memory;
}

template <class Test>
void for_each_number(Test&& test) {
  test(float{}, precision::fp32);
  test(gpu::bfloat16{}, precision::bf16);
  test(gpu::float16{}, precision::fp16);
}

/// |a − b| relative to what was added up.
bool is_near(double a, double b, double summands, double within = 1e-6) {
  return std::abs(a - b) <= within * summands + 1e-30;
}

}  // namespace

TEST_CASE("sums over pixels are exact to six digits wherever tensors lie, and the same when repeated", "[cuda]") {
  for_each_number([]<class T>(T, precision numbers) {
    cuda on{numbers};
    for (const int channels : {1, 3, 8, 16, 40, 136, 264, 1032}) {
      for (const shape plane : {shape{0, 1, 1}, shape{0, 5, 7}, shape{0, 61, 43}}) {
        if (channels > 100 && plane.height > 10) { continue; }
        const shape s{channels, plane.height, plane.width};
        for (const placement where : {dense, placements[0], placements[3]}) {
          INFO(channels << " channels, " << plane.height << "x" << plane.width << ", from " << where.first);
          const auto x = drawn_at<T>(2, s, where, 1), dy = drawn_at<T>(2, s, where, 2);
          const auto bias = floats(std::vector<float>(static_cast<std::size_t>(channels)));
          const auto again = floats(std::vector<float>(static_cast<std::size_t>(channels)));
          const auto dfactor = drawn_at<T>(2, {channels, 1, 1}, {}, 3);
          gpu::epilogue_backward(on.work(), {}, 0U, {}, dy.of, bias.data());
          gpu::epilogue_backward(on.work(), {}, 0U, {}, dy.of, again.data());
          gpu::scale_channels_backward(on.work(), x.of, {}, dy.of, {}, false, dfactor.of, false);
          on.in.wait();
          for (int c = 0; c < channels; ++c) {
            double sum = 0, size = 0;
            for (std::int64_t p = 0; p < dy.of.pixels(); ++p) {
              sum += dy(p, c);
              size += std::abs(dy(p, c));
            }
            CHECK(is_near(bias.data()[c], sum, size));
            CHECK(bias.data()[c] == again.data()[c]);
            for (int n = 0; n < 2; ++n) {
              double product = 0, products = 0;
              for (std::int64_t p = n * s.plane(); p < (n + 1) * s.plane(); ++p) {
                product += static_cast<double>(x(p, c)) * dy(p, c);
                products += std::abs(static_cast<double>(x(p, c)) * dy(p, c));
              }
              const float stored = gpu::to_float(gpu::from_float<T>(static_cast<float>(product)));
              const double rounding = numbers == precision::fp32 ? 1e-6 : numbers == precision::bf16 ? 1e-2 : 1e-3;
              CHECK(is_near(dfactor(n, c), stored, products, rounding));
            }
          }
        }
      }
    }
  });
}

TEST_CASE("moments keep their digits where the mean is far from zero", "[cuda]") {
  cuda on{precision::fp32};
  constexpr int channels = 12;
  const shape s{channels, 37, 41};
  const auto x = drawn_at<float>(3, s, {4, 4}, 1, 1000), y = drawn_at<float>(3, s, {}, 2);
  const auto weight = floats(std::vector<float>(channels, 1.5F)), bias = floats(std::vector<float>(channels, 0.25F));
  const auto kept = floats(std::vector<float>(2 * channels));
  gpu::batch_norm(on.work(), {}, x.of, {weight.data(), bias.data()}, kept.data(), y.of, {}, 0);
  on.in.wait();
  for (int c = 0; c < channels; ++c) {
    double mean = 0, variance = 0;
    const auto pixels = static_cast<double>(x.of.pixels());
    for (std::int64_t p = 0; p < x.of.pixels(); ++p) { mean += x(p, c) / pixels; }
    for (std::int64_t p = 0; p < x.of.pixels(); ++p) { variance += (x(p, c) - mean) * (x(p, c) - mean) / pixels; }
    const double scale = 1 / std::sqrt(variance + batch_norm2d_geometry{}.epsilon);
    CHECK(is_near(kept.data()[c], mean, mean, 1e-7));
    CHECK(is_near(kept.data()[channels + c], scale, scale, 2e-6));
    CHECK(is_near(y(7, c), (x(7, c) - mean) * scale * 1.5 + 0.25, 1, 1e-3));  // x has steps of 6e-5 there
  }
}

TEST_CASE("a channel of one value has no variance", "[cuda]") {
  cuda on{precision::fp32};
  const placed<float> x{2, {8, 9, 5}, {}, std::vector<float>(8 * 90, 1234.567F)};
  const auto y = drawn_at<float>(2, x.of.extent, {}, 1);
  const auto weight = floats(std::vector<float>(8, 1)), bias = floats(std::vector<float>(8, 0.5F));
  const auto kept = floats(std::vector<float>(16));
  gpu::batch_norm(on.work(), {}, x.of, {weight.data(), bias.data()}, kept.data(), y.of, {}, 0);
  on.in.wait();
  CHECK(kept.data()[0] == 1234.567F);
  CHECK(kept.data()[8] == static_cast<float>(1 / std::sqrt(batch_norm2d_geometry{}.epsilon)));
  CHECK(y.values() == std::vector<float>(8 * 90, 0.5F));
}

namespace {

/// What run(where) writes and gives back is the same in dense tensors and in those that lie elsewhere, but for the last
/// bit, where a compiler may join product and sum in one loop and not in another.
template <class T, class Run>
void check_placements(const Run& run) {
  const double rounding = std::is_same_v<T, float> ? 1e-6 : std::is_same_v<T, gpu::bfloat16> ? 1e-2 : 2e-3;
  const std::vector<float> expected = run(dense).values();
  for (const placement where : placements) {
    INFO("from " << where.first << ", " << where.spare << " spare");
    const placed<T> found = run(where);
    CHECK(testing::relative_error(found.values(), expected) < rounding);
    CHECK(found.surroundings_are_whole());
  }
}

}  // namespace

TEST_CASE("kernels give the same wherever tensors lie", "[cuda]") {
  for_each_number([]<class T>(T, precision numbers) {
    cuda on{numbers};
    for (const int channels : {1, 8, 24}) {
      for (const shape plane : {shape{0, 1, 1}, shape{0, 6, 9}, shape{0, 33, 31}}) {
        INFO(channels << " channels, " << plane.height << "x" << plane.width);
        const shape s{channels, plane.height, plane.width};
        const auto of = [&](placement where, std::uint64_t seed, shape extent) {
          return drawn_at<T>(2, extent, where, seed);
        };
        const auto slopes = floats(drawn_values(channels, 9));
        const auto zeros = floats(std::vector<float>(static_cast<std::size_t>(4 * channels)));
        const auto moments = floats(std::vector<float>(static_cast<std::size_t>(2 * channels), 0.5F));

        const pool2d_geometry windows{3, 2, 1};
        const shape pooled{channels, windows.output_extent(s.height), windows.output_extent(s.width)};
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s);
          auto y = of(where, 2, pooled);
          gpu::max_pool(on.work(), windows, x.of, y.of);
          on.in.wait();
          return y;
        });
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s), dy = of(where, 2, pooled);
          auto dx = of(where, 3, s);
          gpu::max_pool_backward(on.work(), windows, x.of, dy.of, dx.of, true, 1.25F);
          on.in.wait();
          return dx;
        });
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s);
          auto y = of(where, 2, pooled);
          gpu::avg_pool(on.work(), {.windows = windows}, x.of, y.of);
          on.in.wait();
          return y;
        });
        check_placements<T>([&](placement where) {
          const auto dy = of(where, 2, pooled);
          auto dx = of(where, 3, s);
          gpu::avg_pool_backward(on.work(), {.windows = windows}, dy.of, dx.of, false);
          on.in.wait();
          return dx;
        });
        for (const interpolation mode : {interpolation::nearest, interpolation::bilinear}) {
          const upsample2d_geometry twice{.factor = 2, .mode = mode};
          const shape large{channels, 2 * s.height, 2 * s.width};
          check_placements<T>([&](placement where) {
            const auto x = of(where, 1, s);
            auto y = of(where, 2, large);
            gpu::upsample(on.work(), twice, x.of, y.of);
            on.in.wait();
            return y;
          });
          check_placements<T>([&](placement where) {
            const auto dy = of(where, 2, large);
            auto dx = of(where, 3, s);
            gpu::upsample_backward(on.work(), twice, dy.of, dx.of, true);
            on.in.wait();
            return dx;
          });
        }
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s);
          auto y = of(where, 2, s);
          gpu::prelu(on.work(), {}, x.of, slopes.data(), y.of);
          on.in.wait();
          return y;
        });
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s), dy = of(where, 2, s);
          auto dx = of(where, 3, s);
          gpu::prelu_backward(on.work(), {}, x.of, slopes.data(), dy.of, dx.of, true, zeros.data());
          on.in.wait();
          return dx;
        });
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s);
          auto y = of(where, 2, s);
          gpu::batch_norm_by(on.work(), {}, x.of, {slopes.data(), slopes.data()}, slopes.data(), moments.data(),
                             nullptr, y.of, {.act = activation::relu, .dropout = 0.25F}, 5);
          on.in.wait();
          return y;
        });
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s), dy = of(where, 2, s);
          auto dx = of(where, 3, s);
          float* d = zeros.data();
          // without the batch's statistics, whose sums may differ in their last bits
          gpu::batch_norm_backward(on.work(), {}, x.of, moments.data(), {slopes.data(), slopes.data()}, slopes.data(),
                                   slopes.data(), {.act = activation::relu, .dropout = 0.25F}, 5, dy.of, dx.of, true,
                                   {d, d + channels, nullptr, nullptr});
          on.in.wait();
          return dx;
        });
        if (channels == 1) { continue; }

        const conv2d_geometry depthwise{.kernel = 3, .stride = 2, .padding = 1, .groups = channels};
        const shape y_extent{channels, depthwise.output_extent(s.height), depthwise.output_extent(s.width)};
        const auto w = drawn_at<T>(1, {channels, 3, 3}, {}, 4);
        check_placements<T>([&](placement where) {
          const auto x = of(where, 1, s);
          auto y = of(where, 2, y_extent);
          gpu::direct_convolution(on.work(), depthwise, x.of, w.of.data, y.of, false);
          on.in.wait();
          return y;
        });
        check_placements<T>([&](placement where) {
          const auto dy = of(where, 2, y_extent);
          auto dx = of(where, 3, s);
          gpu::direct_gradient_of_data(on.work(), depthwise, dy.of, w.of.data, dx.of, true);
          on.in.wait();
          return dx;
        });
      }
    }
  });
}

TEST_CASE("gradients of direct convolutions' weights are sums over all pixels, wherever tensors lie", "[cuda]") {
  struct example {
    conv2d_geometry g;
    int from, to;
  };
  const example examples[] = {{{.kernel = 3, .padding = 1, .groups = 16}, 16, 16},            // depthwise
                              {{.kernel = 5, .stride = 2, .padding = 2, .groups = 7}, 7, 7},  // 25 taps, odd
                              {{.kernel = 3, .padding = 1, .groups = 4}, 4, 16},              // several of each
                              {{.kernel = 3, .padding = 1, .groups = 2}, 10, 6},              // lanes in two groups
                              {{.kernel = 1, .padding = 0}, 1, 8},                            // one tap
                              {{.kernel = 2, .stride = 2, .padding = 0, .end_padding = 1}, 5, 12}};
  for_each_number([&]<class T>(T, precision numbers) {
    cuda on{numbers};
    for (const auto& [g, from, to] : examples) {
      for (const shape plane : {shape{0, 2, 2}, shape{0, 29, 31}}) {
        for (const placement where : {dense, placements[0], placements[3]}) {
          INFO(from << " to " << to << ", kernel " << g.kernel << ", from " << where.first);
          const shape s{from, plane.height, plane.width};
          const shape y{to, g.output_extent(s.height), g.output_extent(s.width)};
          const auto x = drawn_at<T>(2, s, where, 1), dy = drawn_at<T>(2, y, where, 2);
          const int depth = from / g.groups, taps = g.kernel * g.kernel * depth;
          const shared_buffer<T> dw(static_cast<std::size_t>(to * taps));
          gpu::direct_gradient_of_weights(on.work(), g, x.of, dy.of, dw.data());
          on.in.wait();
          const double rounding = numbers == precision::fp32 ? 1e-6 : numbers == precision::bf16 ? 4e-3 : 5e-4;
          const bool is_depthwise = gpu::is_depthwise(g, from, to);
          for (int k = 0; k < to; ++k) {
            for (int tap = 0; tap < taps; ++tap) {
              const int c = tap % depth, r = tap / depth / g.kernel, column_of_tap = tap / depth % g.kernel;
              double sum = 0, size = 0;
              for (int p = 0; p < dy.of.pixels(); ++p) {
                const int n = p / static_cast<int>(y.plane()), i = p % static_cast<int>(y.plane()) / y.width;
                const int row = i * g.stride + r * g.dilation - g.padding;
                const int column = p % y.width * g.stride + column_of_tap * g.dilation - g.padding;
                if (row < 0 || column < 0 || row >= s.height || column >= s.width) { continue; }
                const int channel = k / (to / g.groups) * depth + c;
                const double product =
                    static_cast<double>(dy(p, k)) * x((n * s.height + row) * s.width + column, channel);
                sum += product;
                size += std::abs(product);
              }
              const int place = is_depthwise ? tap * to + k : k * taps + tap;
              CHECK(is_near(gpu::to_float(dw.data()[place]), sum, std::max(size, std::abs(sum)), rounding));
            }
          }
        }
      }
    }
  });
}

TEST_CASE("the slope of an epilogue is the same with the sum for the bias as without", "[cuda]") {
  for_each_number([]<class T>(T, precision numbers) {
    cuda on{numbers};
    for (const int channels : {1, 5, 8, 40}) {
      for (const segx::epilogue& then :
           {segx::epilogue{.act = activation::relu}, {.act = activation::sigmoid, .dropout = 0.25F}}) {
        INFO(channels << " channels, activation " << static_cast<int>(then.act));
        const shape s{channels, 9, 13};
        const auto y = drawn_at<T>(2, s, {}, 1), dy = drawn_at<T>(2, s, {}, 2), alone = drawn_at<T>(2, s, {}, 2);
        const auto bias = floats(std::vector<float>(static_cast<std::size_t>(channels)));
        gpu::epilogue_backward(on.work(), then, 5U, y.of, dy.of, bias.data());
        gpu::epilogue_backward(on.work(), then, 5U, y.of, alone.of, nullptr);
        on.in.wait();
        for (int c = 0; c < channels; ++c) {
          double sum = 0, size = 0;
          for (std::int64_t p = 0; p < dy.of.pixels(); ++p) {
            CHECK(dy(p, c) == alone(p, c));
            sum += dy(p, c);
            size += std::abs(dy(p, c));
          }
          CHECK(is_near(bias.data()[c], sum, size, std::is_same_v<T, float> ? 1e-6 : 1e-2));  // summed before rounding
        }
      }
    }
  });
}

TEST_CASE("pooling scales by the dropout of the step that is played", "[cuda]") {
  cuda on{precision::fp32};
  const shape s{8, 4, 6};
  const auto x = drawn_at<float>(1, s, {}, 1), dy = drawn_at<float>(1, {8, 2, 3}, {}, 2),
             weak = drawn_at<float>(1, s, {}, 3), none = drawn_at<float>(1, s, {}, 3);
  gpu::max_pool_backward(on.work(), {.kernel = 2, .stride = 2}, x.of, dy.of, none.of, false, 1.0F);
  shared_buffer<gpu::step_values> step{1};
  *step.data() = {.dropout = 0.5F};
  on.work();
  on.read_step(step.data(), nullptr);
  gpu::max_pool_backward(on.work(), {.kernel = 2, .stride = 2}, x.of, dy.of, weak.of, false, 1.25F);  // 20 %
  on.in.wait();
  int passed = 0;
  for (int c = 0; c < s.channels; ++c) {
    for (std::int64_t p = 0; p < s.plane(); ++p) {
      CHECK(is_near(weak(p, c), none(p, c) / 0.9, std::abs(none(p, c))));
      passed += none(p, c) != 0;
    }
  }
  CHECK(passed > 0);
}

TEST_CASE("no gradient passes an activation at its ceiling, which 16 bits round", "[cuda]") {
  constexpr segx::shape s{8, 2, 4};
  constexpr std::size_t values = 64;
  const auto buffer = [](float value) {
    shared_buffer<float> made{values};
    std::fill_n(made.data(), values, value);
    return made;
  };
  const shared_buffer<float> inputs = buffer(10), ones = buffer(1), x = buffer(0), y = buffer(0), dy = buffer(0),
                             found = buffer(7);
  const auto tensor = [&](const shared_buffer<float>& of) { return segx::gpu::tensor{of.data(), 1, s, s.channels}; };
  for (const segx::precision numbers :
       {segx::precision::fp32, segx::precision::tf32, segx::precision::bf16, segx::precision::fp16}) {
    segx::cuda on{numbers};
    const segx::gpu::queue& work = on.work();
    segx::gpu::load_batch(work, inputs.data(), tensor(x));
    for (const segx::activation act : {segx::activation::relu6, segx::activation::hard_sigmoid}) {
      for (int percent = 1; percent < 100; ++percent) {
        INFO("dropout " << percent << " %, ceiling " << segx::largest_result(act));
        const segx::epilogue then{.act = act, .dropout = static_cast<float>(percent) / 100};
        segx::gpu::finish(work, tensor(x), nullptr, tensor(y), then, 0U);
        segx::gpu::load_batch(work, ones.data(), tensor(dy));
        segx::gpu::epilogue_backward(work, then, 0U, tensor(y), tensor(dy), nullptr);
        segx::gpu::store_batch(work, tensor(dy), segx::activation::none, found.data());
        on.in.wait();
        CHECK(std::all_of(found.data(), found.data() + values, [](float d) { return d == 0; }));
      }
    }
  }
}
