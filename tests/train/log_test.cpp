#include <segx/train/log.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <variant>

#include "temporary_folder.hpp"

namespace {

using segx::epoch_record;

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return (std::ostringstream() << stream.rdbuf()).str();
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

/// A record whose numbers all differ and take all their digits.
epoch_record record_of(int epoch) {
  epoch_record record;
  record.epoch = epoch;
  double value = epoch;
  for (const segx::log_column& column : segx::log_columns) {
    if (auto member = std::get_if<double epoch_record::*>(&column.member)) { record.** member = 1 / (value += 3); }
  }
  return record;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same(const epoch_record& a, const epoch_record& b) {
  bool all = true;
  for (const segx::log_column& column : segx::log_columns) {
    std::visit([&](auto member) { all = all && same(double(a.*member), double(b.*member)); }, column.member);
  }
  return all;
}

}  // namespace

TEST_CASE("the table of columns names every number of a record once") {
  STATIC_REQUIRE(sizeof(epoch_record) ==
                 (segx::log_columns.size() - 2) * sizeof(double) + 2 * sizeof(int) + sizeof(epoch_record::classes));
  for (const segx::log_column& a : segx::log_columns) {
    for (const segx::log_column& b : segx::log_columns) {
      if (&a == &b) { continue; }
      CHECK(a.name != b.name);
      CHECK(a.member != b.member);
    }
  }
}

TEST_CASE("a log reads back bit for bit") {
  const temporary_folder run;
  epoch_record extreme = record_of(3);
  extreme.train_loss = std::numeric_limits<double>::infinity();
  extreme.val_loss = std::numeric_limits<double>::quiet_NaN();
  extreme.learning_rate = std::numeric_limits<double>::denorm_min();
  extreme.seconds = std::numeric_limits<double>::max();
  extreme.train_iou = -0.1;
  {
    segx::training_log log(run.path());
    log.append(record_of(1));
    log.append(record_of(2));
    log.append(extreme);
    CHECK(log.records().size() == 3);
  }
  const auto records = segx::read_log(run / "log.csv");
  REQUIRE(records.size() == 3);
  CHECK(same(records[0], record_of(1)));
  CHECK(same(records[1], record_of(2)));
  CHECK(same(records[2], extreme));
}

TEST_CASE("the two files say what people and programs expect") {
  const temporary_folder run;
  epoch_record record;
  record.epoch = 7;
  record.averaged = 1;
  record.seconds = 12.5;
  record.learning_rate = 0.001;
  record.train_loss = std::numeric_limits<double>::infinity();
  segx::training_log(run.path()).append(record);
  CHECK(content(run / "log.csv") ==
        "epoch,seconds,learning_rate,train_loss,train_iou,train_dice,val_loss,val_iou_mean,val_iou_micro,"
        "val_dice_mean,val_accuracy,images_per_second,waiting,averaged\n"
        "7,12.5,0.001,inf,,,,,,,,,,1\n");
  CHECK(content(run / "log.jsonl") ==
        "{\"epoch\": 7, \"seconds\": 12.5, \"learning_rate\": 0.001, \"train_loss\": null, \"train_iou\": null, "
        "\"train_dice\": null, \"val_loss\": null, \"val_iou_mean\": null, \"val_iou_micro\": null, "
        "\"val_dice_mean\": null, \"val_accuracy\": null, \"images_per_second\": null, \"waiting\": null, "
        "\"averaged\": 1}\n");
}

TEST_CASE("a line is on disk as soon as it is appended") {
  const temporary_folder run;
  segx::training_log log(run.path());
  log.append(record_of(1));
  CHECK(segx::read_log(run / "log.csv").size() == 1);
  CHECK(lines(content(run / "log.jsonl")) == 1);
}

TEST_CASE("a log is replaced as a whole, so that no crash leaves a part of a line") {
  const temporary_folder run;
  segx::training_log log(run.path());
  log.append(record_of(1));
  for (const char* name : {"log.csv", "log.jsonl"}) {
    const std::string before = content(run / name);
    std::filesystem::create_hard_link(run / name, run / "before");
    log.append(record_of(2));
    CHECK(content(run / "before") == before);
    std::filesystem::remove(run / "before");
  }
}

TEST_CASE("a log that cannot be written is an error") {
  const temporary_folder run;
  segx::training_log log(run.path());
  std::filesystem::remove_all(run.path());
  CHECK_THROWS_AS(log.append(record_of(1)), segx::error);
}

TEST_CASE("resuming keeps the epochs up to the checkpoint's and drops later ones") {
  const temporary_folder run;
  {
    segx::training_log log(run.path());
    for (int epoch = 1; epoch <= 5; ++epoch) { log.append(record_of(epoch)); }
  }
  const std::string unbroken_csv = content(run / "log.csv"), unbroken_json = content(run / "log.jsonl");
  {
    segx::training_log log(run.path(), 3);
    CHECK(log.records().size() == 3);
    CHECK(lines(content(run / "log.csv")) == 1 + 3);
    CHECK(lines(content(run / "log.jsonl")) == 3);
    log.append(record_of(4));
    log.append(record_of(5));
  }
  CHECK(content(run / "log.csv") == unbroken_csv);
  CHECK(content(run / "log.jsonl") == unbroken_json);

  segx::training_log fresh(run.path());
  CHECK(fresh.records().empty());
  CHECK(lines(content(run / "log.csv")) == 1);
  CHECK(content(run / "log.jsonl").empty());
}

TEST_CASE("resuming without the table takes the epochs from the other file") {
  const temporary_folder run;
  constexpr const char* about = "{\"recipe\": {\"loss\": \"bce\", \"batch\": 4}, \"images_sha256\": \"0\"}";
  {
    segx::training_log log(run.path(), 0, about, {"lung"});
    for (int epoch = 1; epoch <= 3; ++epoch) {
      epoch_record record = record_of(epoch);
      record.train_dice = std::numeric_limits<double>::quiet_NaN();
      record.classes = {{"lung", epoch == 2 ? std::numeric_limits<double>::quiet_NaN() : 0.25}};
      log.append(record);
    }
  }
  const std::string csv = content(run / "log.csv"), json = content(run / "log.jsonl");
  std::filesystem::remove(run / "log.csv");
  segx::training_log(run.path(), 3, about, {"lung"});
  CHECK(content(run / "log.csv") == csv);
  CHECK(content(run / "log.jsonl") == json);
}

TEST_CASE("classes have columns of their own, which resuming keeps") {
  const temporary_folder run;
  epoch_record record = record_of(1);
  record.classes = {{"lung", 0.25}, {"heart", std::numeric_limits<double>::quiet_NaN()}};
  segx::training_log(run.path(), 0, "", {"lung", "heart"}).append(record);
  const std::string csv = content(run / "log.csv"), json = content(run / "log.jsonl");
  CHECK_THAT(csv, Catch::Matchers::Contains(",averaged,val_iou.lung,val_iou.heart\n") &&
                      Catch::Matchers::EndsWith(",0.25,\n"));
  CHECK_THAT(json, Catch::Matchers::EndsWith(", \"val_iou.lung\": 0.25, \"val_iou.heart\": null}\n"));
  segx::training_log(run.path(), 1, "", {"lung", "heart"});
  CHECK(content(run / "log.csv") == csv);
  CHECK(content(run / "log.jsonl") == json);
}

TEST_CASE("what a training is stands in the first line for programs, also after resuming") {
  const temporary_folder run;
  segx::training_log(run.path(), 0, "{\"recipe\": {}}").append(record_of(1));
  const std::string text = content(run / "log.jsonl");
  CHECK(text.starts_with("{\"recipe\": {}}\n{\"epoch\": 1"));
  segx::training_log(run.path(), 1, "{\"recipe\": {}}");
  CHECK(content(run / "log.jsonl") == text);
}

TEST_CASE("a log that a crash cut anywhere resumes to the unbroken one") {
  const temporary_folder run;
  {
    segx::training_log log(run.path());
    log.append(record_of(1));
    log.append(record_of(2));
  }
  const std::string csv = content(run / "log.csv"), json = content(run / "log.jsonl");
  const std::size_t whole = csv.find('\n', csv.find('\n') + 1) + 1;  // end of epoch 1
  for (const std::size_t cut : {whole, whole + 1, whole + 2, (whole + csv.size()) / 2, csv.size() - 1}) {
    write(run / "log.csv", csv.substr(0, cut));
    write(run / "log.jsonl", json.substr(0, json.size() / 2 + 3));
    REQUIRE(segx::read_log(run / "log.csv").size() == 1);
    segx::training_log(run.path(), 1).append(record_of(2));
    REQUIRE(content(run / "log.csv") == csv);
    REQUIRE(content(run / "log.jsonl") == json);
  }
}

TEST_CASE("a log without lines is empty, and resuming without a log starts one") {
  const temporary_folder run;
  write(run / "log.csv", "");
  CHECK(segx::read_log(run / "log.csv").empty());
  write(run / "log.csv", "epo");
  CHECK(segx::read_log(run / "log.csv").empty());
  std::filesystem::remove_all(run.path());
  CHECK(segx::training_log(run.path(), 9).records().empty());
}

TEST_CASE("columns are found by name") {
  const temporary_folder run;
  write(run / "log.csv", "epoch,future,val_loss\n1,abc,0.5\n2,,\n");
  const auto records = segx::read_log(run / "log.csv");
  REQUIRE(records.size() == 2);
  CHECK(records[0].val_loss == 0.5);
  CHECK(std::isnan(records[0].train_loss));
  CHECK(std::isnan(records[1].val_loss));
}

TEST_CASE("what is no log is refused with file, line and reason") {
  const temporary_folder run;
  const auto message = [&](const std::string& text) -> std::string {
    write(run / "log.csv", text);
    try {
      segx::read_log(run / "log.csv");
    } catch (const segx::error& e) { return e.what(); }
    return "accepted";
  };
  using Catch::Matchers::Contains;
  CHECK_THROWS_AS(segx::read_log(run / "absent.csv"), segx::error);
  CHECK_THAT(message("a,b\n1,2\n"), Contains("log.csv") && Contains("must begin with \"epoch\""));
  CHECK_THAT(message("epoch,val_loss\n1,0.5\n2\n"), Contains("line 3: expected 2 fields, found 1"));
  CHECK_THAT(message("epoch,val_loss\n1,0.5x\n"), Contains("line 2: \"0.5x\" is no value of val_loss"));
  CHECK_THAT(message("epoch,val_loss\n1.5,0.5\n"), Contains("\"1.5\" is no value of epoch"));
  CHECK_THAT(message("epoch,val_loss\n,0.5\n"), Contains("\"\" is no value of epoch"));
}

TEST_CASE("a run folder that cannot be made is an error") {
  const temporary_folder run;
  write(run / "plain_file", "");
  CHECK_THROWS_AS(segx::training_log(run / "plain_file" / "run"), segx::error);
}
