#pragma once

#include <type_traits>

namespace segx {

/// For backends that have nothing to choose.
struct no_choice {};

namespace detail {

template <class B>
struct traits_of_backend {
  using runs_as = B;
  static constexpr no_choice choice{};
};
template <class B>
  requires requires { B::choice; }
struct traits_of_backend<B> {
  using runs_as = B;
  static constexpr auto choice = B::choice;
};

}  // namespace detail

/// The backend by which B runs: itself, or the one of which B is a choice. Backends that differ in no more than that
/// share their kernels, and all code that runs them.
template <class B>
using runs_as = typename detail::traits_of_backend<B>::runs_as;

/// … and B's choice, a value.
template <class B>
inline constexpr auto choice_of = detail::traits_of_backend<B>::choice;
template <class B>
using choices = std::remove_const_t<decltype(detail::traits_of_backend<B>::choice)>;

}  // namespace segx
