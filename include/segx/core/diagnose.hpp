#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <segx/core/shape.hpp>
#include <segx/core/text.hpp>

namespace segx {

/// The first layer of a network that refused its inputs: an error as a value, until somebody reports it once.
struct defect {
  const char* why = "";
  sentence where;  // name of the layer in the network
  std::array<shape, 2> inputs{};

  constexpr explicit operator bool() const { return *why != '\0'; }
};

namespace detail {

/// Never defined: calling it during constant evaluation is the error, its name the message. Unlike `throw`, this also
/// works with -fno-exceptions.
void this_network_does_not_fit_together();

/// GCC prints the template arguments of this call, Clang the function's argument.
template <sentence Why, sentence Where, shape First, shape Second>
consteval bool report(defect found) {
  if (found) { this_network_does_not_fit_together(); }
  return true;
}

/// Clang 14 prints a computed text as numbers, but a pack of characters as characters.
template <const defect& Found, char... Where>
struct no_defect_at {
  static_assert(report<Found.why, Found.where, Found.inputs[0], Found.inputs[1]>(Found));
};

template <const defect& Found, class Letters = std::make_index_sequence<Found.where.view().size()>>
struct no_defect;
template <const defect& Found, std::size_t... Letter>
struct no_defect<Found, std::index_sequence<Letter...>> : no_defect_at<Found, Found.where.text[Letter]...> {};

}  // namespace detail

/// A member of this type fails to compile for a reason: the sentence, the layer and the shapes stand in the compiler's
/// error.
template <const defect& Found>
using fits_together = detail::no_defect<Found>;

}  // namespace segx
