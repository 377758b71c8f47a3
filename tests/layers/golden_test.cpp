#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/network.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/layers/attention_gate.hpp>
#include <segx/layers/squeeze_excite.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/testing/compare.hpp>
#include <segx/testing/layer_run.hpp>

#include "cases/any_layer.hpp"
#include "cases/backends.hpp"
#include "cases/layers.hpp"

// Every layer beside what PyTorch computes in double: results, gradients, running statistics. The numbers are in
// tests/golden/layers, from tests/golden/make_layers.py.

using namespace segx;
using testing::array;
using testing::relative_error;

namespace {

const std::filesystem::path folder = SEGX_GOLDEN_LAYERS;

/// The cases of one layer.
class golden_file {
 public:
  explicit golden_file(std::string_view layer) {
    std::ifstream file{folder / (std::string{layer} + ".safetensors"), std::ios::binary};
    const std::vector<char> text{std::istreambuf_iterator<char>{file}, {}};
    const auto bytes = std::as_bytes(std::span{text});
    bytes_.assign(bytes.begin(), bytes.end());
    const std::string wrong = parse_safetensors(bytes_, view_);
    INFO(layer << ": " << wrong);
    REQUIRE(wrong.empty());
  }

  std::set<std::string> cases() const {
    std::set<std::string> names;
    for (const tensor_entry& entry : view_.tensors) { names.insert(entry.name.substr(0, entry.name.find('/'))); }
    return names;
  }
  bool has(const std::string& name) const { return view_.find(name) != nullptr; }
  array values(const std::string& name) const {
    const tensor_entry& entry = found(name);
    std::vector<float> values(entry.bytes.size() / size_of(entry.type));
    REQUIRE(to_float32(entry, values).empty());
    return {values.begin(), values.end()};
  }
  int batch(const std::string& name) const { return static_cast<int>(found(name).extents.at(0)); }
  shape extent(const std::string& name) const {
    const auto& e = found(name).extents;
    return {static_cast<int>(e.at(1)), static_cast<int>(e.at(2)), static_cast<int>(e.at(3))};
  }

 private:
  const tensor_entry& found(const std::string& name) const {
    INFO(name);
    REQUIRE(has(name));
    return *view_.find(name);
  }

  std::vector<std::byte> bytes_;
  safetensors_view view_;
};

/// What goes into the layer of a case `at`, without weights.
testing::layer_inputs inputs_of(const golden_file& file, const std::string& at) {
  testing::layer_inputs in{.batch = file.batch(at + "x"),
                           .extents = {file.extent(at + "x")},
                           .x = {file.values(at + "x")},
                           .parameters = {},
                           .dy = file.values(at + "dy"),
                           .then = {}};
  if (file.has(at + "x2")) {
    in.extents.push_back(file.extent(at + "x2"));
    in.x.push_back(file.values(at + "x2"));
  }
  return in;
}

/// Runs layers on the inputs of their cases and compares everything.
template <class Backend>
struct golden_check {
  Backend on;
  double bound;
  std::map<std::string, std::set<std::string>> checked{};  // cases of each layer: none is to be forgotten

  void operator()(const std::string& name, const auto& layer) { (*this)(name, layer, bound); }
  void operator()(const std::string& name, const auto& layer, double within, bool batch_statistics = true) {
    const golden_file file{layer.name};
    testing::layer_inputs in = inputs_of(file, name + "/");
    in.batch_statistics = batch_statistics;
    checked[std::string{layer.name}].insert(name);
    compare(file, name + "/", any_layer{layer, in.extents}, in, within);
  }

 private:
  void compare(const golden_file& file, const std::string& at, const auto& layer, testing::layer_inputs& in,
               double within) {
    INFO(layer.name << ", " << at);
    const std::vector<parameter> kinds = testing::parameters(layer, in.extents);
    for (const parameter& p : kinds) { in.parameters.push_back(file.values(at + "p." + std::string{p.name})); }
    in.then = layer.then;
    testing::layer_run run{on, layer, in};
    const array y = run.forward();
    CHECK(relative_error(y, file.values(at + "y")) < within);
    const testing::layer_gradients found = run.backward(y);
    CHECK(relative_error(found.x[0], file.values(at + "dx")) < within);
    if (in.x.size() > 1) { CHECK(relative_error(found.x[1], file.values(at + "dx2")) < within); }
    for (std::size_t p = 0; p < kinds.size(); ++p) {
      array value = found.parameters[p];
      if (kinds[p].is_statistic) {  // its gradient is what the next step takes off it
        for (std::size_t i = 0; i < value.size(); ++i) { value[i] = in.parameters[p][i] - value[i]; }
      }
      const std::string name = (kinds[p].is_statistic ? "new." : "dp.") + std::string{kinds[p].name};
      INFO(name);
      CHECK(relative_error(value, file.values(at + name)) < within);
    }
  }
};

template <class T>
xt::xtensor<T, 4> batch_of(const golden_file& file, const std::string& name) {
  const shape s = file.extent(name);
  const auto extent = [](int e) { return static_cast<std::size_t>(e); };
  auto batch =
      xt::xtensor<T, 4>::from_shape({extent(file.batch(name)), extent(s.channels), extent(s.height), extent(s.width)});
  const array values = file.values(name);
  std::transform(values.begin(), values.end(), batch.begin(), [](double v) { return static_cast<T>(v); });
  return batch;
}

/// Runs a network of blocks on the inputs of its case, with its weights by their names.
template <class Backend, class Network>
void check_network(const std::string& block, double within) {
  using scalar = typename Backend::scalar;
  INFO(block);
  const golden_file file{block};
  weights<Network, scalar> known;
  for (const auto& values : known.arrays()) {
    const array from = file.values("network/p." + values.name);
    REQUIRE(from.size() == values.values.size());
    std::transform(from.begin(), from.end(), values.values.begin(), [](double v) { return static_cast<scalar>(v); });
  }
  training_session<typename Network::template at<4, 5>, Backend> session{{.batch = 2}};
  xt::xtensor<scalar, 4> y;
  session.forward(known.values(), batch_of<scalar>(file, "network/x"), y, {});
  CHECK(relative_error(y, file.values("network/y")) < within);
  session.backward(known.values(), batch_of<scalar>(file, "network/dy"));
  for (const auto& values : known.arrays()) {
    INFO(values.name);
    const auto found = session.gradients().subspan(static_cast<std::size_t>(values.place), values.values.size());
    CHECK(relative_error(found, file.values("network/dp." + values.name)) < within);
  }
}

struct excited
    : network<input<3>, chain<named<"stem", conv1x1<9>>, named<"se", squeeze_excite<9, 4>>, named<"out", conv1x1<2>>>> {
};
struct attentive : network<input<3>, chain<named<"stem", conv1x1<9>>, attention_skip<4, named<"deeper", conv1x1<8>>>,
                                           named<"out", conv1x1<2>>>> {};

}  // namespace

