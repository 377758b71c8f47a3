#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <segx/core/error.hpp>
#include <segx/io/half.hpp>
#include <segx/io/json_text.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The safetensors format: eight bytes that hold the length of the header (little-endian), the header, and the tensors'
// bytes, little-endian and row-major, back to back. The header is one JSON object:
//
//   {"__metadata__": {"key": "text", …}, "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, …}
//
// Reading throws nothing and compiles without exceptions: what fails returns a sentence, "" means done.
// Source: https://huggingface.co/docs/safetensors and the reference implementation, safetensors/src/tensor.rs.

namespace segx {

static_assert(std::endian::native == std::endian::little, "tensors are read and written without swapping bytes");

enum class dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

namespace detail {

struct dtype_row {
  dtype type;
  std::string_view name;
  std::size_t bytes;
};

inline constexpr std::array<dtype_row, 10> dtypes{{{dtype::f64, "F64", 8},
                                                   {dtype::f32, "F32", 4},
                                                   {dtype::f16, "F16", 2},
                                                   {dtype::bf16, "BF16", 2},
                                                   {dtype::i64, "I64", 8},
                                                   {dtype::i32, "I32", 4},
                                                   {dtype::i16, "I16", 2},
                                                   {dtype::i8, "I8", 1},
                                                   {dtype::u8, "U8", 1},
                                                   {dtype::boolean, "BOOL", 1}}};

}  // namespace detail

/// The type's name in a header: "F32", …
constexpr std::string_view name_of(dtype type) { return detail::dtypes[static_cast<std::size_t>(type)].name; }

/// Bytes of one element.
constexpr std::size_t size_of(dtype type) { return detail::dtypes[static_cast<std::size_t>(type)].bytes; }

/// One tensor of a file. It owns nothing but its name: the bytes are somebody else's, aligned to nothing.
struct tensor_entry {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> extents;  ///< outermost first; empty for a scalar; an extent may be 0
  std::span<const std::byte> bytes;   ///< as many as elements times size_of(type), row-major
};

/// What `parse_safetensors` finds. Its tensors look into the file's bytes, which must outlive it.
struct safetensors_view {
  std::vector<tensor_entry> tensors;  ///< in the order of their bytes in the file
  std::map<std::string, std::string> metadata;

  /// The tensor of this name, or a null pointer.
  const tensor_entry* find(std::string_view name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const tensor_entry& entry) { return entry.name == name; });
    return found == tensors.end() ? nullptr : &*found;
  }
};

namespace detail {

/// The text as JSON, cut to a length that a sentence can bear.
inline std::string in_quotes(std::string_view text) {
  std::string result = json_text(text);
  std::size_t end = 76;
  if (result.size() <= end + 4) return result;
  while ((static_cast<unsigned char>(result[end]) & 0xc0u) == 0x80u) --end;  // not within a letter
  return result.substr(0, end) + "...\"";
}

inline std::string bytes_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

inline std::string extents_text(const std::vector<std::int64_t>& extents) {
  std::string text = "[";
  for (const std::int64_t extent : extents) {
    if (text.size() > 1) text += ',';
    text += std::to_string(extent);
  }
  return text + ']';
}

/// The bytes of a tensor of these extents into `out`; false when they are more than 64 bits can count.
inline bool bytes_of(dtype type, const std::vector<std::int64_t>& extents, std::uint64_t& out) {
  out = size_of(type);
  for (const std::int64_t extent : extents) {
    const auto factor = static_cast<std::uint64_t>(extent);
    if (extent < 0 || (factor != 0 && out > UINT64_MAX / factor)) return false;
    out *= factor;
  }
  return true;
}

/// Checks a tensor's extents and offsets and sets its bytes; `data` is all that follows the header.
inline std::string place(tensor_entry& entry, const std::vector<std::int64_t>& offsets,
                         std::span<const std::byte> data) {
  const std::string tensor = "tensor " + in_quotes(entry.name), at = " in data_offsets " + extents_text(offsets);
  std::uint64_t expected = 0;
  if (!bytes_of(entry.type, entry.extents, expected)) return tensor + ": shape has more bytes than 64 bits can count";
  if (offsets.size() != 2) return tensor + ": expected two numbers, found " + std::to_string(offsets.size()) + at;
  const auto begin = static_cast<std::uint64_t>(offsets[0]), end = static_cast<std::uint64_t>(offsets[1]);
  if (begin > end) return tensor + ": expected the first number to be the smaller one" + at;
  if (end - begin != expected)
    return tensor + ": expected " + bytes_text(expected) + " for " + std::string(name_of(entry.type)) + " " +
           extents_text(entry.extents) + ", found " + bytes_text(end - begin) + at;
  if (end > data.size())
    return tensor + ": expected at least " + bytes_text(end) + " of data, found " + bytes_text(data.size()) + at +
           ": the file is truncated or lies";
  entry.bytes = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return "";
}

/// Reads a header, in one pass. `read` returns the sentence that says what is wrong.
class header_reader {
 public:
  header_reader(std::string_view header, std::span<const std::byte> data)
      : header_(header), cursor_{header}, data_(data) {}

