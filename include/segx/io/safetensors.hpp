#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/json_text.hpp>

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
  const tensor_entry* find(std::string_view name) const;
};

namespace detail {

std::string extents_text(const std::vector<std::int64_t>& extents);

}  // namespace detail

/// Reads a safetensors file from its bytes, without a copy of the tensors. Every rule of the format is checked before
/// `out` changes: a truncated, oversized or lying file gets a sentence that says what is wrong, and `out` stays as it
/// was. "" means that all is well.
[[nodiscard]] std::string parse_safetensors(std::span<const std::byte> file, safetensors_view& out);

/// What stands in a safetensors file before the bytes of these tensors, which follow in the given order.
std::vector<std::byte> safetensors_header(std::span<const tensor_entry> tensors,
                                          const std::map<std::string, std::string>& metadata);

/// The bytes of a safetensors file: the header, padded with spaces to a multiple of 8 as the reference implementation
/// does, and the tensors back to back in the given order. Equal input gives equal bytes. Bytes of names and metadata
/// that are not UTF-8 are written as U+FFFD. Throws `error` (without exceptions: ends the program) for what no reader
/// would take: a name twice, a negative extent, a count of bytes other than type and extents say.
std::vector<std::byte> make_safetensors(std::span<const tensor_entry> tensors,
                                        const std::map<std::string, std::string>& metadata);

/// The elements of a tensor of type F32, F16 or BF16 as floats, exactly; `out` has as many as the tensor. Another type
/// or count returns a sentence and leaves `out` as it was; "" means done.
[[nodiscard]] std::string to_float32(const tensor_entry& entry, std::span<float> out);

/// The bytes of a tensor of type F16 with these elements, each rounded to the nearest half: the inverse of
/// `to_float32`.
std::vector<std::byte> to_float16(std::span<const float> elements);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/safetensors.hpp>
#endif