SEGX_BACKEND_TEST("every layer computes what PyTorch computes", "[layers][golden]") {
  // The files' results are float32.
  constexpr double bound = std::max(1e-6, TestType::exact);
  constexpr double winograd = std::max(1e-6, TestType::winograd);
  using backend = typename TestType::type;
  golden_check<backend> is{TestType::make(), bound};

  is("3x3", conv3x3<9>{}, winograd);
  is("3x3 of 3", conv3x3<4>{});
  is("1x1", conv1x1<5>{});
  is("no bias", conv2d<conv2d_options{.out_channels = 8, .bias = false}>{}, winograd);
  is("stride", conv2d<conv2d_options{.out_channels = 8, .kernel = 5, .stride = 2}>{});
  is("groups and dilation", conv2d<conv2d_options{.out_channels = 8, .dilation = 2, .groups = 2}>{});
  is("depthwise", conv2d<conv2d_options{.out_channels = 9, .stride = 2, .groups = 9}>{});
  is("end padding", conv2d<conv2d_options{.out_channels = 8, .stride = 2, .padding = 0, .end_padding = 1}>{});
  is("5x5", depthwise_conv<5>{});
  is("stride",
     depthwise_conv2d<depthwise_conv2d_options{.stride = 2, .padding = 0, .bias = false, .end_padding = 1}>{});
  is("2x2", up_conv2x2<8>{});
  is("overlapping", conv_transpose2d<conv_transpose2d_options{.out_channels = 3, .kernel = 3, .padding = 1}>{});
  is("no bias", conv_transpose2d<conv_transpose2d_options{.out_channels = 8, .bias = false}>{});

  is("2x2", max_pool2d<2>{});
  is("overlapping", max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>{});
  is("ties", max_pool2d<max_pool2d_options{.kernel = 3, .stride = 1, .padding = 1}>{});
  is("2x2", avg_pool2d<avg_pool2d_options{}>{});
  is("overlapping", avg_pool2d<avg_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>{});
  is("image alone",
     avg_pool2d<avg_pool2d_options{.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false}>{});
  is("smaller", adaptive_avg_pool2d<3, 2>{});
  is("larger", adaptive_avg_pool2d<6>{});
  is("all", global_avg_pool2d{});

  is("training", batch_norm2d<>{});
  is("other options", batch_norm2d<batch_norm2d_options{.epsilon = 1e-3, .momentum = 0.01}>{});
  is("deployed", batch_norm2d<>{}, bound, false);
  is("3 of 9", group_norm2d<3>{});
  is("2 of 24", group_norm2d<2, 1e-3>{});
  is("1 of 3", group_norm2d<1>{});
  is("plain", instance_norm2d<>{});
  is("affine", instance_norm2d<instance_norm2d_options{.epsilon = 1e-3, .affine = true}>{});

  is("all", relu{});
  is("all", relu6{});
  is("all", leaky_relu<0.1>{});
  is("all", elu<0.5>{});
  is("all", sigmoid{});
  is("all", hard_sigmoid{});
  is("all", silu{});
  is("all", hard_swish{});
  is("each", prelu<>{});
  is("shared", prelu<prelu_options{.shared = true}>{});
  is("of 9", softmax{});
  is("of 3", softmax{});

  is("2", upsample_nearest<2>{});
  is("3", upsample_nearest<3>{});
  is("2", upsample_bilinear<2>{});
  is("4", upsample_bilinear<4>{});
  is("corners", upsample2d<upsample2d_options{.factor = 3, .mode = interpolation::bilinear, .align_corners = true}>{});
  is("corners of a row", upsample2d<upsample2d_options{.mode = interpolation::bilinear, .align_corners = true}>{});

  is("all", add{});
  is("blocks", concat{});
  is("no blocks", concat{});
  is("all", channel_scale{});
  is("all", plane_scale{});
  check_network<backend, excited>("squeeze_excite", bound);
  check_network<backend, attentive>("attention_gate", bound);

  for (const auto& [layer, cases] : is.checked) {
    INFO(layer);
    CHECK(cases == golden_file{layer}.cases());
  }
  for_each_layer([&]<class Case>(Case) {
    const std::string layer{Case::layer::name};
    const bool is_random = layer == "dropout" || layer == "stochastic_depth";
    INFO(layer);
    CHECK(is_random != is.checked.contains(layer));
  });
}