  std::string read(safetensors_view& view) {
    if (!header_.starts_with('{')) return "the header does not start with '{'";
    const bool done = take_object("the header", [&](const std::string& name) {
      if (name == "__metadata__") return take_metadata(view.metadata);
      return take_tensor(view.tensors.emplace_back(tensor_entry{name, {}, {}, {}}));
    });
    cursor_.skip_space();
    if (!done || !cursor_.rest.empty()) expect("JSON as safetensors has it");
    return wrong_;
  }

 private:
  /// Says what was expected at the cursor, unless something was wrong before; false.
  bool expect(const std::string& what) {
    if (wrong_.empty())
      wrong_ = "expected " + what + " at byte " + std::to_string(header_.size() - cursor_.rest.size()) +
               " of the header, found " + in_quotes(cursor_.rest.substr(0, 12));
    return false;
  }

  /// An object whose members `take_value` takes, given their names, of which none may come twice.
  template <class TakeValue>
  bool take_object(const std::string& what, TakeValue take_value) {
    std::set<std::string> names;
    return cursor_.take_list('{', '}', [&] {
      std::string name;
      if (!cursor_.take_text(name)) return expect("a name in UTF-8");
      if (!names.insert(name).second) {
        wrong_ = what + " has the name " + in_quotes(name) + " twice";
        return false;
      }
      return cursor_.take(':') && take_value(name);
    }) || expect("an object or its next member for " + what);
  }

  bool take_metadata(std::map<std::string, std::string>& metadata) {
    return take_object("__metadata__", [&](const std::string& key) {
      return cursor_.take_text(metadata[key]) || expect("a text in UTF-8 for " + in_quotes(key) + " of __metadata__");
    });
  }

  bool take_tensor(tensor_entry& entry) {
    const std::string tensor = "tensor " + in_quotes(entry.name);
    std::string type;
    std::vector<std::int64_t> offsets;
    int members = 0;
    const bool done = take_object(tensor, [&](const std::string& name) {
      ++members;
      if (name == "dtype") return cursor_.take_text(type) || expect("a text for the dtype of " + tensor);
      if (name == "shape") return take_counts(entry.extents) || expect("a list of extents for the shape of " + tensor);
      if (name == "data_offsets")
        return take_counts(offsets) || expect("two offsets for the data_offsets of " + tensor);
      wrong_ = tensor + ": expected dtype, shape and data_offsets, found " + in_quotes(name);
      return false;
    });
    if (!done) return false;
    const auto row =
        std::find_if(dtypes.begin(), dtypes.end(), [&](const dtype_row& known) { return known.name == type; });
    if (members != 3) {
      wrong_ = tensor + ": expected dtype, shape and data_offsets, found " + std::to_string(members) + " of them";
    } else if (row == dtypes.end()) {
      wrong_ =
          tensor + ": expected a dtype of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, found " + in_quotes(type);
    } else {
      entry.type = row->type;
      wrong_ = place(entry, offsets, data_);
    }
    return wrong_.empty();
  }

  bool take_counts(std::vector<std::int64_t>& out) {
    return cursor_.take_list(
        '[', ']', [&] { return cursor_.take_count(out.emplace_back()) || expect("a whole number from 0 to 2^63-1"); });
  }

  std::string_view header_;
  json_cursor cursor_;
  std::span<const std::byte> data_;
  std::string wrong_;
};

/// Whether the tensors, in the order of their bytes, tile the data: no hole, no overlap, nothing left over.
inline std::string check_tiling(const std::vector<tensor_entry>& tensors, std::span<const std::byte> data) {
  std::size_t end = 0;
  for (const tensor_entry& entry : tensors) {
    const auto begin = static_cast<std::size_t>(entry.bytes.data() - data.data());
    if (begin != end)
      return "tensor " + in_quotes(entry.name) + ": expected its bytes to start at " + std::to_string(end) +
             ", where those before it end, found " + std::to_string(begin);
    end += entry.bytes.size();
  }
  if (end != data.size())
    return "expected " + bytes_text(end) + " of data, as many as the tensors have, found " + bytes_text(data.size());
  return "";
}

}  // namespace detail

