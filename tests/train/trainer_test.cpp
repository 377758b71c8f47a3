#include <segx/train/trainer.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <segx/data/phantom.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/models/unet.hpp>
#include <segx/optim/adam.hpp>

#include "image/temporary_folder.hpp"

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct tiny_unet : segx::network<segx::input<1>,
                                 segx::chain<segx::unet<8, 16>, segx::named<"head", segx::conv1x1<1>>, segx::sigmoid>> {
};

using trainer = segx::trainer<tiny_unet, segx::adam, segx::any_loss>;

/// Twelve phantoms, nine of them to train on: three steps an epoch, the last one of a single image.
class phantoms : public temporary_folder {
 public:
  phantoms() {
    segx::write_phantoms(path(), 12, 32, 5);
    data = segx::scan_folder(path());
    parts = segx::split_by_fraction(data, 0.25, 1);
  }

  segx::dataset data;
  segx::split parts;
};

/// The training of all these tests: dropout ends and the learning rate falls on the way.
segx::train_options options_for(const fs::path& run) {
  return {.run = run,
          .height = 32,
          .width = 32,
          .epochs = 4,
          .batch = 4,
          .threads = 1,
          .seed = 3,
          .learning_rate = 0.01,
          .rate = segx::schedule::cosine,
          .dropout_until = 0.6,
          .recipe = "tiny",
          .trained_on = "phantoms",
          .quiet = true};
}

trainer make_trainer(const phantoms& p, const segx::train_options& options) {
  segx::model_card card;
  card.model = "tiny_unet";
  return {p.data,
          p.parts,
          segx::adam{{}, static_cast<std::size_t>(tiny_unet::parameter_count)},
          segx::any_loss{segx::bce_loss{} + segx::jaccard_loss<>{}},
          card,
          options};
}

/// What a training leaves: where it ended, and everything in its log but the time it took.
struct outcome {
  segx::train_result result;
  std::vector<float> weights;
  std::vector<segx::epoch_record> log;
};

outcome train(const phantoms& p, const segx::train_options& options) {
  trainer t = make_trainer(p, options);
  outcome o;
  o.result = t.run();
  o.weights.assign(t.current_weights().values().begin(), t.current_weights().values().end());
  o.log = segx::read_log(options.run / "log.csv");
  return o;
}

/// Bit for bit, as no weight and no measure here is NaN.
void check_same(const outcome& a, const outcome& b) {
  CHECK(a.result.best_iou == b.result.best_iou);
  CHECK(a.result.best_epoch == b.result.best_epoch);
  CHECK((a.weights == b.weights));
  REQUIRE(a.log.size() == b.log.size());
  for (std::size_t row = 0; row < a.log.size(); ++row) {
    for (const segx::log_column& column : segx::log_columns) {
      if (column.name == "seconds" || column.name == "images_per_second") { continue; }
      INFO("epoch " << row + 1 << ", " << column.name);
      std::visit([&](auto member) { CHECK(a.log[row].*member == b.log[row].*member); }, column.member);
    }
  }
}

void check_same_best_weights(const fs::path& a, const fs::path& b) {
  const auto x = segx::load_weights<tiny_unet>(a / "best.safetensors");
  const auto y = segx::load_weights<tiny_unet>(b / "best.safetensors");
  CHECK(std::equal(x.values.values().begin(), x.values.values().end(), y.values.values().begin()));
}

