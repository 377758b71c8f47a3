#include <segx/train/trainer.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <segx/data/augment/compose.hpp>
#include <segx/data/phantom.hpp>
#include <segx/data/split.hpp>
#include <segx/image/write_image.hpp>
#include <segx/io/checksum.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/softmax.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/parse.hpp>
#include <segx/models/unet.hpp>
#include <segx/train/recipe_json.hpp>
#include <segx/train/training_bytes.hpp>

#include "temporary_folder.hpp"

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct tiny_unet : segx::network<segx::input<1>,
                                 segx::chain<segx::unet<8, 16>, segx::named<"head", segx::conv1x1<1>>, segx::sigmoid>> {
};

/// With running statistics, in the part "norm".
struct normed_net
    : segx::network<segx::input<1>,
                    segx::chain<segx::named<"first", segx::conv3x3<8>>, segx::named<"norm", segx::batch_norm2d<>>,
                                segx::relu, segx::named<"head", segx::conv1x1<1>>, segx::sigmoid>> {};

/// Colour to the two lungs, each by itself; and to background, left and right, one for each pixel.
struct two_lungs : segx::network<segx::input<3>,
                                 segx::chain<segx::unet<8, 16>, segx::named<"head", segx::conv1x1<2>>, segx::sigmoid>> {
};
struct one_of_three
    : segx::network<segx::input<1>,
                    segx::chain<segx::unet<8, 16>, segx::named<"head", segx::conv1x1<3>>, segx::softmax>> {};

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

/// The training of most of these tests: dropout ends and the learning rate falls on the way.
segx::recipe usual() {
  return {.model = "tiny_unet",
          .height = 32,
          .width = 32,
          .learning_rate = 0.01,
          .schedule = "cosine",
          .epochs = 4,
          .batch = 4,
          .dropout_until = 0.6,
          .seed = 3};
}

/// Everything at once that a training remembers from step to step or from epoch to epoch.
segx::recipe elaborate() {
  segx::recipe r = usual();
  r.optimizer = "adamw";
  r.learning_rate_factors = {{"bottleneck", 0.5}};
  r.schedule = "plateau(0.5,0)";
  r.warm_up = 1.5;
  r.clip_norm = 0.5;
  r.clip_value = 0.1;
  r.batch = 2;
  r.accumulate = 2;  // nine images: steps of 4, 4 and 1
  r.average = 0.99;
  r.patience = 3;
  return r;
}

segx::recipe diverging() {
  segx::recipe r = usual();
  r.learning_rate = 1e30;
  return r;
}

segx::run_options run_in(const fs::path& folder) { return {.folder = folder, .threads = 1, .quiet = true}; }

/// What a training leaves: where it ended, and everything in its log but the time it took.
struct outcome {
  segx::train_result result;
  std::vector<float> weights;
  std::vector<segx::epoch_record> log;
};

