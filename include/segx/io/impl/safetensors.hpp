#pragma once

#include <algorithm>
#include <exception>
#include <numeric>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/half.hpp>
#include <segx/io/safetensors.hpp>

namespace segx {

SEGX_IMPL_COLD const tensor_entry* safetensors_view::find(std::string_view name) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const tensor_entry& entry) { return entry.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

namespace detail {

/// The text as JSON, cut to a length that a sentence can bear.
inline std::string in_quotes(std::string_view text) {
  std::string result = json_text(text);
  std::size_t end = 76;
  if (result.size() <= end + 4) { return result; }
  while ((static_cast<unsigned char>(result[end]) & 0xc0u) == 0x80u) {
    --end;  // not within a letter
  }
  return joined({result.substr(0, end), "...\""});
}

inline std::string bytes_text(std::uint64_t count) { return joined({count, count == 1 ? " byte" : " bytes"}); }

SEGX_IMPL_COLD std::string extents_text(const std::vector<std::int64_t>& extents) {
  std::string text = "[";
  for (const std::int64_t extent : extents) {
    if (text.size() > 1) { text += ','; }
    text += std::to_string(extent);
  }
  return text + ']';
}

/// The bytes of a tensor of these extents into `out`; false when they are more than 64 bits can count.
inline bool bytes_of(dtype type, const std::vector<std::int64_t>& extents, std::uint64_t& out) {
  out = size_of(type);
  for (const std::int64_t extent : extents) {
    const auto factor = static_cast<std::uint64_t>(extent);
    if (extent < 0 || (factor != 0 && out > UINT64_MAX / factor)) { return false; }
    out *= factor;
  }
  return true;
}

/// Checks a tensor's extents and offsets and sets its bytes; `data` is all that follows the header.
inline std::string place(tensor_entry& entry, const std::vector<std::int64_t>& offsets,
                         std::span<const std::byte> data) {
  const std::string tensor = joined({"tensor ", in_quotes(entry.name)}),
                    at = joined({" in data_offsets ", extents_text(offsets)});
  std::uint64_t expected = 0;
  if (!bytes_of(entry.type, entry.extents, expected)) {
    return joined({tensor, ": shape has more bytes than 64 bits can count"});
  }
  if (offsets.size() != 2) { return joined({tensor, ": expected two numbers, found ", offsets.size(), at}); }
  const auto begin = static_cast<std::uint64_t>(offsets[0]), end = static_cast<std::uint64_t>(offsets[1]);
  if (begin > end) { return joined({tensor, ": expected the first number to be the smaller one", at}); }
  if (end - begin != expected) {
    return joined({tensor, ": expected ", bytes_text(expected), " for ", name_of(entry.type), " ",
                   extents_text(entry.extents), ", found ", bytes_text(end - begin), at});
  }
  if (end > data.size()) {
    return joined({tensor, ": expected at least ", bytes_text(end), " of data, found ", bytes_text(data.size()), at,
                   ": the file is truncated or lies"});
  }
  entry.bytes = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return "";
}

/// Reads a header, in one pass. `read` returns the sentence that says what is wrong.
class header_reader {
 public:
  header_reader(std::string_view header, std::span<const std::byte> data)
      : header_(header), cursor_{header}, data_(data) {}

  std::string read(safetensors_view& view) {
    if (!header_.starts_with('{')) { return "the header does not start with '{'"; }
    const bool done = take_object("the header", [&](const std::string& name) {
      if (name == "__metadata__") { return take_metadata(view.metadata); }
      return take_tensor(view.tensors.emplace_back(tensor_entry{name, {}, {}, {}}));
    });
    cursor_.skip_space();
    if (!done || !cursor_.rest.empty()) { expect("JSON as safetensors has it"); }
    return wrong_;
  }

 private:
  /// Says what was expected at the cursor, unless something was wrong before; false.
  bool expect(const std::string& what) {
    if (wrong_.empty()) {
      wrong_ = joined({"expected ", what, " at byte ", header_.size() - cursor_.rest.size(), " of the header, found ",
                       in_quotes(cursor_.rest.substr(0, 12))});
    }
    return false;
  }

  /// An object whose members `take_value` takes, given their names, of which none may come twice.
  template <class TakeValue>
  bool take_object(const std::string& what, TakeValue take_value) {
    std::set<std::string> names;
    return cursor_.take_list('{', '}', [&] {
      std::string name;
      if (!cursor_.take_text(name)) { return expect("a name in UTF-8"); }
      if (!names.insert(name).second) {
        wrong_ = joined({what, " has the name ", in_quotes(name), " twice"});
        return false;
      }
      return cursor_.take(':') && take_value(name);
    }) || expect(joined({"an object or its next member for ", what}));
  }

  bool take_metadata(std::map<std::string, std::string>& metadata) {
    return take_object("__metadata__", [&](const std::string& key) {
      return cursor_.take_text(metadata[key]) ||
             expect(joined({"a text in UTF-8 for ", in_quotes(key), " of __metadata__"}));
    });
  }

  bool take_tensor(tensor_entry& entry) {
    const std::string tensor = joined({"tensor ", in_quotes(entry.name)});
    std::string type;
    std::vector<std::int64_t> offsets;
    int members = 0;
    const bool done = take_object(tensor, [&](const std::string& name) {
      ++members;
      if (name == "dtype") { return cursor_.take_text(type) || expect(joined({"a text for the dtype of ", tensor})); }
      if (name == "shape") {
        return take_counts(entry.extents) || expect(joined({"a list of extents for the shape of ", tensor}));
      }
      if (name == "data_offsets") {
        return take_counts(offsets) || expect(joined({"two offsets for the data_offsets of ", tensor}));
      }
      wrong_ = joined({tensor, ": expected dtype, shape and data_offsets, found ", in_quotes(name)});
      return false;
    });
    if (!done) { return false; }
    const auto row =
        std::find_if(dtypes.begin(), dtypes.end(), [&](const dtype_row& known) { return known.name == type; });
    if (members != 3) {
      wrong_ = joined({tensor, ": expected dtype, shape and data_offsets, found ", members, " of them"});
    } else if (row == dtypes.end()) {
      wrong_ = joined(
          {tensor, ": expected a dtype of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, found ", in_quotes(type)});
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

/// By their bytes in the file; one without elements stands before the one that starts there.
inline void sort_by_place(std::vector<tensor_entry>& tensors) {
  std::vector<std::size_t> order(tensors.size());  // entries are slow to move, and their moves slow to compile
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto place = [&](const tensor_entry& t) {
      return std::tuple(t.bytes.data(), t.bytes.size(), std::string_view{t.name});
    };
    return place(tensors[a]) < place(tensors[b]);
  });
  std::vector<tensor_entry> sorted;
  sorted.reserve(tensors.size());
  for (const std::size_t k : order) { sorted.push_back(std::move(tensors[k])); }
  tensors = std::move(sorted);
}

/// Whether the tensors, in the order of their bytes, tile the data: no hole, no overlap, nothing left over.
inline std::string check_tiling(const std::vector<tensor_entry>& tensors, std::span<const std::byte> data) {
  std::size_t end = 0;
  for (const tensor_entry& entry : tensors) {
    const auto begin = static_cast<std::size_t>(entry.bytes.data() - data.data());
    if (begin != end) {
      return joined({"tensor ", in_quotes(entry.name), ": expected its bytes to start at ", end,
                     ", where those before it end, found ", begin});
    }
    end += entry.bytes.size();
  }
  if (end != data.size()) {
    return joined(
        {"expected ", bytes_text(end), " of data, as many as the tensors have, found ", bytes_text(data.size())});
  }
  return "";
}

}  // namespace detail

SEGX_IMPL_COLD std::string parse_safetensors(std::span<const std::byte> file, safetensors_view& out) {
  constexpr std::uint64_t longest_header = 100'000'000;  // as in the reference implementation
  std::uint64_t header_size = 0;
  if (file.size() < sizeof header_size) {
    return joined({"expected at least 8 bytes of a safetensors file, found ", file.size()});
  }
  std::memcpy(&header_size, file.data(), sizeof header_size);
  if (header_size > longest_header) {
    return joined({"not a safetensors file, which begins with the length of its header, at most ", longest_header,
                   ": found ", header_size});
  }
  const std::span<const std::byte> rest = file.subspan(sizeof header_size);
  if (header_size > rest.size()) {
    return joined({"expected a header of ", detail::bytes_text(header_size), ", found ",
                   detail::bytes_text(rest.size()),
                   " after the length: the file is truncated or not a safetensors file"});
  }
  const std::span<const std::byte> header = rest.first(static_cast<std::size_t>(header_size));
  const std::span<const std::byte> data = rest.subspan(header.size());

  safetensors_view view;
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  if (std::string wrong = detail::header_reader(text, data).read(view); !wrong.empty()) { return wrong; }
  detail::sort_by_place(view.tensors);
  if (std::string wrong = detail::check_tiling(view.tensors, data); !wrong.empty()) { return wrong; }
  out = std::move(view);
  return "";
}

SEGX_IMPL_COLD std::vector<std::byte> safetensors_header(std::span<const tensor_entry> tensors,
                                                         const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const auto add_member = [&](const std::string& name) -> std::string& {
    if (!header.ends_with('{')) { header += ','; }
    return header += detail::json_text(name) + ':';
  };
  if (!metadata.empty()) {
    add_member("__metadata__") += '{';
    for (const auto& [key, value] : metadata) { add_member(key) += detail::json_text(value); }
    header += '}';
  }
  std::size_t size = 0;
  for (const tensor_entry& entry : tensors) {
    const std::size_t end = size + entry.bytes.size();
    add_member(entry.name) +=
        joined({"{\"dtype\":\"", name_of(entry.type), "\",\"shape\":", detail::extents_text(entry.extents),
                ",\"data_offsets\":[", size, ",", end, "]}"});
    size = end;
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');

  std::vector<std::byte> bytes(8 + header.size());
  const std::uint64_t header_size = header.size();
  std::memcpy(bytes.data(), &header_size, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

SEGX_IMPL_COLD std::vector<std::byte> make_safetensors(std::span<const tensor_entry> tensors,
                                                       const std::map<std::string, std::string>& metadata) {
  std::vector<std::byte> file = safetensors_header(tensors, metadata);
  std::size_t size = file.size();
  for (const tensor_entry& entry : tensors) { size += entry.bytes.size(); }
  file.reserve(size);
  for (const tensor_entry& entry : tensors) { file.insert(file.end(), entry.bytes.begin(), entry.bytes.end()); }

  // The reader's rules are the writer's. Thrown through the library, since `throw` does not compile without exceptions.
  safetensors_view view;
  if (const std::string wrong = parse_safetensors(file, view); !wrong.empty()) {
    std::rethrow_exception(std::make_exception_ptr(error(joined({"make_safetensors: ", wrong}))));
  }
  return file;
}

SEGX_IMPL_COLD std::string to_float32(const tensor_entry& entry, std::span<float> out) {
  if (entry.type != dtype::f32 && entry.type != dtype::f16 && entry.type != dtype::bf16) {
    return joined(
        {"tensor ", detail::in_quotes(entry.name), ": expected F32, F16 or BF16, found ", name_of(entry.type)});
  }
  if (entry.bytes.size() != out.size() * size_of(entry.type)) {
    return joined({"tensor ", detail::in_quotes(entry.name), ": expected ", out.size(), " elements, found ",
                   entry.bytes.size() / size_of(entry.type)});
  }
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

SEGX_IMPL_COLD std::vector<std::byte> to_float16(std::span<const float> elements) {
  std::vector<std::byte> bytes(elements.size() * 2);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::uint16_t half = float_to_half(elements[i]);
    std::memcpy(bytes.data() + 2 * i, &half, 2);
  }
  return bytes;
}

}  // namespace segx