/// Reads a safetensors file from its bytes, without a copy of the tensors. Every rule of the format is checked before
/// `out` changes: a truncated, oversized or lying file gets a sentence that says what is wrong, and `out` stays as it
/// was. "" means that all is well.
[[nodiscard]] inline std::string parse_safetensors(std::span<const std::byte> file, safetensors_view& out) {
  constexpr std::uint64_t longest_header = 100'000'000;  // as in the reference implementation
  std::uint64_t header_size = 0;
  if (file.size() < sizeof header_size)
    return "expected at least 8 bytes of a safetensors file, found " + std::to_string(file.size());
  std::memcpy(&header_size, file.data(), sizeof header_size);
  if (header_size > longest_header)
    return "expected a header of at most 100000000 bytes, found a length of " + std::to_string(header_size) +
           ": not a safetensors file";
  const std::span<const std::byte> rest = file.subspan(sizeof header_size);
  if (header_size > rest.size())
    return "expected a header of " + detail::bytes_text(header_size) + ", found " + detail::bytes_text(rest.size()) +
           " after the length: the file is truncated or not a safetensors file";
  const std::span<const std::byte> header = rest.first(static_cast<std::size_t>(header_size));
  const std::span<const std::byte> data = rest.subspan(header.size());

  safetensors_view view;
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  if (std::string wrong = detail::header_reader(text, data).read(view); !wrong.empty()) return wrong;
  std::stable_sort(view.tensors.begin(), view.tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });  // one without elements before the one that starts there
  if (std::string wrong = detail::check_tiling(view.tensors, data); !wrong.empty()) return wrong;
  out = std::move(view);
  return "";
}

/// The bytes of a safetensors file: the header, padded with spaces to a multiple of 8 as the reference implementation
/// does, and the tensors back to back in the given order. Equal input gives equal bytes. Bytes of names and metadata
/// that are not UTF-8 are written as U+FFFD. Throws `error` (without exceptions: ends the program) for what no reader
/// would take: a name twice, a negative extent, a count of bytes other than type and extents say.
inline std::vector<std::byte> make_safetensors(std::span<const tensor_entry> tensors,
                                               const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const auto add_member = [&](const std::string& name) -> std::string& {
    if (!header.ends_with('{')) header += ',';
    return header += detail::json_text(name) + ':';
  };
  if (!metadata.empty()) {
    add_member("__metadata__") += '{';
    for (const auto& [key, value] : metadata) add_member(key) += detail::json_text(value);
    header += '}';
  }
  std::size_t size = 0;
  for (const tensor_entry& entry : tensors) {
    const std::size_t end = size + entry.bytes.size();
    add_member(entry.name) += "{\"dtype\":\"" + std::string(name_of(entry.type)) +
                              "\",\"shape\":" + detail::extents_text(entry.extents) + ",\"data_offsets\":[" +
                              std::to_string(size) + "," + std::to_string(end) + "]}";
    size = end;
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');

  std::vector<std::byte> file(8 + header.size() + size);
  const std::uint64_t header_size = header.size();
  std::memcpy(file.data(), &header_size, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  std::byte* to = file.data() + 8 + header.size();
  for (const tensor_entry& entry : tensors) to = std::copy(entry.bytes.begin(), entry.bytes.end(), to);

  // The reader's rules are the writer's. Thrown through the library, since `throw` does not compile without exceptions.
  safetensors_view view;
  if (const std::string wrong = parse_safetensors(file, view); !wrong.empty())
    std::rethrow_exception(std::make_exception_ptr(error("make_safetensors: " + wrong)));
  return file;
}

/// The elements of a tensor of type F32, F16 or BF16 as floats, exactly; `out` has as many as the tensor. Another type
/// or count returns a sentence and leaves `out` as it was; "" means done.
[[nodiscard]] inline std::string to_float32(const tensor_entry& entry, std::span<float> out) {
  if (entry.type != dtype::f32 && entry.type != dtype::f16 && entry.type != dtype::bf16)
    return "tensor " + detail::in_quotes(entry.name) + ": expected F32, F16 or BF16, found " +
           std::string(name_of(entry.type));
  if (entry.bytes.size() != out.size() * size_of(entry.type))
    return "tensor " + detail::in_quotes(entry.name) + ": expected " + std::to_string(out.size()) +
           " elements, found " + std::to_string(entry.bytes.size() / size_of(entry.type));
  if (entry.type == dtype::f32) {
    std::copy(entry.bytes.begin(), entry.bytes.end(), std::as_writable_bytes(out).data());
    return "";
  }
  const auto to_float = entry.type == dtype::f16 ? half_to_float : bfloat16_to_float;
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, entry.bytes.data() + i * sizeof bits, sizeof bits);
    out[i] = to_float(bits);
  }
  return "";
}

/// The bytes of a tensor of type F16 with these elements, each rounded to the nearest half: the inverse of
/// `to_float32`.
inline std::vector<std::byte> to_float16(std::span<const float> elements) {
  std::vector<std::byte> bytes(elements.size() * 2);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::uint16_t half = float_to_half(elements[i]);
    std::memcpy(bytes.data() + 2 * i, &half, 2);
  }
  return bytes;
}

}  // namespace segx
