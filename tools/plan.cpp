#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <segx/core/joined.hpp>
#include <segx/data/augment/parse.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/survey.hpp>
#include <segx/train/feed_choice.hpp>
#include <segx/train/recipe_data.hpp>
#include <segx/train/recommend.hpp>
#include <segx/train/training_bytes.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "file_words.hpp"
#include "json_document.hpp"
#include "models.hpp"
#include "noise_step.hpp"
#include "recipe_words.hpp"
#include "shell_word.hpp"

namespace segx::tool {

/// Bytes that a training may take; nothing where they are not known. Of a GPU: training_devices.hpp.
static std::optional<std::int64_t> memory_for_training(std::type_identity<cpu>) { return available_memory(); }

namespace {

using json = nlohmann::ordered_json;

/// Networks that train from scratch; those of colour images have batch normalisations.
constexpr std::array candidates{"unet8", "unet16", "unet32", "unet64", "resunet8", "resunet", "unet-resnet34"};

struct plan_words {
  explicit plan_words(CLI::App* command) : recipe{command, recipe_words::scope::data} {}

  recipe_words recipe;
  device_words device;
  std::string data, out;
  planning_limits limits;
  int threads = 0;
  bool as_json = false;

  int thread_count() const {
    return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  session_options options() const { return {1, thread_count(), device.precision_of_gpu(), !device.fastest}; }
};

/// Seconds of a step of training on so many images: the fastest of three, as other programs may be at work, after one
/// that warms up; of fewer where they take long. On a GPU the mean of three.
template <class Backend>
double seconds_of_step(const std::string& model, int height, int width, int images, const session_options& how) {
  noise_step<Backend> step{
      model_named(model), {.model = model, .height = height, .width = width, .batch = images}, how};
  step(1);
  constexpr int together = noise_step<Backend>::together;
  constexpr double long_enough = 3;
  double fastest = std::numeric_limits<double>::infinity(), all = 0;
  for (int run = 0; run < 3 && all < long_enough; run += together) {
    const auto start = std::chrono::steady_clock::now();
    step();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fastest = std::min(fastest, seconds / together);
    all += seconds;
  }
  return fastest;
}

template <class Backend>
candidate_network candidate_of(const std::string& name, const session_options& how) {
  const any_network network = model_named(name);
  constexpr int side = 256;
  double macs = 0;
  for (const auto& node : network.composed(side, side)) { macs += static_cast<double>(node.macs); }
  macs /= side * side;
  return {name,
          network.channels,
          network.parameter_count,
          macs,
          [network, how](const recipe& r) { return training_bytes_of(std::type_identity<Backend>{}, r, network, how); },
          [name, macs, how](int height, int width) {
            constexpr int images = std::derived_from<Backend, cpu> ? 2 : 8;  // which fill a GPU better
            return detail::planning::passes_of_step * images * macs * height * width /
                   seconds_of_step<Backend>(name, height, width, images, how);
          }};
}

/// Images that are loaded and augmented in a second, by that many threads and nothing else: of the first ones.
double images_loaded_per_second(const recipe& r, int channels, feed mode, int threads, const dataset& data,
                                const split& parts) {
  loader_options options = loader_options_of(r, channels, mode, true);
  options.augment = parse_augmentation(r.augmentation);
  options.threads = threads;
  constexpr std::size_t enough = 64;
  const std::size_t images = std::min(parts.train.size(), enough);
  loader samples{data, {parts.train.begin(), parts.train.begin() + static_cast<std::ptrdiff_t>(images)}, options};
  batch loaded;
  const auto load_all = [&](int epoch) {
    samples.start_epoch(epoch);
    while (samples.next(loaded)) {}
  };
  load_all(0);  // warms up
  const auto start = std::chrono::steady_clock::now();
  load_all(1);
  return static_cast<double>(images) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct plan {
  dataset data;
  split parts;
  survey seen;
  recommendation advice;
  feed_choice feeding;
  double images_per_second = 0;  // that are loaded beside a GPU, which may wait for them; 0: not measured

  /// A GPU computes while the next batch is loaded.
  double minutes() const {
    const double images = static_cast<double>(parts.train.size()) * advice.recipe.epochs;
    return std::max(advice.minutes(), images_per_second > 0 ? images / images_per_second / 60 : 0.0);
  }
  bool waits_for_images() const { return minutes() > advice.minutes(); }
};

template <class Backend>
plan make_plan(const plan_words& w) {
  plan p;
  const recipe given = w.recipe.effective();
  p.data = scan_folder(w.data, scan_options_of(given));
  p.parts = split_of(p.data, given);
  p.seen = survey_of(p.data, given.mask_threshold, w.threads);

  std::vector<candidate_network> networks;
  for (const char* name : candidates) { networks.push_back(candidate_of<Backend>(name, w.options())); }
  planning_limits limits = w.limits;
  limits.memory = memory_for_training(std::type_identity<Backend>{});
  p.advice = recommend(p.seen, static_cast<int>(p.parts.train.size()), static_cast<int>(p.parts.val.size()), networks,
                       limits, given);

  p.advice.recipe = canonical(p.advice.recipe);
  const recipe& r = p.advice.recipe;
  const auto chosen = std::find_if(networks.begin(), networks.end(), [&](auto& c) { return c.name == r.model; });
  const feed_bytes to_feed = bytes_to_feed(r, chosen->channels, w.threads, p.data, p.parts);
  p.feeding = choose_feed("auto", to_feed, w.device.is_gpu() ? 0 : p.advice.bytes, available_memory());
  if (w.device.is_gpu()) {
    p.images_per_second =
        images_loaded_per_second(r, chosen->channels, p.feeding.mode, w.thread_count(), p.data, p.parts);
  }
  return p;
}

// ---- what was seen ----

struct span_of_values {
  double least, median, most;
};

template <class Fact>
span_of_values span_over(const survey& s, const Fact& fact) {
  span_of_values all{fact(s.images.front()), s.median(fact), fact(s.images.front())};
  for (const image_facts& f : s.images) {
    all.least = std::min(all.least, static_cast<double>(fact(f)));
    all.most = std::max(all.most, static_cast<double>(fact(f)));
  }
  return all;
}

json as_json(const span_of_values& v) { return {{"least", v.least}, {"median", v.median}, {"most", v.most}}; }

struct measure {
  const char* key;
  const char* name;
  double (*of)(const image_facts&);
};
constexpr std::array measures{
    measure{"height", "height", [](const image_facts& f) -> double { return f.height; }},
    measure{"width", "width", [](const image_facts& f) -> double { return f.width; }},
    measure{"mean", "mean of the values", [](const image_facts& f) { return f.mean; }},
    measure{"deviation", "their deviation", [](const image_facts& f) { return f.deviation; }},
    measure{"brightest", "brightest value", [](const image_facts& f) { return f.brightest; }},
    measure{"objects", "objects in an image", [](const image_facts& f) -> double { return f.objects; }},
    measure{"object_extent", "their extent, pixels", [](const image_facts& f) { return f.object_extent; }}};

int count(const survey& s, auto&& is_so) {
  return static_cast<int>(std::count_if(s.images.begin(), s.images.end(), is_so));
}

int colours(const survey& s) {
  return count(s, [](const image_facts& f) { return f.colour; });
}
int deep(const survey& s) {
  return count(s, [](const image_facts& f) { return f.bits == 16; });
}

json as_json(const plan& p, const plan_words& w) {
  json seen{{"images", p.seen.images.size()},   {"train", p.parts.train.size()}, {"validation", p.parts.val.size()},
            {"labels", text_of(p.seen.labels)}, {"in_colour", colours(p.seen)},  {"of_16_bits", deep(p.seen)}};
  for (const measure& m : measures) { seen[m.key] = as_json(span_over(p.seen, m.of)); }
  for (std::size_t k = 0; k < p.seen.classes.size(); ++k) {
    seen["class_shares"][p.seen.classes[k]] =
        as_json(span_over(p.seen, [k](const image_facts& f) { return f.shares[k]; }));
  }
  json odd = json::array(), choices = json::array();
  for (const odd_image& o : p.seen.odd) {
    odd.push_back({{"name", p.data.samples[static_cast<std::size_t>(o.index)].stem}, {"why", o.why}});
  }
  for (const choice& c : p.advice.choices) {
    choices.push_back({{"setting", c.setting}, {"value", c.value}, {"why", c.why}});
  }
  json all{{"data", w.data},
           {"survey", seen},
           {"odd", odd},
           {"choices", choices},
           {"recipe", json::parse(recipe_json(p.advice.recipe))},
           {"training_bytes", p.advice.bytes},
           {"image_bytes", p.feeding.bytes.images},
           {"loading_bytes", p.feeding.bytes.loading},
           {"feed", p.feeding.mode == feed::in_memory ? "memory" : "stream"},
           {"multiply_adds", p.advice.macs},
           {"multiply_adds_per_second", p.advice.macs_per_second},
           {"threads", w.thread_count()},
           {"device", w.device.device},
           {"minutes", p.minutes()}};
  if (w.device.is_gpu()) {
    all["precision"] = w.device.precision_name();
    all["images_loaded_per_second"] = p.images_per_second;
  }
  return all;
}

/// "57 seconds", "1.3 minutes", "42 minutes".
std::string duration_text(double minutes) {
  char text[32];
  if (const long seconds = std::lround(60 * minutes); seconds < 60) {
    std::snprintf(text, sizeof text, "%ld second%s", seconds, seconds == 1 ? "" : "s");
  } else {
    std::snprintf(text, sizeof text, minutes < 10 ? "%.2g minutes" : "%.0f minutes", minutes);
  }
  return std::string_view{text} == "1 minutes" ? "1 minute" : text;
}

void print(const plan& p, const plan_words& w) {
  const survey& s = p.seen;
  std::printf("%zu images: %zu to train on, %zu to validate; %d in colour, %d of 16 bits; %s labels\n", s.images.size(),
              p.parts.train.size(), p.parts.val.size(), colours(s), deep(s), std::string{text_of(s.labels)}.c_str());
  std::printf("\n%-28s %10s %10s %10s\n", "", "least", "median", "most");
  const auto row = [&](const std::string& name, const auto& fact) {
    const span_of_values v = span_over(s, fact);
    std::printf("%-28s %10.4g %10.4g %10.4g\n", name.c_str(), v.least, v.median, v.most);
  };
  for (const measure& m : measures) { row(m.name, m.of); }
  for (std::size_t k = 0; k < s.classes.size(); ++k) {
    row(joined({"share of ", s.classes[k]}), [k](const image_facts& f) { return f.shares[k]; });
  }

  constexpr std::size_t shown = 20;
  std::printf("\n%zu odd image%s%s\n", s.odd.size(), s.odd.size() == 1 ? "" : "s", s.odd.empty() ? "" : ":");
  for (std::size_t k = 0; k < std::min(shown, s.odd.size()); ++k) {
    std::printf("  %s: %s\n", p.data.samples[static_cast<std::size_t>(s.odd[k].index)].stem.c_str(),
                s.odd[k].why.c_str());
  }
  if (s.odd.size() > shown) { std::printf("  and %zu more (--json lists all)\n", s.odd.size() - shown); }

  std::printf("\nrecommended\n");
  for (const choice& c : p.advice.choices) {
    std::printf("  %-14s %s\n  %-14s   %s\n", c.setting.c_str(), c.value.c_str(), "", c.why.c_str());
  }
  std::printf("\n%.1f MB %s, as planned; %s\n", static_cast<double>(p.advice.bytes) / 1e6,
              w.device.is_gpu() ? "of the GPU for network, gradients and optimizer"
                                : "for network, gradients, optimizer and checkpoint",
              p.feeding.text().c_str());
  const int threads = w.thread_count();
  const std::string on_threads = joined({threads, threads == 1 ? " thread" : " threads"});
  std::printf(
      "about %s on %s: %.3g multiply-adds, at the %.3g a second of steps of training that were timed just now\n",
      duration_text(p.minutes()).c_str(), w.device.is_gpu() ? w.device.text_of_gpu().c_str() : on_threads.c_str(),
      p.advice.macs, p.advice.macs_per_second);
  if (w.device.is_gpu()) {
    std::printf("%s %.0f images a second%s\n",
                joined({on_threads, threads == 1 ? " loads and augments" : " load and augment"}).c_str(),
                p.images_per_second, p.waits_for_images() ? ": the GPU will wait for them" : "");
  }
}

template <class Backend>
void run(const plan_words& w) {
  const plan p = make_plan<Backend>(w);
  if (w.as_json) {
    std::cout << document_of(as_json(p, w)) << std::endl;
  } else {
    print(p, w);
    std::fflush(stdout);
  }
  if (w.out.empty()) { return; }
  const std::string text = recipe_json(p.advice.recipe, "\n  ");
  write_file_atomically(w.out, std::as_bytes(std::span{text}));
  if (w.as_json) { return; }
  std::printf("\nsegx train --recipe %s --data %s%s --out run\n", shell_word(w.out).c_str(), shell_word(w.data).c_str(),
              w.device.as_words().c_str());
}

}  // namespace

void add_plan(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "plan",
      "Look at a data set (sizes, values, classes, odd images) and recommend how to train on it, with the reason for "
      "each choice, the bytes and the minutes that it takes; --out writes a recipe for 'segx train --recipe'");
  auto words = std::make_shared<plan_words>(command);
  command->add_option("--data", words->data, "folder with images/ and masks/, or masks_CLASS/ for each class")
      ->required();
  command->add_option("--out", words->out, "recipe to write, JSON")->check(in_a_folder());
  command->add_flag("--json", words->as_json, "print all of it as JSON, for programs");
  command->add_option("--minutes", words->limits.minutes, "that the training may take on this machine")
      ->check(number_between(0.01, 1e6))
      ->capture_default_str();
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  words->device.add_to_training(command);
  command->callback([words] {
    on_device(words->device.device, [&]<class Backend>(std::type_identity<Backend>) { run<Backend>(*words); });
  });
}

}  // namespace segx::tool