/// The bytes of every file in a folder, by name.
std::map<std::string, std::vector<std::byte>> content(const fs::path& folder) {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename().string()] = segx::read_file(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("a training learns, and leaves its best weights, a log and curves") {
  const phantoms p;
  const outcome o = train(p, options_for(p / "run"));
  REQUIRE(o.result.finished);
  REQUIRE(o.log.size() == 4);
  CHECK(o.log.back().train_loss < o.log.front().train_loss);
  CHECK(o.log.back().val_loss < o.log.front().val_loss);
  for (const char* name : {"last.ckpt", "log.csv", "log.jsonl", "curves.png"}) { CHECK(fs::exists(p / "run" / name)); }
  CHECK(o.log[0].learning_rate > o.log[3].learning_rate);
  CHECK(o.log[3].learning_rate > 0);

  const auto best = std::max_element(o.log.begin(), o.log.end(),
                                     [](const auto& a, const auto& b) { return a.val_iou_mean < b.val_iou_mean; });
  CHECK(o.result.best_epoch == best->epoch);
  CHECK(o.result.best_iou == best->val_iou_mean);

  const auto loaded = segx::load_weights<tiny_unet>(p / "run" / "best.safetensors");
  CHECK(loaded.card.model == "tiny_unet");
  CHECK(loaded.card.height == 32);
  CHECK(loaded.card.recipe == "tiny");
  CHECK(loaded.card.trained_on == "phantoms");
  CHECK(loaded.card.metrics + "\n" == segx::detail::json_line(*best));

  segx::session<tiny_unet> network{loaded.values, 32, 32, {1, 1}};
  segx::loader samples{p.data, p.parts.val, {.height = 32, .width = 32, .batch = 1, .shuffle = false}};
  const segx::any_loss loss{segx::bce_loss{} + segx::jaccard_loss<>{}};
  const segx::evaluation e = segx::evaluate(network, samples, loss, 0.5F, [](long) {});
  CHECK(e.indices == p.parts.val);
  CHECK(e.summary.iou_mean == best->val_iou_mean);
  CHECK(e.summary.iou_micro == best->val_iou_micro);
  CHECK(e.loss == best->val_loss);
}

TEST_CASE("the seed gives the weights, however samples are fed and however many threads work") {
  const phantoms p;
  const outcome first = train(p, options_for(p / "first"));
  segx::train_options options = options_for(p / "second");

  SECTION("the same again") { check_same(first, train(p, options)); }
  SECTION("samples read as they are needed") {
    options.mode = segx::feed::streamed;
    check_same(first, train(p, options));
  }
  SECTION("two threads") {
    options.threads = 2;
    check_same(first, train(p, options));
  }
  SECTION("another seed gives others") {
    options.seed = 4;
    CHECK((train(p, options).weights != first.weights));
  }
}

TEST_CASE("a training that is stopped after any step goes on as if it had not been") {
  const phantoms p;
  const outcome unbroken = train(p, options_for(p / "unbroken"));
  segx::train_options options = options_for(p / "stopped");

  SECTION("once, in the middle of the second epoch") {
    int steps = 0;
    options.should_stop = [&steps] { return ++steps == 5; };
    const outcome stopped = train(p, options);
    CHECK_FALSE(stopped.result.finished);
    CHECK(steps == 5);
    CHECK(stopped.log.size() == 1);
    options.resume = true;
    check_same(unbroken, train(p, options));
  }
  SECTION("again and again") {
    options.should_stop = [] { return true; };
    int runs = 0;
    outcome last;
    do {
      options.resume = runs > 0;
      last = train(p, options);
    } while (!last.result.finished && ++runs < 20);
    CHECK(runs == 8);  // an epoch's last step is followed by the validation, and by the first step of the next
    check_same(unbroken, last);
  }
  SECTION("a training that has ended has nothing left to do") {
    train(p, options);
    options.resume = true;
    check_same(unbroken, train(p, options));
  }
  check_same_best_weights(p / "unbroken", p / "stopped");
}

TEST_CASE("a line of the log beyond the checkpoint, as a crash leaves it, is written anew") {
  const phantoms p;
  const outcome unbroken = train(p, options_for(p / "unbroken"));
  segx::train_options options = options_for(p / "crashed");
  int steps = 0;
  options.should_stop = [&steps] { return ++steps == 4; };  // in epoch 2
  train(p, options);
  segx::training_log{options.run, 1}.append({.epoch = 2, .train_loss = 77});
  options.resume = true;
  check_same(unbroken, train(p, options));
}

TEST_CASE("a training is neither overwritten nor resumed by mistake") {
  const phantoms p;
  segx::train_options options = options_for(p / "run");
  options.epochs = 1;
  train(p, options);
  const auto before = content(options.run);
  const std::string checkpoint = (options.run / "last.ckpt").string();

  SECTION("a second one in the same folder") {
    CHECK_THAT(message_of([&] { train(p, options); }), Contains(checkpoint) && Contains("--resume"));
  }
  SECTION("other settings") {
    options.resume = true;
    options.recipe = "tiny, but otherwise";
    CHECK_THAT(message_of([&] { train(p, options); }),
               Contains(checkpoint) && Contains("(tiny)") && Contains("tiny, but otherwise"));
  }
  SECTION("other images") {
    phantoms other;
    std::swap(other.parts.train.front(), other.parts.val.front());
    options.resume = true;
    CHECK_THAT(message_of([&] { train(other, options); }), Contains(checkpoint) && Contains("other images"));
  }
  SECTION("a checkpoint that was cut off") {
    cut_file(options.run / "last.ckpt", 0.5);
    options.resume = true;
    CHECK_THAT(message_of([&] { train(p, options); }), Contains(checkpoint));
    segx::write_file_atomically(checkpoint, before.at("last.ckpt"));
  }
  CHECK((content(options.run) == before));
}

TEST_CASE("there is nothing to resume in an empty folder") {
  const phantoms p;
  segx::train_options options = options_for(p / "run");
  options.resume = true;
  CHECK_THAT(message_of([&] { train(p, options); }), Contains((p / "run" / "last.ckpt").string()));
}

TEST_CASE("a training that diverges says in which layer, and leaves no weights that are no numbers") {
  const phantoms p;
  segx::train_options options = options_for(p / "run");
  options.learning_rate = 1e30;
  const std::string said = message_of([&] { train(p, options); });
  CHECK_THAT(said, Contains("training diverged in epoch 1, step 2") && Contains("lower the learning rate"));
  const auto nodes = tiny_unet::nodes();
  CHECK(std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) {
    const std::string name{node.name.view()};
    return !name.empty() && said.find('"' + name) != said.npos;
  }));
  CHECK_FALSE(fs::exists(p / "run" / "best.safetensors"));
}

TEST_CASE("a training that diverges in its only step is found out by the validation") {
  const phantoms p;
  int diverged = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {  // with some seeds, all ReLUs die and everything stays finite
    segx::train_options options = options_for(p / std::to_string(seed));
    options.learning_rate = 1e30;
    options.batch = 9;
    options.epochs = 1;
    options.seed = seed;
    const std::string said = message_of([&] { train(p, options); });
    INFO("seed " << seed << ": " << said);
    const fs::path best = options.run / "best.safetensors";
    if (fs::exists(best)) {
      CHECK_NOTHROW(segx::load_weights<tiny_unet>(best));
      CHECK(std::isfinite(segx::read_log(options.run / "log.csv").at(0).val_loss));
    } else {
      ++diverged;
      CHECK_THAT(said, Contains("training diverged in epoch 1, step 2"));
    }
  }
  CHECK(diverged > 0);
}