template <class Network = tiny_unet>
outcome train(const phantoms& p, const segx::recipe& recipe, const segx::run_options& run) {
  segx::trainer<Network> t{p.data, p.parts, recipe, segx::parse_loss(recipe.loss), run};
  outcome o;
  o.result = t.run();
  o.weights.assign(t.current_weights().values().begin(), t.current_weights().values().end());
  o.log = segx::read_log(run.folder / "log.csv");
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
      if (column.name == "seconds" || column.name == "images_per_second" || column.name == "waiting") { continue; }
      INFO("epoch " << row + 1 << ", " << column.name);
      std::visit([&](auto member) { CHECK(a.log[row].*member == b.log[row].*member); }, column.member);
    }
    CHECK((a.log[row].classes == b.log[row].classes));
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
  segx::run_options run = run_in(p / "run");
  run.card.trained_on = "phantoms";
  const outcome o = train(p, usual(), run);
  REQUIRE(o.result.finished);
  CHECK(o.result.epochs == 4);
  REQUIRE(o.log.size() == 4);
  CHECK(o.log.back().train_loss < o.log.front().train_loss);
  CHECK(o.log.back().val_loss < o.log.front().val_loss);
  CHECK((segx::split_by_list(p.data, p / "run" / "val.txt").val == p.parts.val));
  for (const char* name : {"last.ckpt", "log.csv", "log.jsonl", "curves.png"}) { CHECK(fs::exists(p / "run" / name)); }
  CHECK(o.log[0].learning_rate > o.log[3].learning_rate);
  CHECK(o.log[3].learning_rate > 0);
  for (const segx::epoch_record& record : o.log) {
    CHECK(record.waiting >= 0);
    CHECK(record.waiting < 1);
    CHECK(record.averaged == 0);
  }

  const auto best = std::max_element(o.log.begin(), o.log.end(),
                                     [](const auto& a, const auto& b) { return a.val_iou_mean < b.val_iou_mean; });
  CHECK(o.result.best_epoch == best->epoch);
  CHECK(o.result.best_iou == best->val_iou_mean);

  const auto loaded = segx::load_weights<tiny_unet>(p / "run" / "best.safetensors");
  CHECK(loaded.card.model == "tiny_unet");
  CHECK(loaded.card.height == 32);
  CHECK(loaded.card.trained_on == "phantoms");
  CHECK(loaded.card.resizing == segx::model_card{}.resizing);
  CHECK(loaded.card.metrics + "\n" == segx::detail::json_line(*best));

  segx::session<tiny_unet, segx::frugal<segx::cpu>> network{loaded.values, 32, 32, {1, 1}};
  segx::loader samples{p.data, p.parts.val, {.height = 32, .width = 32, .batch = 1, .shuffle = false}};
  const segx::evaluation e = segx::evaluate(network, samples, segx::parse_loss("bce+jaccard"), 0.5F, [](auto&&...) {});
  CHECK(e.indices == p.parts.val);
  CHECK(e.summary.iou_mean == best->val_iou_mean);
  CHECK(e.summary.iou_micro == best->val_iou_micro);
  CHECK(e.loss == best->val_loss);
}

TEST_CASE("the weights of the best epoch are kept, however short epochs are beside the writing") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.epochs = 12;
  for (const int steps : {1000, 26}) {  // to the end; or stopped within an epoch, when the best one is not written yet
    segx::run_options run = run_in(p / std::to_string(steps));
    int left = steps;
    run.should_stop = [&left] { return --left == 0; };
    const outcome o = train(p, recipe, run);
    CHECK(o.result.finished == (steps == 1000));
    const auto best = std::max_element(o.log.begin(), o.log.end(),
                                       [](const auto& a, const auto& b) { return a.val_iou_mean < b.val_iou_mean; });
    const auto loaded = segx::load_weights<tiny_unet>(run.folder / "best.safetensors");
    CHECK(loaded.card.metrics + "\n" == segx::detail::json_line(*best));
    segx::session<tiny_unet, segx::frugal<segx::cpu>> network{loaded.values, 32, 32, {2, 1}};
    for (const int batch : {1, 2}) {  // losses are those of single images
      segx::loader samples{p.data, p.parts.val, {.height = 32, .width = 32, .batch = batch, .shuffle = false}};
      const segx::evaluation e =
          segx::evaluate(network, samples, segx::parse_loss("bce+jaccard"), 0.5F, [](auto&&...) {});
      CHECK(e.summary.iou_mean == best->val_iou_mean);
      CHECK(e.loss == best->val_loss);
    }
  }
}

TEST_CASE("the recipe stands in the weight file, the log, the checkpoint and a file of its own") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  recipe.loss = " bce + 0.50*jaccard";
  train(p, recipe, run_in(p / "run"));
  recipe = segx::checked(recipe);
  recipe.loss = "bce+0.5*jaccard";
  const std::string json = segx::recipe_json(recipe), digits = segx::recipe_sha256(recipe);

  const auto card = segx::load_weights<tiny_unet>(p / "run" / "best.safetensors").card;
  CHECK(card.recipe == json);
  CHECK(card.recipe_sha256 == digits);
  const auto state = segx::load_checkpoint(p / "run" / "last.ckpt", tiny_unet::fingerprint);
  CHECK(state.text("recipe") == json);
  CHECK(state.text("recipe_sha256") == digits);
  std::ifstream log{p / "run" / "log.jsonl"};
  std::string line;
  std::getline(log, line);
  CHECK(line == "{\"recipe\": " + json + ", \"recipe_sha256\": \"" + digits + "\", \"images_sha256\": \"" +
                    card.images_sha256 + "\"}");
  CHECK(card.images_sha256.size() == 64);
  CHECK(segx::recipe_json(segx::read_recipe(p / "run" / "recipe.json")) == json);
}

