#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/runtime/engine.hpp>
#include <segx/runtime/session.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "json_document.hpp"
#include "models.hpp"
#include "moments.hpp"
#include "noise_step.hpp"

namespace segx::tool {

namespace {

struct bench_words {
  std::string model, weights, dump;
  device_words device;
  int size = 256, threads = 1, runs = 10, batch = 1;
  bool train = false, layers = false, json = false;
  bool small = false;

  session_options options() const { return {batch, threads, device.precision_of_gpu(), !device.fastest}; }
};

using seconds = std::chrono::duration<double>;

/// Times of some runs of the same work, in milliseconds.
class timings {
 public:
  void add(seconds time) { milliseconds_.push_back(1e3 * time.count()); }
  double min() const { return *std::min_element(milliseconds_.begin(), milliseconds_.end()); }
  double max() const { return *std::max_element(milliseconds_.begin(), milliseconds_.end()); }
  double median() const {
    std::vector<double> sorted = milliseconds_;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

 private:
  std::vector<double> milliseconds_;
};

/// Times, and the bytes that the backend's session or learner plans, which on a GPU are those that it holds there.
struct measurement {
  timings times;
  std::size_t bytes;
};

/// Runs work() once to warm up, then `runs` times; of work that is `together` times the same, the time of one.
template <class Work>
timings time_runs(int runs, Work&& work, int together = 1) {
  work();
  timings times;
  for (int run = 0; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.add(seconds{std::chrono::steady_clock::now() - start} / together);
  }
  return times;
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

/// With the classes of the weight file, if there is one.
any_network network_for(const bench_words& w) {
  if (w.weights.empty()) { return model_named(w.model); }
  if (const std::string model = read_card(w.weights).model; model != w.model) {
    fail({w.weights, ": these are weights of \"", model, "\", not of \"", w.model, "\""});
  }
  return model_of(w.weights);
}

weights<any_network> weights_for(const bench_words& w) {
  const any_network network = network_for(w);
  if (w.weights.empty()) { return weights<any_network>::random(1, network); }
  return std::move(load_weights(w.weights, network).values);
}

/// Raw floats, for programs that compare.
void dump(const std::string& path, const xt::xtensor<float, 4>& values) {
  std::ofstream file{path, std::ios::binary};
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) { fail({"cannot write ", path}); }
}

/// A prediction of `batch` images.
template <class Backend>
measurement time_prediction(const bench_words& w) {
  session<any_network, Backend> network{weights_for(w), w.size, w.size, w.options()};
  const auto images = noise(w.batch, network.input());
  auto result = noise(w.batch, network.output());
  if (!w.dump.empty()) {
    network.predict(images, result);
    dump(joined({w.dump, ".input.f32"}), images);
    dump(joined({w.dump, ".output.f32"}), result);
  }
  return {time_runs(w.runs, [&] { network.predict(images, result); }), network.bytes()};
}

template <class Backend>
measurement time_step(const bench_words& w) {
  const recipe r{.model = w.model, .height = w.size, .width = w.size, .pretrained = w.weights, .batch = w.batch};
  noise_step<Backend> step{network_for(w), r, w.options()};
  return {time_runs(w.runs, step, step.together), step.bytes()};
}

struct layer_time {
  std::string name, layer, output;
  double milliseconds, gflops;
};

/// The time of every layer of a prediction, as one runs after the other.
template <class Backend>
std::vector<layer_time> time_layers(const bench_words& w) {
  weights<any_network> learned = weights_for(w);
  detail::engine<any_network, Backend, purpose::inference> engine{
      std::make_unique<dynamic_plan<any_network, Backend, purpose::inference>>(learned.network(), w.size, w.size),
      w.options()};
  const program<runs_as<Backend>>& what = engine.run.what();
  fold_norms(what, learned.values());
  resident<runs_as<Backend>> values;
  values.assign(*engine.on, learned.values());
  engine.run.pack(values.span());
  copy_in(*engine.on, noise(w.batch, what.input()).data(), engine.run.value(0, w.batch));

  std::vector<timings> times(what.nodes.size());
  moments<runs_as<Backend>> done{*engine.on, what.nodes.size()};
  for (int round = 0; round <= w.runs; ++round) {  // the first one warms up
    std::vector<std::size_t> order{0};
    done.record(0);
    engine.run.forward(values.span(), w.batch, {}, [&](int i) {
      order.push_back(static_cast<std::size_t>(i));
      done.record(order.back());
    });
    done.wait();
    for (std::size_t k = 1; k < order.size() && round > 0; ++k) {
      times[order[k]].add(seconds{done.seconds(order[k - 1], order[k])});
    }
  }
  std::vector<layer_time> result;
  for (std::size_t i = 1; i < what.nodes.size(); ++i) {
    if (what.joined[i] || what.streamed[i]) { continue; }  // free, or part of the layer that reads it
    const auto& node = what.nodes[i];
    const auto& first = what.nodes[static_cast<std::size_t>(node.inputs[0])];
    const double macs = static_cast<double>(node.macs + (what.streamed[node.inputs[0]] ? first.macs : 0));
    const double median = times[i].median();
    result.push_back(
        {node.name.text, std::string{node.layer}, text_of(node.output), median, 2e-6 * macs * w.batch / median});
  }
  return result;
}

std::int64_t macs_of(const any_network& network, int size) {
  std::int64_t sum = 0;
  for (const auto& node : network.composed(size, size)) { sum += node.macs; }
  return sum;
}

/// "2 threads, AVX2", "CUDA, bf16".
std::string text_of_device(const bench_words& w) {
  if (w.device.is_gpu()) { return w.device.text_of_gpu(); }
  return joined({w.threads, w.threads == 1 ? " thread, " : " threads, ", cpu_instruction_set()});
}

void print_layers(const std::vector<layer_time>& layers) {
  double sum = 0;
  std::size_t name = 20, layer = 17, output = 16;  // widths of their columns
  for (const layer_time& l : layers) {
    sum += l.milliseconds;
    name = std::max(name, l.name.size());
    layer = std::max(layer, l.layer.size());
    output = std::max(output, l.output.size());
  }
  const auto print = [&](const std::string& a, const std::string& b, const std::string& c) {
    std::printf("%-*s %-*s %-*s ", static_cast<int>(name), a.c_str(), static_cast<int>(layer), b.c_str(),
                static_cast<int>(output), c.c_str());
  };
  std::printf("\n");
  print("layer", "", "output");
  std::printf("%9s %7s %9s\n", "ms", "share", "GFLOP/s");
  for (const layer_time& l : layers) {
    print(l.name, l.layer, l.output);
    std::printf("%9.3f %6.1f%% %9.1f\n", l.milliseconds, 100 * l.milliseconds / sum, l.gflops);
  }
}

template <class Backend>
void bench(const bench_words& w) {
  expect_size(network_for(w), w.size, w.size);
  const auto [times, bytes] = w.train ? time_step<runs_as<Backend>>(w) : time_prediction<Backend>(w);
  const double memory = peak_rss_mb();
  const double of_gpu = static_cast<double>(bytes) / (1024 * 1024);
  // A step of training has two more passes of the same work: the gradients of the values and of the weights.
  const double work = 2e-6 * static_cast<double>(macs_of(network_for(w), w.size)) * w.batch * (w.train ? 3 : 1);
  const double gflops = work / times.median();
  std::vector<layer_time> layers;
  if (w.layers) { layers = time_layers<Backend>(w); }

  if (w.json) {
    nlohmann::ordered_json json{{"model", w.model}, {"size", w.size}, {"device", w.device.device}};
    if (w.device.is_gpu()) {
      json["precision"] = w.device.precision_name();
      json["deterministic"] = !w.device.fastest;
    } else {
      json["threads"] = w.threads;
      json["simd"] = cpu_instruction_set();
    }
    json["batch"] = w.batch;
    json["train"] = w.train;
    json["runs"] = w.runs;
    json["median_ms"] = times.median();
    json["min_ms"] = times.min();
    json["max_ms"] = times.max();
    json["gflops"] = gflops;
    if (w.device.is_gpu()) { json["gpu_mb"] = of_gpu; }
    json["peak_rss_mb"] = memory;
    for (const layer_time& l : layers) {
      json["layers"].push_back({{"name", l.name},
                                {"layer", l.layer},
                                {"output", l.output},
                                {"median_ms", l.milliseconds},
                                {"gflops", l.gflops}});
    }
    std::cout << document_of(json) << '\n';
    return;
  }
  std::printf("%s at %dx%d, %s of %d, %s: median %.2f ms of %d runs (%.2f to %.2f)\n", w.model.c_str(), w.size, w.size,
              w.train ? "training step on a batch" : "prediction on a batch", w.batch, text_of_device(w).c_str(),
              times.median(), w.runs, times.min(), times.max());
  std::printf("%.1f images/s, %.0f GFLOP/s of the direct method, %.0f MB at most in the process",
              1e3 * w.batch / times.median(), gflops, memory);
  if (w.device.is_gpu()) { std::printf(", %.0f MB on the GPU", of_gpu); }
  std::printf("\n");
  if (!layers.empty()) { print_layers(layers); }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto words = std::make_shared<bench_words>();
  CLI::App* command = app.add_subcommand(
      "bench", "Time a network on this machine: predictions, or with --train whole steps of training on random images");
  command->add_option("--model", words->model, "network")->check(CLI::IsMember(model_names()))->required();
  command->add_option("--weights", words->weights, "weight file of this network; random weights otherwise");
  command->add_option("--size", words->size, "height and width of images")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  command->add_option("--threads", words->threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
  command->add_option("--runs", words->runs, "timed runs, after one that warms up")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--batch", words->batch, "images in one run")->check(CLI::Range(1, 4096))->capture_default_str();
  CLI::Option* train = command->add_flag("--train", words->train, "steps of training: forward, loss, backward, Adam");
  command->add_flag("--layers", words->layers, "the time of every layer of the prediction, too")->excludes(train);
  command->add_flag("--prefer-memory", words->small, "less memory for weights, about a tenth slower")->excludes(train);
  command
      ->add_option("--dump", words->dump,
                   "write what a prediction gets and gives to PREFIX.input.f32 and PREFIX.output.f32, raw [N,C,H,W]")
      ->type_name("PREFIX")
      ->excludes(train);
  command->add_flag("--json", words->json, "for programs");
  words->device.add_to_training(command);
  command->callback([words] {
    if (words->small) {
      if (words->device.is_gpu()) { fail("--prefer-memory is a choice of the CPU's; leave it out"); }
      return bench<frugal<cpu>>(*words);
    }
    on_device(words->device.device, [&]<class Backend>(std::type_identity<Backend>) { bench<Backend>(*words); });
  });
}

}  // namespace segx::tool
