#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <limits>

#include <segx/io/checkpoint.hpp>

#include "temporary_folder.hpp"

using namespace segx;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t fingerprint = 0x0123456789abcdef;

checkpoint some_checkpoint() {
  checkpoint state;
  state.weights = {1, -2.5F, 3e-30F};
  state.optimizer = {0.5F, std::numeric_limits<float>::denorm_min()};
  state.average = {0.25F};
  state.set("epoch", std::int64_t{7});
  state.set("best_iou", 0.1 + 0.2);
  state.set("recipe", "unet16, \"256\"\nand π");
  return state;
}

}  // namespace

TEST_CASE("a checkpoint comes back bit for bit", "[io]") {
  const temporary_folder folder;
  const checkpoint state = some_checkpoint();
  save_checkpoint(folder / "last.ckpt", state, fingerprint);
  const checkpoint found = load_checkpoint(folder / "last.ckpt", fingerprint);
  CHECK(found.weights == state.weights);
  CHECK(found.optimizer == state.optimizer);
  CHECK(found.average == state.average);
  CHECK(found.get<std::int64_t>("epoch") == 7);
  CHECK(found.get<double>("best_iou") == 0.1 + 0.2);  // all digits
  CHECK(found.values.at("recipe") == state.values.at("recipe"));
  save_checkpoint(folder / "next.ckpt", found, fingerprint);
  CHECK(read_file(folder / "next.ckpt") == read_file(folder / "last.ckpt"));
}

TEST_CASE("a checkpoint of names that are not UTF-8 comes back, with a sign for what nobody can read", "[io]") {
  const temporary_folder folder;
  checkpoint state = some_checkpoint();
  state.set("list", "/data/\xe4rzte.txt");
  save_checkpoint(folder / "last.ckpt", state, fingerprint);
  CHECK(load_checkpoint(folder / "last.ckpt", fingerprint).text("list") == "/data/\xef\xbf\xbdrzte.txt");
}

TEST_CASE("numbers survive as text", "[io]") {
  checkpoint state;
  for (const double value : {0.0, -1.5, 1e-300, 1.7976931348623157e308, 0.1}) {
    state.set("value", value);
    CHECK(state.get<double>("value") == value);
  }
  state.set("value", std::numeric_limits<std::int64_t>::min());
  CHECK(state.get<std::int64_t>("value") == std::numeric_limits<std::int64_t>::min());
  state.set("value", std::numeric_limits<double>::infinity());
  CHECK(std::isinf(state.get<double>("value")));
}

TEST_CASE("a number that is none is refused", "[io]") {
  checkpoint state = some_checkpoint();
  CHECK_THROWS_WITH(state.get<double>("learning_rate"), "a checkpoint without the number \"learning_rate\"");
  CHECK_THROWS_WITH(state.get<std::int64_t>("recipe"), "a checkpoint without the number \"recipe\"");
  CHECK_THROWS_AS(state.get<std::int64_t>("best_iou"), error);
  state.set("epoch", "7 or so");
  CHECK_THROWS_AS(state.get<std::int64_t>("epoch"), error);
}

TEST_CASE("an empty checkpoint is a checkpoint", "[io]") {
  const temporary_folder folder;
  save_checkpoint(folder / "last.ckpt", {}, 1);
  CHECK(load_checkpoint(folder / "last.ckpt", 1).weights.empty());
}

TEST_CASE("checkpoints that are wrong are refused, and the sentence names the file", "[io]") {
  const temporary_folder folder;
  const auto path = folder / "last.ckpt";
  const auto refuses = [&](const char* sentence) {
    CHECK_THROWS_WITH(load_checkpoint(path, fingerprint), Contains(path.string() + ": ") && Contains(sentence));
  };
  CHECK_THROWS_WITH(load_checkpoint(path, fingerprint), Contains(path.string()));

  save_checkpoint(path, some_checkpoint(), fingerprint + 1);
  refuses("a checkpoint of another network: expected the fingerprint 0123456789abcdef, found 0123456789abcdf0");

  write_file_atomically(path, make_safetensors({}, {{"format", "segx weights 1"}}));
  refuses("not a checkpoint of segx");
  write_file_atomically(path, make_safetensors({}, {{"format", "segx checkpoint 1"}}));
  refuses("another version; this one reads \"segx checkpoint 2\"");

  save_checkpoint(path, some_checkpoint(), fingerprint);
  const std::vector<std::byte> sound = read_file(path);
  for (std::size_t size = 0; size < sound.size(); size += 13) {
    write_file_atomically(path, std::span{sound}.first(size));
    CHECK_THROWS_AS(load_checkpoint(path, fingerprint), error);
  }
  safetensors_view view;
  REQUIRE(parse_safetensors(sound, view).empty());
  const auto refuses_with = [&](const std::map<std::string, std::string>& texts) {
    write_file_atomically(path, make_safetensors(view.tensors, texts));
    refuses("damaged, or made by an older segx: the counters are not those that were written");
  };
  auto texts = view.metadata;
  texts["epoch"] = "8";
  refuses_with(texts);
  texts = view.metadata;
  texts.erase("best_iou");
  refuses_with(texts);
  texts = view.metadata;
  texts.erase("sha256.values");
  refuses_with(texts);

  std::uint64_t header = 0;
  std::memcpy(&header, sound.data(), sizeof header);
  for (std::size_t at = 8 + header; at < sound.size(); ++at) {  // the values of all tensors
    std::vector<std::byte> damaged = sound;
    damaged[at] ^= std::byte{1};
    write_file_atomically(path, damaged);
    const std::size_t number = (at - 8 - header) / sizeof(float);
    refuses(number < 3   ? "damaged, the values of \"weights\" are not those that were written"
            : number < 5 ? "damaged, the values of \"optimizer\" are not those that were written"
                         : "damaged, the values of \"average\" are not those that were written");
  }
}