TEST_CASE("losses, optimizers and augmentations of one's own are told by their names") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  const auto count = static_cast<std::size_t>(tiny_unet::parameter_count);
  segx::run_options run = run_in(p / "run");
  run.augment = segx::augment_in_turn{segx::rotate{7}, [](const segx::image_and_mask& x, auto&) { return x; }};
  segx::trainer<tiny_unet> t{p.data, p.parts, recipe, segx::dice, segx::sgd{{}, count}, run};
  t.run();
  const segx::recipe told = segx::read_recipe(p / "run" / "recipe.json");
  CHECK(told.loss == "dice");
  CHECK(told.optimizer == "sgd");
  CHECK(told.augmentation == "rotate(7,reflect),custom");
}

TEST_CASE("the recipe gives the weights, however samples are fed and however many threads work") {
  const phantoms p;
  const segx::recipe recipe = GENERATE(usual(), elaborate());
  segx::run_options first_run = run_in(p / "first");
  first_run.feed = "memory";
  const outcome first = train(p, recipe, first_run);
  segx::run_options run = run_in(p / "second");

  SECTION("the same again") { check_same(first, train(p, recipe, run)); }
  SECTION("samples read as they are needed") {
    run.feed = "stream";
    check_same(first, train(p, recipe, run));
  }
  SECTION("two threads") {
    run.threads = 2;
    check_same(first, train(p, recipe, run));
  }
  SECTION("another seed gives others") {
    segx::recipe other = recipe;
    other.seed = 4;
    CHECK((train(p, other, run).weights != first.weights));
  }
}

TEST_CASE("a training that is stopped after any step goes on as if it had not been") {
  const phantoms p;
  const bool is_usual = GENERATE(true, false);
  const segx::recipe recipe = is_usual ? usual() : elaborate();
  const outcome unbroken = train(p, recipe, run_in(p / "unbroken"));
  REQUIRE(unbroken.log.back().averaged == (is_usual ? 0 : 1));
  segx::run_options run = run_in(p / "stopped");

  SECTION("once, in the middle of the second epoch") {
    int steps = 0;
    run.should_stop = [&steps] { return ++steps == 5; };
    const outcome stopped = train(p, recipe, run);
    CHECK_FALSE(stopped.result.finished);
    CHECK(steps == 5);
    CHECK(stopped.log.size() == 1);
    run.resume = true;
    check_same(unbroken, train(p, recipe, run));
  }
  SECTION("again and again") {
    run.should_stop = [] { return true; };
    int runs = 0;
    outcome last;
    do {
      run.resume = runs > 0;
      last = train(p, recipe, run);
    } while (!last.result.finished && ++runs < 20);
    CHECK(runs == 8);  // an epoch's last step is followed by the validation, and by the first step of the next
    check_same(unbroken, last);
  }
  SECTION("a training that has ended has nothing left to do") {
    train(p, recipe, run);
    run.resume = true;
    check_same(unbroken, train(p, recipe, run));
  }
  check_same_best_weights(p / "unbroken", p / "stopped");
}

TEST_CASE("a doubled training is another one, with twice the images, that resumes and is over when it is over") {
  const phantoms p;
  const temporary_folder folder;
  segx::recipe r = usual();
  r.augmentation = "none";
  train(p, r, run_in(folder / "once"));
  r.doubled = true;
  const auto images = [&](const segx::recipe& recipe) {
    const segx::trainer<tiny_unet> t{p.data, p.parts, recipe, segx::parse_loss(recipe.loss), run_in(folder / "not")};
    return t.feeding().bytes.images;
  };
  const std::int64_t one = 32 * 32 * 5;  // nine to train on and three to validate
  CHECK(images(usual()) == 12 * one);
  CHECK(images(r) == (12 + 9) * one);

  const outcome twice = train(p, r, run_in(folder / "twice"));
  CHECK(twice.log.front().train_loss != segx::read_log(folder / "once" / "log.csv").front().train_loss);
  segx::run_options again = run_in(folder / "twice");
  again.resume = true;
  const auto written = fs::last_write_time(folder / "twice" / "log.csv");
  check_same(twice, train(p, r, again));
  CHECK(fs::last_write_time(folder / "twice" / "log.csv") == written);
}

