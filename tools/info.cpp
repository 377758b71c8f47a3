#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/runtime/program.hpp>

#include "commands.hpp"
#include "diagram.hpp"
#include "json_document.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

struct info_words {
  std::string weights, model, svg;
  int size = 256;
  bool json = false;
};

/// What the constants of `Network::at<H,W>` say, for a size known only now: the same functions, called at run time.
struct facts {
  std::int64_t parameters, macs, arena_bytes, training_bytes_per_image, packed_bytes;
  std::string fingerprint;
};

facts facts_of(const any_network& network, int height, int width) {
  const dynamic_plan<any_network, cpu, purpose::inference> inference{network, height, width};
  const dynamic_plan<any_network, cpu, purpose::training> training{network, height, width};
  std::int64_t macs = 0;
  for (const auto& node : inference.get().nodes) { macs += node.macs; }
  const auto bytes = [](const program<cpu>& p) {
    return static_cast<std::int64_t>(sizeof(float)) * (p.image + p.scratch);
  };
  return {network.parameter_count,
          macs,
          bytes(inference.get()),
          bytes(training.get()),
          static_cast<std::int64_t>(sizeof(float)) * inference.get().packed,
          hex_text(network.fingerprint)};
}

void print_table(const std::vector<node<no_op>>& composed) {
  std::printf("%-3s %-20s %-17s %-28s %-16s %12s %14s\n", "", "name", "layer", "options", "output", "parameters",
              "multiply-adds");
  for (std::size_t i = 0; i < composed.size(); ++i) {
    const auto& n = composed[i];
    std::int64_t parameters = 0;
    for (int p = 0; p < n.parameter_count; ++p) {
      if (!n.parameters[p].is_statistic) { parameters += n.parameters[p].size(); }
    }
    std::printf("%-3zu %-20s %-17s %-28s %-16s %12lld %14lld\n", i, n.name.text, std::string{n.layer}.c_str(),
                options_text(n).c_str(), text_of(n.output).c_str(), static_cast<long long>(parameters),
                static_cast<long long>(n.macs));
  }
}

void write_svg(const std::string& file, const std::string& svg) {
  if (file == "-") {
    std::cout << svg;
  } else {
    write_file_atomically(file, std::as_bytes(std::span{svg}));
  }
}

void info(const info_words& w, const any_network& network, const std::string& name, const model_card* card) {
  const int height = card != nullptr ? card->height : w.size;
  const int width = card != nullptr ? card->width : w.size;
  expect_size(network, height, width);
  if (!w.svg.empty()) {
    write_svg(w.svg, diagram_svg(name, network.composed(height, width)));
    return;
  }
  const facts f = facts_of(network, height, width);
  if (w.json) {
    nlohmann::ordered_json json{{"model", name},
                                {"height", height},
                                {"width", width},
                                {"parameters", f.parameters},
                                {"macs", f.macs},
                                {"arena_bytes", f.arena_bytes},
                                {"packed_weight_bytes", f.packed_bytes},
                                {"training_bytes_per_image", f.training_bytes_per_image},
                                {"fingerprint", f.fingerprint}};
    if (card != nullptr) {
      for (const auto& [field, member] : detail::card_fields) { json["card"][field] = card->*member; }
    }
    std::cout << document_of(json) << '\n';
    return;
  }
  print_table(network.composed(height, width));
  std::printf("\n%s at %dx%d\n", name.c_str(), height, width);
  std::printf("  parameters                 %lld\n", static_cast<long long>(f.parameters));
  std::printf("  multiply-adds              %.3f G for one image\n", static_cast<double>(f.macs) / 1e9);
  std::printf("  arena                      %.1f MB for one image (activations and scratch)\n",
              static_cast<double>(f.arena_bytes) / 1e6);
  std::printf("  weights, packed            %.1f MB\n", static_cast<double>(f.packed_bytes) / 1e6);
  std::printf("  training, for each image   %.1f MB\n", static_cast<double>(f.training_bytes_per_image) / 1e6);
  std::printf("  fingerprint                %s\n", f.fingerprint.c_str());
  if (card != nullptr) {
    std::printf("\nmodel card\n");
    for (const auto& [field, member] : detail::card_fields) {
      std::printf("  %-15s %s\n", field, (card->*member).c_str());
    }
  }
}

/// Whether a weight file is of a network that this program does not have: one of the user's own.
bool is_of_another_program(const std::string& file) {
  const std::vector<std::string> known = model_names();
  return std::find(known.begin(), known.end(), read_card(file).model) == known.end();
}

/// What any weight file says of itself: its tensors and its card.
void print_file(const info_words& w) {
  const std::vector<std::byte> bytes = read_file(w.weights);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail({w.weights, ": ", wrong}); }
  if (!w.svg.empty()) { fail({w.weights, ": is of a network of your own, which only your program can draw"}); }
  if (w.json) {
    nlohmann::ordered_json json{{"card", file.metadata}};
    for (const tensor_entry& t : file.tensors) { json["tensors"][t.name] = t.extents; }
    std::cout << document_of(json) << '\n';
    return;
  }
  for (const tensor_entry& t : file.tensors) {
    std::printf("%-44s %s\n", t.name.c_str(), detail::extents_text(t.extents).c_str());
  }
  std::printf("\nmodel card, of a network that this program does not have\n");
  for (const auto& [name, text] : file.metadata) {
    if (name != "architecture") { std::printf("  %-15s %s\n", name.c_str(), text.c_str()); }
  }
}

}  // namespace

void add_info(CLI::App& app) {
  auto words = std::make_shared<info_words>();
  CLI::App* command = app.add_subcommand(
      "info",
      "Show what a network is made of: layers, parameters, multiply-adds, memory; of a weight file its card, too");
  CLI::Option* weights = command->add_option("--weights", words->weights, "weight file");
  CLI::Option* model =
      command->add_option("--model", words->model, "network")->check(CLI::IsMember(model_names()))->excludes(weights);
  command->add_option("--size", words->size, "height and width of images")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str()
      ->excludes(weights);
  CLI::Option* json = command->add_flag("--json", words->json, "for programs");
  command->add_option("--svg", words->svg, "draw the network, instead: an SVG file to write, or - for standard output")
      ->excludes(json);
  command->callback([words, weights, model] {
    if (weights->count() + model->count() == 0) { throw CLI::RequiredError("--weights or --model"); }
    if (weights->count() > 0) {
      if (is_of_another_program(words->weights)) { return print_file(*words); }
      const any_network network = model_of(words->weights);
      const auto loaded = load_weights(words->weights, network);  // checked whole, as anywhere
      info(*words, network, loaded.card.model, &loaded.card);
    } else {
      info(*words, model_named(words->model), words->model, nullptr);
    }
  });
}

}  // namespace segx::tool
