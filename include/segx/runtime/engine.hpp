#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/kernels/precision.hpp>
#include <segx/runtime/executor.hpp>

namespace segx {

struct session_options {
  int batch = 1;                             // images in one call, at most
  int threads = 1;                           // 0: as many as the machine has
  precision numbers = precision::automatic;  // of a GPU; the CPU computes in float32
  bool deterministic = true;  // of a GPU: the same bits in every run; else the fastest algorithms, found by measuring
};

namespace detail {

inline std::string text_of(const auto& extents) requires requires { extents.begin(); }
{
  std::string text = "[";
  for (const auto e : extents) { text += joined({e, ","}); }
  text.back() = ']';
  return text;
}

inline std::array<std::size_t, 4> extents_of(std::size_t batch, shape s) {
  return {batch, static_cast<std::size_t>(s.channels), static_cast<std::size_t>(s.height),
          static_cast<std::size_t>(s.width)};
}

template <class T>
void expect_batch(const xt::xtensor<T, 4>& batch, shape s, int max_batch, const char* what) {
  const auto& e = batch.shape();
  const bool fits = e[0] >= 1 && e[0] <= static_cast<std::size_t>(max_batch) &&
                    e[1] == static_cast<std::size_t>(s.channels) && e[2] == static_cast<std::size_t>(s.height) &&
                    e[3] == static_cast<std::size_t>(s.width);
  if (!fits) {
    fail({what, " are ", text_of(e), "; this session takes [1 to ", max_batch, ",", s.channels, ",", s.height, ",",
          s.width, "]"});
  }
}

/// Throws unless these are gradients of the last forward pass, which had so many images; 0: there was none, or a
/// backward pass has used it up.
template <class T>
void expect_gradients(const xt::xtensor<T, 4>& dlogits, int batch, shape output) {
  if (batch == 0) { fail("backward without a forward pass of its own: call forward before each"); }
  if (const auto expected = extents_of(static_cast<std::size_t>(batch), output); dlogits.shape() != expected) {
    fail({"gradients of logits are ", text_of(dlogits.shape()), "; the last forward pass had ", text_of(expected)});
  }
}

template <class E, class Tensor>
concept other_expression = !std::derived_from<E, Tensor> && xt::is_xexpression<E>::value;

/// An expression as the tensor that sessions take.
template <class Scalar>
xt::xtensor<Scalar, 4> as_batch(const auto& expression) {
  static_assert(
      std::same_as<typename std::remove_cvref_t<decltype(expression)>::value_type, Scalar>,
      "a session takes images as float (double on reference<double>): convert them, bytes by to_unit or / 255");
  if (expression.dimension() != 4) {
    fail({"images have ", expression.dimension(), " dimensions; a session takes [N,C,H,W]"});
  }
  return expression;
}

inline void expect_count(const char* what, std::size_t values, std::size_t expected) {
  if (values != expected) { fail({"the ", what, " are ", values, " values; this network has ", expected}); }
}

/// What training sessions do with `lost`, which stands behind the gradients of the learnables.
template <class T>
void move_statistics(std::span<T> statistics, std::span<const T> lost, int batches) {
  expect_count("running statistics", statistics.size(), lost.size());
  for (std::size_t i = 0; i < lost.size(); ++i) { statistics[i] -= lost[i] / static_cast<T>(batches); }
}

/// A network at a size fixed when it compiles, or one that is planned when it runs.
template <class Model>
concept fixed_size = requires {
  typename Model::network_type;
};

template <class Model>
struct network_of {
  using type = Model;
};
template <fixed_size Model>
struct network_of<Model> {
  using type = typename Model::network_type;
};

template <class Model, class Backend, purpose Why>
struct plan_of {
  using type = dynamic_plan<Model, Backend, Why>;
};
template <fixed_size Model, class Backend, purpose Why>
struct plan_of<Model, Backend, Why> {
  using type = static_plan<Model, Backend, Why>;
};

/// What sessions have in common: a plan, a backend of their own, and the executor that runs the one on the other.
template <class Model, class Backend, purpose Why>
struct engine {
  using plan = typename plan_of<Model, Backend, Why>::type;
  using runs_as = segx::runs_as<Backend>;

  std::unique_ptr<plan> planned;  // these three stay where they are when a session moves
  std::unique_ptr<runs_as> on;
  executor<runs_as> run;

  engine(std::unique_ptr<plan> p, session_options options)
      : planned{std::move(p)}, on{make_backend(options)}, run{*on, planned->get(), batch_of(options), threads()} {}

  int threads() const {
    if constexpr (requires { on->threads.size(); }) { return on->threads.size(); }
    return 1;
  }

  /// Makes `tensor` [batch,K,H,W], the extents of the result; allocates nothing if it has them.
  template <class T>
  void fit_result(xt::xtensor<T, 4>& tensor, std::size_t batch) const {
    const auto extents = extents_of(batch, run.what().output());
    if (tensor.shape() != extents) { tensor.resize(extents); }
  }

 private:
  static int batch_of(session_options options) {
    if (options.batch < 1) { fail({"a session takes at least one image: session_options::batch is ", options.batch}); }
    return options.batch;
  }
  static std::unique_ptr<runs_as> make_backend(session_options options) {
    if (options.threads < 0) {
      fail({"session_options::threads is ", options.threads, "; 0 are as many as there are"});
    }
    if constexpr (std::is_constructible_v<runs_as, int, choices<Backend>>) {
      return std::make_unique<runs_as>(options.threads, choice_of<Backend>);
    } else if constexpr (std::is_constructible_v<runs_as, int>) {
      return std::make_unique<runs_as>(options.threads);
    } else if constexpr (std::is_constructible_v<runs_as, precision, bool>) {
      return std::make_unique<runs_as>(options.numbers, options.deterministic);
    } else {
      return std::make_unique<runs_as>();
    }
  }
};

}  // namespace detail

}  // namespace segx