TEST_CASE("windows are trained on and validated in the middle") {
  const phantoms p;
  const temporary_folder folder;
  segx::recipe r = usual();
  r.height = r.width = 16;  // of images of 32
  r.framing = "window";
  const outcome o = train(p, r, run_in(folder / "window"));
  CHECK(o.log.back().train_loss < o.log.front().train_loss);
  const fs::path best = folder / "window" / "best.safetensors";
  CHECK(segx::load_weights<tiny_unet>(best).card.resizing == "none: windows of the image's own resolution");
  r.framing = "frame";
  CHECK_THROWS_WITH(segx::trainer<tiny_unet>::check(r), Contains("\"frame\"") && Contains("stretch or window"));
}

TEST_CASE("the bytes of a training are known before it is made") {
  const phantoms p;
  const temporary_folder folder;
  for (segx::recipe r : {usual(), elaborate()}) {
    r.batch = 3;
    r.learning_rate_factors = {};
    for (const int threads : {1, 2}) {
      segx::run_options run = run_in(folder / "run");
      run.threads = threads;
      segx::trainer<normed_net> t{p.data, p.parts, r, segx::parse_loss(r.loss), run};
      const segx::session_options how{.threads = threads};
      CHECK(segx::training_bytes_of(std::type_identity<segx::cpu>{}, r, normed_net{}, how) ==
            static_cast<std::int64_t>(t.bytes()));
    }
  }
}

TEST_CASE("a network with running statistics is trained, stopped and resumed like any other") {
  const phantoms p;
  segx::recipe recipe = elaborate();
  recipe.learning_rate_factors = {{"first", 0.5}};
  const outcome unbroken = train<normed_net>(p, recipe, run_in(p / "unbroken"));
  segx::run_options run = run_in(p / "stopped");
  int steps = 0;
  run.should_stop = [&steps] { return ++steps == 5; };
  train<normed_net>(p, recipe, run);
  run.resume = true;
  check_same(unbroken, train<normed_net>(p, recipe, run));
}

TEST_CASE("a training ends early when its score has not risen for long enough, and stays ended") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.learning_rate = 0;  // all epochs score the same: the first is the best
  recipe.epochs = 10;
  recipe.patience = 2;
  segx::run_options run = run_in(p / "run");
  const outcome o = train(p, recipe, run);
  CHECK(o.result.finished);
  CHECK(o.result.epochs == 3);
  CHECK(o.result.best_epoch == 1);
  CHECK(o.log.size() == 3);
  run.resume = true;
  check_same(o, train(p, recipe, run));
}

TEST_CASE("the learning rate follows the validation, and the warm-up the steps") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.schedule = "plateau(0.5,0,0.004)";
  recipe.warm_up = 2;
  recipe.learning_rate_factors = {
      {"encoder", 0}, {"bottleneck", 0}, {"decoder", 0}, {"head", 0}};  // no epoch is better
  const outcome o = train(p, recipe, run_in(p / "run"));
  REQUIRE(o.log.size() == 4);
  CHECK(o.log[0].learning_rate == Approx(0.005));
  CHECK(o.log[1].learning_rate == Approx(0.01));
  CHECK(o.log[2].learning_rate == Approx(0.005));
  CHECK(o.log[3].learning_rate == Approx(0.004));
}

TEST_CASE("frozen parts stay as they were drawn, bit for bit, and the rest learns") {
  const phantoms p;
  segx::recipe recipe = elaborate();
  recipe.weight_decay = 0.5;
  int runs = 0;
  const auto check = [&]<class Network>(Network, const segx::rate_factors& factors) {
    recipe.learning_rate_factors = factors;
    const fs::path folder = p / ("run" + std::to_string(++runs));
    const outcome o = train<Network>(p, recipe, run_in(folder));
    const auto before = segx::weights<Network>::random(recipe.seed);
    const auto best = segx::load_weights<Network>(folder / "best.safetensors").values;
    for (const auto& array : before.arrays()) {
      const auto place = static_cast<std::size_t>(array.place);
      const bool is_frozen = segx::rate_factor_of(array.name, factors) == 0;
      INFO(array.name);
      CHECK(std::equal(array.values.begin(), array.values.end(), o.weights.begin() + array.place) == is_frozen);
      CHECK(std::equal(array.values.begin(), array.values.end(), best.values().begin() + place) == is_frozen);
    }
  };
  check(tiny_unet{}, {{"encoder", 0}});
  check(tiny_unet{}, {{"encoder", 0}, {"decoder", 0}, {"decoder.0.conv1", 0.1}});
  check(normed_net{}, {{"first", 0}});
  check(normed_net{}, {{"norm", 0}});
}

