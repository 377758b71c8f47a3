#include <segx/io/safetensors.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using segx::dtype, segx::tensor_entry, segx::safetensors_view;
using segx::make_safetensors, segx::parse_safetensors, segx::to_float16, segx::to_float32;
using bytes = std::vector<std::byte>;
using metadata_map = std::map<std::string, std::string>;

namespace {

bytes counting(std::size_t size) {
  bytes result(size);
  for (std::size_t i = 0; i < size; ++i) { result[i] = static_cast<std::byte>(i + 1); }
  return result;
}

// A file of this header and so many bytes of data.
bytes file_of(std::string_view header, std::size_t data_size, std::uint64_t claimed_header_size) {
  bytes file(8);
  std::memcpy(file.data(), &claimed_header_size, 8);
  for (const char letter : header) { file.push_back(static_cast<std::byte>(letter)); }
  const bytes data = counting(data_size);
  file.insert(file.end(), data.begin(), data.end());
  return file;
}
bytes file_of(std::string_view header, std::size_t data_size) { return file_of(header, data_size, header.size()); }

std::string text_at(const bytes& file, std::size_t begin, std::size_t size) {
  return std::string(reinterpret_cast<const char*>(file.data()) + begin, size);
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// What the parser says of a file that it must refuse, and refuse without touching its result.
std::string refusal(std::span<const std::byte> file) {
  const bytes data = counting(1);
  safetensors_view view{{{"before", dtype::u8, {1}, data}}, {{"key", "before"}}};
  std::string sentence = parse_safetensors(file, view);
  const bool untouched = view.tensors.size() == 1 && view.tensors[0].name == "before" &&
                         view.tensors[0].bytes.data() == data.data() &&
                         view.metadata == metadata_map{{"key", "before"}};
  if (!sentence.empty() && !untouched) { return "the result was touched: " + sentence; }
  return sentence;
}

// Whatever parses must be safe to use: every tensor inside the file, as large as it says, and all of them the whole.
bool is_consistent(const safetensors_view& view, const bytes& file) {
  std::size_t total = 0;
  for (const tensor_entry& entry : view.tensors) {
    std::size_t size = segx::size_of(entry.type);
    for (const std::int64_t extent : entry.extents) { size *= static_cast<std::size_t>(extent); }
    if (size != entry.bytes.size()) { return false; }
    if (size > 0 && (entry.bytes.data() < file.data() + 8 || &entry.bytes.back() > &file.back())) { return false; }
    total += size;
  }
  return total <= file.size();
}

bytes small_file() {
  static const bytes a = counting(24), b = counting(6), c = counting(4);
  const std::vector<tensor_entry> tensors{
      {"encoder.0.weight", dtype::f32, {2, 3}, a}, {"bias", dtype::f16, {3}, b}, {"step", dtype::i32, {}, c}};
  return make_safetensors(tensors, {{"format", "pt"}, {"note", "a \"quoted\" μ"}});
}

}  // namespace

TEST_CASE("what is made is what is parsed, in the order given", "[safetensors]") {
  const bytes data = counting(64);
  const std::span<const std::byte> some(data);
  const std::vector<tensor_entry> tensors{{"z.weight", dtype::f32, {2, 3}, some.first(24)},
                                          {"a scalar", dtype::f64, {}, some.first(8)},
                                          {"empty", dtype::f32, {4, 0, 3}, {}},
                                          {"half", dtype::f16, {1, 1, 3, 1}, some.first(6)},
                                          {"brain", dtype::bf16, {2}, some.first(4)},
                                          {"i64", dtype::i64, {1}, some.first(8)},
                                          {"i32", dtype::i32, {2}, some.first(8)},
                                          {"i16", dtype::i16, {3}, some.first(6)},
                                          {"i8", dtype::i8, {5}, some.first(5)},
                                          {"u8", dtype::u8, {7}, some.first(7)},
                                          {"flags", dtype::boolean, {3}, some.first(3)},
                                          {"\"name\"\\ of\n/Größe\u0001 🫁", dtype::u8, {1}, some.first(1)},
                                          {"", dtype::u8, {1}, some.first(1)}};
  const metadata_map metadata{{"", ""}, {"normalisation", "{\"mean\": 0.5}"}, {"spacing \t", "mm² 🫁"}};

  const bytes file = make_safetensors(tensors, metadata);
  safetensors_view view;
  REQUIRE(parse_safetensors(file, view) == "");
  CHECK(view.metadata == metadata);
  REQUIRE(view.tensors.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    INFO(tensors[i].name);
    CHECK(view.tensors[i].name == tensors[i].name);
    CHECK(view.tensors[i].type == tensors[i].type);
    CHECK(view.tensors[i].extents == tensors[i].extents);
    CHECK(same(view.tensors[i].bytes, tensors[i].bytes));
    CHECK(view.find(tensors[i].name) == &view.tensors[i]);
  }
  CHECK(view.find("absent") == nullptr);

  const auto into_file = [&](const tensor_entry& entry) { return entry.bytes.data() - file.data(); };
  CHECK(into_file(view.tensors.back()) == static_cast<std::ptrdiff_t>(file.size()) - 1);  // a view, not a copy
  CHECK(make_safetensors(view.tensors, view.metadata) == file);
}

TEST_CASE("the bytes of a file are those of the format", "[safetensors]") {
  const bytes a = counting(8), b = counting(2);
  const std::vector<tensor_entry> tensors{{"w", dtype::f32, {2, 1}, a}, {"b", dtype::u8, {2}, b}};
  const bytes file = make_safetensors(tensors, {{"k", "v"}});
  const std::string header = R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  REQUIRE(padded > header.size());
  REQUIRE(file.size() == 8 + padded + 10);
  CHECK(file[0] == static_cast<std::byte>(padded));
  CHECK(std::all_of(file.begin() + 1, file.begin() + 8, [](std::byte byte) { return byte == std::byte{0}; }));
  CHECK(text_at(file, 8, padded) == header + std::string(padded - header.size(), ' '));
  CHECK(text_at(file, 8 + padded, 10) == "\1\2\3\4\5\6\7\10\1\2");
}

TEST_CASE("a file without tensors, without metadata, or with other white space is good", "[safetensors]") {
  safetensors_view view = {{{"before", dtype::u8, {}, {}}}, {{"before", ""}}};
  CHECK(parse_safetensors(make_safetensors({}, {}), view) == "");
  CHECK((view.tensors.empty() && view.metadata.empty()));
  CHECK(parse_safetensors(make_safetensors({}, {{"only", "metadata"}}), view) == "");
  CHECK((view.tensors.empty() && view.metadata == metadata_map{{"only", "metadata"}}));
  CHECK(parse_safetensors(file_of("{\n\t\"__metadata__\" : { } } \n", 0), view) == "");
  CHECK((view.tensors.empty() && view.metadata.empty()));
}

TEST_CASE("escapes in a header are read", "[safetensors]") {
  safetensors_view view;
  REQUIRE(parse_safetensors(
              file_of(R"({"__metadata__":{"\u0061":"\"\\\/\b\f\n\r\t\u00Fc\u20ac\ud83e\udec1\u0000"}})", 0), view) ==
          "");
  CHECK(view.metadata == metadata_map{{"a", std::string("\"\\/\b\f\n\r\tü€🫁\0", 18)}});
}

