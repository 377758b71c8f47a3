#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <segx/kernels/cpu.hpp>
#include <segx/runtime/program.hpp>

namespace segx {

/// A network that is chosen when the program runs, by the name in a weight file, say: what the constants of its type
/// tell, as values. It stands wherever a network's type does, so that a program that knows many networks is compiled
/// for one:
///
///   const any_network net = any_network::of<unet16>();
///   session<any_network> lungs{load_weights(path, net).values, 256, 256};
///
/// It runs on the CPU, at sizes that are planned when the program runs; to predict, also on `small_cpu`. A program that
/// has more backends names them: `any_network_on<cuda>`.
template <backend... Others>
class any_network_on {
 public:
  using small_cpu = cpu_with<convolution_policy::prefer_memory>;

 private:
  template <class Backend>
  struct planned {
    virtual ~planned() = default;
    virtual program<Backend> get() const = 0;
  };
  template <class Backend>
  using planner = std::unique_ptr<planned<Backend>> (*)(int height, int width);

  template <class Backend>
  struct planners {
    planner<Backend> predict, train, sample;
  };
  struct functions {
    defect (*defect_at)(int height, int width);
    std::vector<node<no_op>> (*composed)(int height, int width);
    planner<small_cpu> predict_small;
    std::tuple<planners<cpu>, planners<Others>...> on;
  };

 public:
  template <class Network>
  static any_network_on of() {
    static constexpr functions known{.defect_at = &Network::defect_at,
                                     .composed = &nodes_of<Network>,
                                     .predict_small = &plan_of<Network, small_cpu, purpose::inference>,
                                     .on = {planners_of<Network, cpu>(), planners_of<Network, Others>()...}};
    any_network_on any;
    any.channels = Network::channels;
    any.classes = Network::classes;
    any.parameter_count = Network::parameter_count;
    any.statistic_count = Network::statistic_count;
    any.fingerprint = Network::fingerprint;
    any.nodes_ = Network::nodes();
    any.functions_ = &known;
    return any;
  }

  int channels = 0;
  int classes = 0;
  std::int64_t parameter_count = 0;
  std::int64_t statistic_count = 0;
  std::uint64_t fingerprint = 0;

  /// The composed graph, for what does not depend on the size of the images.
  std::span<const node<no_op>> nodes() const { return nodes_; }
  /// … and on images of one size.
  std::vector<node<no_op>> composed(int height, int width) const { return functions_->composed(height, width); }

  defect defect_at(int height, int width) const { return functions_->defect_at(height, width); }

  /// See `dynamic_plan`.
  template <class Backend, purpose Why>
  auto plan(int height, int width) const {
    constexpr bool small = std::same_as<Backend, small_cpu> && Why == purpose::inference;
    static_assert(small || std::same_as<Backend, cpu> || (std::same_as<Backend, Others> || ...),
                  "any_network: runs on cpu; to predict, also on small_cpu; any_network_on names other backends");
    if constexpr (small) {
      return functions_->predict_small(height, width);
    } else {
      const planners<Backend>& known = std::get<planners<Backend>>(functions_->on);
      return (Why == purpose::training   ? known.train
              : Why == purpose::sampling ? known.sample
                                         : known.predict)(height, width);
    }
  }

 private:
  any_network_on() = default;

  template <class Network, class Backend>
  static constexpr planners<Backend> planners_of() {
    return {&plan_of<Network, Backend, purpose::inference>, &plan_of<Network, Backend, purpose::training>,
            &plan_of<Network, Backend, purpose::sampling>};
  }

  template <class Network>
  static std::vector<node<no_op>> nodes_of(int height, int width) {
    const auto graph = Network::composed(height, width);
    return {graph.nodes.begin(), graph.nodes.begin() + graph.size};
  }

  template <class Network, class Backend, purpose Why>
  static std::unique_ptr<planned<Backend>> plan_of(int height, int width) {
    struct planned_network final : planned<Backend> {
      planned_network(int h, int w) : plan{h, w} {}
      program<Backend> get() const override { return plan.get(); }
      unchecked_plan<Network, Backend, Why> plan;  // what compilers check would take them minutes for all networks
    };
    // C++ leaves open which argument of a call is evaluated first, and GCC's constants do it in another order than its
    // programs: weights would then be read from each other's places.
    if (fingerprint_of(Network::composed(height, width)) != Network::fingerprint) {
      fail(
          "the layers of this network have no certain order: in a wire(), two arguments of one call add layers; give "
          "the results names first");
    }
    return std::make_unique<planned_network>(height, width);
  }

  std::span<const node<no_op>> nodes_;
  const functions* functions_ = nullptr;
};

using any_network = any_network_on<>;

template <class... Others, class Backend, purpose Why>
class dynamic_plan<any_network_on<Others...>, Backend, Why> {
  using network = any_network_on<Others...>;
  using plan = decltype(std::declval<network>().template plan<Backend, Why>(0, 0));

 public:
  dynamic_plan(const network& n, int height, int width) : plan_{n.template plan<Backend, Why>(height, width)} {}

  program<Backend> get() const { return plan_->get(); }

 private:
  plan plan_;
};

}  // namespace segx