TEST_CASE("several batches make the step of one large batch, where the loss is a mean over images") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.loss = "bce";
  recipe.dropout_until = 0;  // it is drawn for each batch
  recipe.epochs = 1;
  recipe.batch = 9;
  const outcome whole = train(p, recipe, run_in(p / "whole"));
  recipe.batch = 2;
  recipe.accumulate = 5;
  const outcome parts = train(p, recipe, run_in(p / "parts"));
  const auto start = segx::weights<tiny_unet>::random(recipe.seed);
  REQUIRE(parts.log[0].train_loss == Approx(whole.log[0].train_loss));
  int different = 0;  // Adam's first step is the sign of the gradient: the few that are about 0 may go either way
  for (std::size_t i = 0; i < whole.weights.size(); ++i) {
    different += std::abs(whole.weights[i] - parts.weights[i]) > 1e-4F ? 1 : 0;
  }
  CHECK(different < static_cast<int>(whole.weights.size()) / 100);
  CHECK(std::abs(whole.weights[0] - start.values()[0]) > 1e-3F);
}

TEST_CASE("the moving average is what is validated and kept") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.average = 0.9;
  recipe.epochs = 2;
  const outcome o = train(p, recipe, run_in(p / "run"));
  CHECK(o.log[0].averaged == 1);
  recipe.average = 0;
  const outcome plain = train(p, recipe, run_in(p / "plain"));
  CHECK((o.weights == plain.weights));  // the steps are the same
  CHECK(o.log[0].train_loss == plain.log[0].train_loss);
  CHECK(o.log[0].val_loss != plain.log[0].val_loss);
  const auto kept = segx::load_weights<tiny_unet>(p / "run" / "best.safetensors").values;
  CHECK_FALSE(std::equal(kept.values().begin(), kept.values().end(), o.weights.begin()));
}

TEST_CASE("a clipped gradient moves weights less") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.optimizer = "sgd";
  recipe.epochs = 1;
  recipe.batch = 9;  // one step
  const auto start = segx::weights<tiny_unet>::random(recipe.seed);
  const auto moved = [&](const char* folder) {
    const outcome o = train(p, recipe, run_in(p / folder));
    std::vector<double> way;
    for (std::size_t i = 0; i < o.weights.size(); ++i) {
      way.push_back((double{start.values()[i]} - o.weights[i]) / recipe.learning_rate);
    }
    return way;
  };
  const auto length = [](const std::vector<double>& way) {
    double sum = 0;
    for (const double x : way) { sum += x * x; }
    return std::sqrt(sum);
  };
  const double free = length(moved("free"));
  recipe.clip_norm = 0.5 * free;
  CHECK(length(moved("short")) == Approx(0.5 * free).epsilon(1e-3));
  recipe.clip_norm = 0;
  recipe.clip_value = 0.01 * free;
  double largest = 0;
  for (const double x : moved("cut")) { largest = std::max(largest, std::abs(x)); }
  CHECK(largest == Approx(recipe.clip_value).epsilon(1e-2));
}