TEST_CASE("the header's order does not matter, the offsets give the tensors' order", "[safetensors]") {
  const bytes file = file_of(R"({"late":{"data_offsets":[4,6],"shape":[2],"dtype":"I8"},)"
                             R"("none":{"dtype":"F64","shape":[0],"data_offsets":[4,4]},)"
                             R"("early":{"shape":[1],"data_offsets":[0,4],"dtype":"F32"}})",
                             6);
  safetensors_view view;
  REQUIRE(parse_safetensors(file, view) == "");
  REQUIRE(view.tensors.size() == 3);
  CHECK(view.tensors[0].name == "early");
  CHECK(view.tensors[1].name == "none");
  CHECK(view.tensors[2].name == "late");
  CHECK(same(view.tensors[2].bytes, std::span(file).last(2)));
}

TEST_CASE("a broken file is refused with a sentence, and nothing is touched", "[safetensors]") {
  struct broken_file {
    std::string_view what;
    bytes file;
    std::string_view sentence;  // a part of it
  };
  // A tensor "w" of four bytes whose description is `info`, and as much data.
  const auto with = [](std::string_view info, std::size_t data_size = 4) {
    return file_of("{\"w\":" + std::string(info) + "}", data_size);
  };
  const auto text = [](std::string_view header) { return file_of(header, 0); };
  // The member of the header for a tensor of bytes.
  const auto u8 = [](std::string_view name, int count, int begin, int end) {
    return "\"" + std::string(name) + "\":{\"dtype\":\"U8\",\"shape\":[" + std::to_string(count) +
           "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  };
  using namespace std::string_literals;

  const std::vector<broken_file> corpus{
      {"nothing", {}, "expected at least 8 bytes of a safetensors file, found 0"},
      {"half a length", counting(7), "expected at least 8 bytes of a safetensors file, found 7"},
      {"a PNG", file_of("", 64, 0x0a1a0a0d474e5089),
       "not a safetensors file, which begins with the length of its header, at most 100000000: found "
       "727905341920923785"},
      {"the largest length", file_of("{}", 0, UINT64_MAX), "at most 100000000: found 18446744073709551615"},
      {"a header above the limit", file_of("{}", 0, 100'000'001), "at most 100000000: found 100000001"},
      {"a header beyond the file", file_of("{}", 0, 3), "expected a header of 3 bytes, found 2 bytes after the length"},
      {"no header", file_of("", 0), "does not start with '{'"},
      {"a header of spaces", text("        "), "does not start with '{'"},
      {"a space before it", text(" {}"), "does not start with '{'"},
      {"a byte order mark", text("\xEF\xBB\xBF{}"), "does not start with '{'"},
      {"an array", text("[]"), "does not start with '{'"},
      {"not JSON", text("{w: 1}"), "expected a name in UTF-8 at byte 1 of the header, found \"w: 1}\""},
      {"cut JSON", text("{\"w\":"),
       "expected an object or its next member for tensor \"w\" at byte 5 of the header, found \"\""},
      {"a comment", text("{/* none */}"), "expected a name in UTF-8 at byte 1"},
      {"more after the object", text("{}{}"), "at byte 2 of the header, found \"{}\""},
      {"a zero byte and more", text("{}\0garbage"s), "at byte 2 of the header, found \"\\u0000garbage\""},
      {"padding of zeros", text("{}\0\0\0\0\0\0"s), "at byte 2 of the header, found \"\\u0000"},
      {"not UTF-8", text("{\"__metadata__\":{\"a\":\"\xff\"}}"),
       "expected a text in UTF-8 for \"a\" of __metadata__ at byte 22"},
      {"overlong UTF-8", text("{\"__metadata__\":{\"a\":\"\xc0\xaf\"}}"),
       "expected a text in UTF-8 for \"a\" of __metadata__ at byte 22"},
      {"half a surrogate", text(R"({"__metadata__":{"a":"\ud800"}})"),
       "expected a text in UTF-8 for \"a\" of __metadata__"},
      {"a depth of 100000", text("{\"w\":" + std::string(100'000, '[')),
       "expected an object or its next member for tensor \"w\" at byte 5"},
      {"a depth of 100000, closed", text("{\"w\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"),
       "expected an object or its next member for tensor \"w\" at byte 5"},
      {"a name twice", file_of("{" + u8("w", 1, 0, 1) + "," + u8("w", 1, 0, 1) + "}", 1), "the name \"w\" twice"},
      {"a name twice, once escaped", file_of("{" + u8("w", 0, 0, 0) + "," + u8("\\u0077", 0, 0, 0) + "}", 0),
       "the name \"w\" twice"},
      {"a key of metadata twice", text(R"({"__metadata__":{"k":"a","k":"b"}})"), "the name \"k\" twice"},
      {"metadata twice", text(R"({"__metadata__":{},"__metadata__":{}})"), "the name \"__metadata__\" twice"},
      {"a dtype twice", with(R"({"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "\"dtype\" twice"},
      {"metadata is a list", text(R"({"__metadata__":[]})"),
       "expected an object or its next member for __metadata__ at byte 16 of the header, found \"[]}\""},
      {"metadata is null", text(R"({"__metadata__":null})"),
       "expected an object or its next member for __metadata__ at byte 16 of the header, found \"null}\""},
      {"metadata with a number", text(R"({"__metadata__":{"k":1}})"),
       "expected a text in UTF-8 for \"k\" of __metadata__ at byte 21 of the header, found \"1}}\""},
      {"metadata with an object", text(R"({"__metadata__":{"k":{}}})"),
       "expected a text in UTF-8 for \"k\" of __metadata__"},
      {"a tensor that is a number", with("1"),
       "expected an object or its next member for tensor \"w\" at byte 5 of the header, found \"1}\""},
      {"a tensor that is null", with("null"), "expected an object or its next member for tensor \"w\""},
      {"no dtype", with(R"({"shape":[1],"data_offsets":[0,4]})"),
       "tensor \"w\": expected dtype, shape and data_offsets, found 2 of them"},
      {"a dtype that is a number", with(R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})"),
       "expected a text for the dtype of tensor \"w\" at byte 14"},
      {"an unknown dtype", with(R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})"), "found \"F33\""},
      {"a dtype in small letters", with(R"({"dtype":"f32","shape":[1],"data_offsets":[0,4]})"), "found \"f32\""},
      {"no shape", with(R"({"dtype":"F32","data_offsets":[0,4]})"),
       "expected dtype, shape and data_offsets, found 2 of them"},
      {"a shape that is a number", with(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})"),
       "expected a list of extents for the shape of tensor \"w\" at byte 28"},
      {"a negative extent", with(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29 of the header, found \"-1]"},
      {"two negative extents", with(R"({"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"an extent of 1.0", with(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"an extent of 1e0", with(R"({"dtype":"F32","shape":[1e0],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"an extent in quotes", with(R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"an extent that is a list", with(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"an extent of 2^63", with(R"({"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 28"},
      {"an extent of 2^64 + 1", with(R"({"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 29"},
      {"extents whose product is 2^64 + 4",  // 4 · 5 · 922337203685477581
       with(R"({"dtype":"F32","shape":[5,922337203685477581],"data_offsets":[0,4]})"), "more bytes than 64 bits"},
      {"extents whose product is 2^64",
       with(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0), "more bytes than 64 bits"},
      {"elements that fit but bytes that do not",
       with(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0), "more bytes than 64 bits"},
      {"no offsets", with(R"({"dtype":"F32","shape":[1]})"), "expected dtype, shape and data_offsets, found 2 of them"},
      {"one offset", with(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"),
       "expected two numbers, found 1 in data_offsets [0]"},
      {"three offsets", with(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})"),
       "expected two numbers, found 3 in data_offsets [0,4,8]"},
      {"a negative offset", with(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})"),
       "expected a whole number from 0 to 2^63-1 at byte 48"},
      {"an offset of 0.0", with(R"({"dtype":"F32","shape":[1],"data_offsets":[0.0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 48"},
      {"offsets reversed", with(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"),
       "expected the first number to be the smaller one in data_offsets [4,0]"},
      {"too few bytes for the shape", with(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,4]})"),
       "tensor \"w\": expected 24 bytes for F32 [2,3], found 4 bytes in data_offsets [0,4]"},
      {"too many bytes for the shape", with(R"({"dtype":"F16","shape":[],"data_offsets":[0,4]})"),
       "expected 2 bytes for F16 [], found 4 bytes"},
      {"bytes for no elements", with(R"({"dtype":"F32","shape":[0],"data_offsets":[0,4]})"),
       "expected 0 bytes for F32 [0], found 4 bytes"},
      {"offsets beyond the data", with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
       "expected at least 8 bytes of data, found 4 bytes in data_offsets [0,8]"},
      {"offsets far beyond the data",
       with(R"({"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]})"),
       "expected at least 9223372036854775807 bytes of data, found 4 bytes"},
      {"no elements, far beyond the data", with(R"({"dtype":"U8","shape":[0],"data_offsets":[99,99]})"),
       "expected at least 99 bytes of data, found 4 bytes"},
      {"a member that the format does not have", with(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1})"),
       "tensor \"w\": expected dtype, shape and data_offsets, found \"x\""},
      {"a leading zero", with(R"({"dtype":"U8","shape":[04],"data_offsets":[0,4]})"),
       "expected a whole number from 0 to 2^63-1 at byte 28"},
      {"a comma at the end", with(R"({"dtype":"U8","shape":[4,],"data_offsets":[0,4]})"), "expected a whole number"},
      {"a tab in a text", text("{\"__metadata__\":{\"a\":\"\t\"}}"), "expected a text in UTF-8"},
      {"an unknown escape", text(R"({"__metadata__":{"a":"\x41"}})"), "expected a text in UTF-8"},
      {"an escape of three digits", text(R"({"__metadata__":{"a":"\u041"}})"), "expected a text in UTF-8"},
      {"an escape with a sign", text(R"({"__metadata__":{"a":"\u+041"}})"), "expected a text in UTF-8"},
      {"the second half of a surrogate", text(R"({"__metadata__":{"a":"\udc00"}})"), "expected a text in UTF-8"},
      {"two first halves", text(R"({"__metadata__":{"a":"\ud800\ud800"}})"), "expected a text in UTF-8"},
      {"a surrogate in UTF-8", text("{\"__metadata__\":{\"a\":\"\xed\xa0\x80\"}}"), "expected a text in UTF-8"},
      {"a letter beyond Unicode", text("{\"__metadata__\":{\"a\":\"\xf4\x90\x80\x80\"}}"), "expected a text in UTF-8"},
      {"a letter cut by the end", text("{\"__metadata__\":{\"\xf0\x9f\xab"), "expected a name in UTF-8"},
      {"data without tensors", file_of("{}", 1), "expected 0 bytes of data, as many as the tensors have, found 1 byte"},
      {"a byte after the last tensor", with(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 5),
       "expected 4 bytes of data, as many as the tensors have, found 5 bytes"},
      {"a hole before the first tensor", with(R"({"dtype":"F32","shape":[1],"data_offsets":[1,5]})", 5),
       "tensor \"w\": expected its bytes to start at 0, where those before it end, found 1"},
      {"a hole between tensors", file_of("{" + u8("a", 1, 0, 1) + "," + u8("b", 1, 2, 3) + "}", 3),
       "tensor \"b\": expected its bytes to start at 1"},
      {"tensors that overlap", file_of("{" + u8("a", 2, 0, 2) + "," + u8("b", 2, 1, 3) + "}", 3),
       "tensor \"b\": expected its bytes to start at 2, where those before it end, found 1"},
      {"tensors of the same bytes", file_of("{" + u8("a", 2, 0, 2) + "," + u8("b", 2, 0, 2) + "}", 2),
       "tensor \"b\": expected its bytes to start at 2"},
      {"no elements in the middle of a tensor", file_of("{" + u8("a", 2, 0, 2) + "," + u8("b", 0, 1, 1) + "}", 2),
       "tensor \"b\": expected its bytes to start at 2"},
  };
  for (const auto& [what, file, sentence] : corpus) {
    INFO(what);
    CHECK_THAT(refusal(file), Catch::Contains(std::string(sentence)));
  }
}

TEST_CASE("a sentence stays one short line whatever the names in the file", "[safetensors]") {
  const std::string name = "\\n\\u0000" + std::string(5000, 'x');
  const std::string sentence = refusal(file_of("{\"" + name + "\":1}", 0));
  CHECK(sentence.size() < 200);
  CHECK(sentence.find_first_of("\n\r\0", 0, 3) == std::string::npos);
}

TEST_CASE("a file cut anywhere is refused, and so is one with a byte more", "[safetensors]") {
  const bytes file = small_file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    INFO(size << " of " << file.size() << " bytes");
    const bytes cut(file.begin(),
                    file.begin() + static_cast<std::ptrdiff_t>(size));  // so that a sanitizer sees its end
    CHECK(refusal(cut) != "");
  }
  CHECK(refusal(file) == "");
  bytes longer = file;
  longer.push_back(std::byte{0});
  CHECK_THAT(refusal(longer),
             Catch::Contains("expected 34 bytes of data, as many as the tensors have, found 35 bytes"));
}

TEST_CASE("a file with flipped bits is refused or gives a sound view", "[safetensors]") {
  const bytes file = small_file();
  const std::size_t data_size = 34, end = file.size() - data_size;
  int refused = 0, unsound = 0;
  const auto try_file = [&](const bytes& changed) {
    safetensors_view view;
    if (!parse_safetensors(changed, view).empty()) {
      ++refused;
    } else if (!is_consistent(view, changed)) {
      ++unsound;
    }
  };
  for (std::size_t bit = 0; bit < 8 * end; ++bit) {
    bytes changed = file;
    changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    try_file(changed);
  }
  CHECK(unsound == 0);
  CHECK(refused > 1000);  // all of them but those within names and metadata

  std::mt19937 random(7);
  for (int trial = 0; trial < 20'000; ++trial) {  // one to four bytes set to what JSON is made of, or to anything
    static constexpr std::string_view letters = "{}[]\":,\\0123456789-.eEu \t\ntruefalsn";
    bytes changed = file;
    for (std::size_t n = 1 + random() % 4; n > 0; --n) {
      changed[8 + random() % (end - 8)] = random() % 4 == 0
                                              ? static_cast<std::byte>(random())
                                              : static_cast<std::byte>(letters[random() % letters.size()]);
    }
    try_file(changed);
  }
  CHECK(unsound == 0);
}

TEST_CASE("make_safetensors throws for what no reader would take", "[safetensors]") {
  const bytes data = counting(8);
  const auto message_of = [](std::vector<tensor_entry> tensors) {
    try {
      make_safetensors(tensors, {});
    } catch (const segx::error& problem) { return std::string(problem.what()); }
    return std::string("no error");
  };
  using Catch::Contains;
  CHECK_THAT(message_of({{"w", dtype::f32, {3}, data}}),
             Contains("make_safetensors: tensor \"w\": expected 12 bytes for F32 [3], found 8 bytes"));
  CHECK_THAT(message_of({{"w", dtype::u8, {8}, data}, {"w", dtype::u8, {8}, data}}), Contains("the name \"w\" twice"));
  CHECK_THAT(message_of({{"w", dtype::u8, {-2, -4}, data}}),
             Contains("expected a whole number from 0 to 2^63-1 at byte 28"));
  CHECK_THAT(message_of({{"__metadata__", dtype::u8, {8}, data}}), Contains("__metadata__"));
}

TEST_CASE("bytes that are not UTF-8 are written as the replacement character", "[safetensors]") {
  safetensors_view view;
  REQUIRE(parse_safetensors(make_safetensors({}, {{"folder", "Krak\xf3w"}}), view) == "");
  CHECK(view.metadata["folder"] == "Krak\uFFFDw");
}

TEST_CASE("to_float32 reads floats, halves and bfloat16s at any alignment", "[safetensors]") {
  const std::vector<float> values{0.0f, -1.5f, 65504.0f, 0x1p-24f, std::numeric_limits<float>::infinity()};
  const bytes one = counting(1), halves = to_float16(values);
  const std::vector<tensor_entry> tensors{{"odd", dtype::u8, {1}, one},
                                          {"f32", dtype::f32, {5}, std::as_bytes(std::span(values))},
                                          {"f16", dtype::f16, {5, 1}, halves},
                                          {"bf16", dtype::bf16, {2}, std::as_bytes(std::span(values)).subspan(4, 4)}};
  const bytes file = make_safetensors(tensors, {});
  safetensors_view view;
  REQUIRE(parse_safetensors(file, view) == "");

  for (const char* name : {"f32", "f16"}) {
    std::vector<float> read(5);
    CHECK(to_float32(*view.find(name), read) == "");
    CHECK(read == values);
  }
  std::vector<float> read(2, 7.0f);
  CHECK(to_float32(*view.find("bf16"), read) == "");
  CHECK(read == std::vector<float>{0.0f, -1.5f});  // the lower and the upper half of the float -1.5

  read.assign(2, 7.0f);
  CHECK(to_float32(*view.find("f16"), read) == "tensor \"f16\": expected 2 elements, found 5");
  CHECK(to_float32(*view.find("odd"), std::span(read).first(1)) ==
        "tensor \"odd\": expected F32, F16 or BF16, found U8");
  CHECK(read == std::vector<float>(2, 7.0f));
  CHECK(to_float32({"empty", dtype::f16, {0}, {}}, {}) == "");
}