TEST_CASE("several classes are learned and scored, each by itself") {
  phantoms p;
  for (const char* folder : {"masks_left", "masks_right"}) { fs::create_directories(p / folder); }
  for (const segx::sample& sample : p.data.samples) {  // the halves of the image in place of left and right
    cv::Mat left = segx::read_mask(sample.masks.at(0)), right = left.clone(), index;
    left.colRange(left.cols / 2, left.cols).setTo(0);
    right.colRange(0, left.cols / 2).setTo(0);
    segx::write_mask(p / "masks_left" / (sample.stem + ".png"), left);
    segx::write_mask(p / "masks_right" / (sample.stem + ".png"), right);
    index = left + 2 * right;
    segx::write_png(sample.masks[0], index);
  }
  segx::recipe recipe = usual();
  recipe.model = "lungs";
  recipe.normalisation = "imagenet";
  segx::run_options run = run_in(p / "run");

  const auto check = [&]<class Network>(Network) {
    p.data = segx::scan_folder(p.path(), segx::scan_options_of(recipe));
    const outcome unbroken = train<Network>(p, recipe, run);
    CHECK(unbroken.log.back().train_loss < unbroken.log.front().train_loss);
    for (const segx::epoch_record& record : unbroken.log) {
      REQUIRE(record.classes.size() == 2);
      CHECK(record.classes[0].name == "left");
      CHECK(record.classes[1].name == "right");
      CHECK(record.val_iou_mean == Approx((record.classes[0].val_iou + record.classes[1].val_iou) / 2));
    }
    CHECK(unbroken.log.back().val_loss < unbroken.log.front().val_loss);
    const segx::model_card card = segx::load_weights<Network>(run.folder / "best.safetensors").card;
    CHECK(card.normalisation == "imagenet");
    CHECK(card.classes == segx::class_list(p.data.classes));
    const segx::recipe told = segx::read_recipe(run.folder / "recipe.json");  // makes the run again
    CHECK(told.labels == segx::text_of(p.data.labels));
    CHECK(told.classes == card.classes);

    run.folder = p / "stopped";
    int steps = 0;
    run.should_stop = [&steps] { return ++steps == 5; };
    train<Network>(p, recipe, run);
    run.resume = true;
    check_same(unbroken, train<Network>(p, recipe, run));
  };
  SECTION("classes that exclude each other") {
    recipe.labels = "exclusive";
    recipe.classes = "background,left,right";
    recipe.loss = "cross_entropy";
    check(one_of_three{});
    recipe.loss = "bce";
    run = run_in(p / "refused");
    CHECK_THAT(message_of([&] { train<one_of_three>(p, recipe, run); }),
               Contains("exclude each other, so the loss must read a softmax") && Contains("\"bce\" does not"));
    CHECK_THAT(message_of([&] { train<tiny_unet>(p, recipe, run); }),
               Contains("\"lungs\" gives 1 classes, but the images have 3: background,left,right"));
  }
  SECTION("classes that overlap, of colour images") {
    recipe.labels = "overlapping";
    check(two_lungs{});
    segx::recipe found = usual();  // which says nothing of classes
    found.normalisation = recipe.normalisation;
    train<two_lungs>(p, found, run_in(p / "found"));
    CHECK(segx::trainer<two_lungs>::is_finished(p / "found", p.data, p.parts, found));
    recipe.labels = "exclusive";
    recipe.classes = "background,lung";
    p.data.labels = segx::label_kind::exclusive;
    CHECK_THAT(message_of([&] { train<two_lungs>(p, recipe, run_in(p / "refused")); }),
               Contains("must end in a softmax"));
  }
}

TEST_CASE("a line of the log beyond the checkpoint, as a crash leaves it, is written anew") {
  const phantoms p;
  const outcome unbroken = train(p, usual(), run_in(p / "unbroken"));
  segx::run_options run = run_in(p / "crashed");
  int steps = 0;
  run.should_stop = [&steps] { return ++steps == 4; };  // in epoch 2
  train(p, usual(), run);
  segx::training_log{run.folder, 1}.append({.epoch = 2, .train_loss = 77});
  run.resume = true;
  check_same(unbroken, train(p, usual(), run));
}

TEST_CASE("an epoch whose curves cannot be drawn is not lost") {
  const phantoms p;
  const outcome unbroken = train(p, usual(), run_in(p / "unbroken"));
  segx::run_options run = run_in(p / "run");
  run.should_stop = [obstacle = run.folder / "curves.png"] {
    fs::create_directories(obstacle);
    return false;
  };
  CHECK_THAT(message_of([&] { train(p, usual(), run); }), Contains("curves.png"));
  const auto state = segx::load_checkpoint(run.folder / "last.ckpt", tiny_unet::fingerprint);
  CHECK(state.get<int>("epoch") == 1);
  fs::remove(run.folder / "curves.png");
  run = run_in(p / "run");
  run.resume = true;
  check_same(unbroken, train(p, usual(), run));
}

TEST_CASE("a resumed training removes what a killed one had not written to the end") {
  const phantoms p;
  segx::run_options run = run_in(p / "run");
  int steps = 0;
  run.should_stop = [&steps] { return ++steps == 5; };
  train(p, usual(), run);
  const char* unfinished[] = {"segx.tmp-123-4", "last.ckpt.tmp-123-4", "log.jsonl.tmp-9-10"};
  const char* others[] = {"notes.tmp-mine-1", "a.tmp-1", "b.tmp--2", "c.tmp-3-", "d-4-5"};
  for (const char* name : unfinished) { std::ofstream{run.folder / name} << "half"; }
  for (const char* name : others) { std::ofstream{run.folder / name} << "whole"; }
  run.resume = true;
  train(p, usual(), run);
  for (const char* name : unfinished) { CHECK_FALSE(fs::exists(run.folder / name)); }
  for (const char* name : others) { CHECK(fs::exists(run.folder / name)); }
}

TEST_CASE("a training that began with a file resumes without it") {
  const phantoms p;
  const fs::path file = p / "first.safetensors";
  segx::model_card card;
  card.height = card.width = 32;
  segx::save_weights(file, segx::weights<tiny_unet>::random(7), card);
  segx::recipe recipe = usual();
  recipe.pretrained = file.string();
  const outcome unbroken = train(p, recipe, run_in(p / "unbroken"));
  segx::run_options run = run_in(p / "stopped");
  int steps = 0;
  run.should_stop = [&steps] { return ++steps == 5; };
  train(p, recipe, run);
  const std::string digits = segx::sha256(segx::read_file(file));
  fs::remove(file);
  run.resume = true;
  check_same(unbroken, train(p, recipe, run));
  CHECK(segx::load_weights<tiny_unet>(run.folder / "best.safetensors").card.pretrained_sha256 == digits);
  std::ifstream log{run.folder / "log.jsonl"};
  std::string line;
  std::getline(log, line);
  CHECK_THAT(line, Catch::Matchers::EndsWith(", \"pretrained_sha256\": \"" + digits + "\"}"));
}

TEST_CASE("the recipe in the folder finds its files from any other folder") {
  const phantoms p;
  std::ofstream{p / "validate.txt"} << p.data.samples.front().stem << '\n';
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  recipe.validation_list = fs::relative(p / "validate.txt").string();
  train(p, recipe, run_in(p / "run"));
  const segx::recipe found = segx::read_recipe(p / "run" / "recipe.json");
  CHECK(fs::path{found.validation_list}.is_absolute());
  CHECK(fs::equivalent(found.validation_list, p / "validate.txt"));
  CHECK(segx::recipe_sha256(found) == segx::load_weights<tiny_unet>(p / "run" / "best.safetensors").card.recipe_sha256);
  segx::run_options again = run_in(p / "run");
  again.resume = true;
  CHECK(train(p, found, again).result.finished);  // the same recipe, wherever its files are
}

TEST_CASE("one class that is named by its folder stands in the card") {
  const temporary_folder folder;
  segx::write_phantoms(folder.path(), 4, 32, 5);
  fs::rename(folder / "masks", folder / "masks_lung");
  const segx::dataset data = segx::scan_folder(folder.path());
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  segx::trainer<tiny_unet>{data, segx::split_by_fraction(data, 0.25, 1), recipe, segx::parse_loss(recipe.loss),
                           run_in(folder / "run")}
      .run();
  CHECK(segx::load_weights<tiny_unet>(folder / "run" / "best.safetensors").card.classes == "lung");
}

TEST_CASE("two trainings do not run in one folder at a time") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  segx::run_options first = run_in(p / "run");
  std::string said;
  first.should_stop = [&] {
    if (said.empty()) {
      said = message_of([&] { train(p, recipe, run_in(p / "run")); });
    }
    return false;
  };
  CHECK(train(p, recipe, first).result.finished);
  CHECK_THAT(said, Contains("another training runs in the folder '" + (p / "run").string()));
}

TEST_CASE("a training is neither overwritten nor resumed by mistake") {
  const phantoms p;
  segx::recipe recipe = usual();
  recipe.epochs = 1;
  segx::run_options run = run_in(p / "run");
  train(p, recipe, run);
  const auto before = content(run.folder);
  const std::string checkpoint = (run.folder / "last.ckpt").string();

  SECTION("a second one in the same folder") {
    CHECK_THAT(message_of([&] { train(p, recipe, run); }), Contains(checkpoint) && Contains("--resume"));
  }
  SECTION("a second one in a folder that lost its checkpoint") {
    fs::remove(checkpoint);
    CHECK(message_of([&] { train(p, recipe, run); }) ==
          run.folder.string() +
              ": this folder holds the results of a training, but not its last.ckpt, so that it "
              "cannot be resumed; choose another folder");
    fs::remove(run.folder / "best.safetensors");  // and its log is worth something, too
    CHECK_THAT(message_of([&] { train(p, recipe, run); }), Contains("holds the results of a training"));
    for (const char* name : {"last.ckpt", "best.safetensors"}) {
      segx::write_file_atomically(run.folder / name, before.at(name));
    }
  }
  SECTION("one that is over and lost its best weights") {
    fs::remove(run.folder / "best.safetensors");
    run.resume = true;
    CHECK_THAT(message_of([&] { train(p, recipe, run); }),
               Contains("best.safetensors: is missing; the training is over"));
    segx::write_file_atomically(run.folder / "best.safetensors", before.at("best.safetensors"));
  }
  SECTION("other settings") {
    run.resume = true;
    recipe.epochs = 2;
    recipe.schedule = "constant";
    CHECK_THAT(
        message_of([&] { train(p, recipe, run); }),
        Contains(checkpoint + ": was made with another recipe: there schedule is \"cosine\" and not \"constant\", "
                              "epochs is 1 and not 2"));
  }
  SECTION("another augmentation") {
    run.resume = true;
    run.augment = segx::no_augmentation{};
    CHECK_THAT(message_of([&] { train(p, recipe, run); }), Contains("there augmentation is \"flip\" and not \"none\""));
  }
  SECTION("other images") {
    phantoms other;
    std::swap(other.parts.train.front(), other.parts.val.front());
    run.resume = true;
    CHECK_THAT(message_of([&] { train(other, recipe, run); }), Contains(checkpoint) && Contains("other images"));
  }
  SECTION("another image of the same name") {
    const phantoms other;
    fs::copy_file(other.data.samples[other.parts.val.front()].image,
                  other.data.samples[other.parts.train.front()].image, fs::copy_options::overwrite_existing);
    run.resume = true;
    CHECK_THAT(message_of([&] { train(other, recipe, run); }), Contains(checkpoint) && Contains("other images"));
  }
  SECTION("a checkpoint that was cut off") {
    cut_file(run.folder / "last.ckpt", 0.5);
    run.resume = true;
    CHECK_THAT(message_of([&] { train(p, recipe, run); }), Contains(checkpoint));
    segx::write_file_atomically(checkpoint, before.at("last.ckpt"));
  }
  CHECK((content(run.folder) == before));
}

TEST_CASE("a network whose weights nobody could use is not trained") {
  struct headless : segx::network<segx::input<1>, segx::conv1x1<1>> {};
  struct half : segx::network<segx::input<1>, segx::chain<segx::max_pool2d<2>, segx::conv1x1<1>, segx::sigmoid>> {};
  const phantoms p;
  CHECK_THAT(message_of([&] { train<headless>(p, usual(), run_in(p / "run")); }), Contains("must end in sigmoid"));
  CHECK_THAT(message_of([&] { train<half>(p, usual(), run_in(p / "run")); }), Contains("masks are as large as images"));
  phantoms same;
  same.parts.val = same.parts.train;
  CHECK_THAT(message_of([&] { train(same, usual(), run_in(p / "run")); }), Contains("for training and for validation"));
  CHECK(!fs::exists(p / "run"));
}

TEST_CASE("there is nothing to resume in an empty folder") {
  const phantoms p;
  segx::run_options run = run_in(p / "run");
  run.resume = true;
  CHECK_THAT(message_of([&] { train(p, usual(), run); }), Contains((p / "run" / "last.ckpt").string()));
}

TEST_CASE("a training that diverges says in which layer, and leaves no weights that are no numbers") {
  const phantoms p;
  const std::string said = message_of([&] { train(p, diverging(), run_in(p / "run")); });
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
    segx::recipe recipe = diverging();
    recipe.batch = 9;
    recipe.epochs = 1;
    recipe.seed = seed;
    const segx::run_options run = run_in(p / std::to_string(seed));
    const std::string said = message_of([&] { train(p, recipe, run); });
    INFO("seed " << seed << ": " << said);
    const fs::path best = run.folder / "best.safetensors";
    if (fs::exists(best)) {
      CHECK_NOTHROW(segx::load_weights<tiny_unet>(best));
      CHECK(std::isfinite(segx::read_log(run.folder / "log.csv").at(0).val_loss));
    } else {
      ++diverged;
      CHECK_THAT(said, Contains("training diverged in epoch 1, step 2"));
    }
  }
  CHECK(diverged > 0);
}
