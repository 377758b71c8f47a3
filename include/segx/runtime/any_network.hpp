#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <segx/kernels/cpu.hpp>
#include <segx/runtime/head.hpp>
#include <segx/runtime/operations.hpp>
#include <segx/runtime/program.hpp>

namespace segx {

/// A network that is chosen when the program runs, by the name in a weight file, say: what the constants of its type
/// tell, as values. It stands wherever a network's type does, so that a program that knows many networks is compiled
/// for one:
///
///   const any_network net = any_network::of<unet16>();
///   session<any_network> lungs{load_weights(path, net).values, 256, 256};
///
/// It runs on the CPU, at sizes that are planned when the program runs. A program that has more backends names them:
/// `any_network_on<cuda>`. Where it ends in a 1×1 convolution and a sigmoid or softmax,
/// the number of its classes can be chosen, too:
///
///   const any_network organs = any_network::of<unet16>().with_head({3, activation::sigmoid});
template <backend... Others>
class any_network_on {
  template <class Backend>
  struct planned {
    virtual ~planned() = default;
    virtual program<Backend> get() const = 0;
  };
  using new_head = std::optional<head_choice>;  // none: as the type says
  template <class Backend>
  using planner = std::unique_ptr<planned<Backend>> (*)(int height, int width, choices<Backend>, const new_head&);

  template <class Backend>
  struct planners {
    planner<Backend> predict, train, sample;
  };
  struct functions {
    defect (*defect_at)(int height, int width);
    std::vector<node<no_op>> (*composed)(int height, int width, const new_head&);
    any_network_on (*with_head)(head_choice);
    std::tuple<planners<cpu>, planners<Others>...> on;
  };

 public:
  template <class Network>
  static any_network_on of() {
    return with<Network>({});
  }

  /// The same network with another head. Throws `error` where it has none that could be another.
  any_network_on with_head(head_choice wanted) const { return functions_->with_head(wanted); }

  int channels = 0;
  int classes = 0;
  std::int64_t parameter_count = 0;
  std::int64_t statistic_count = 0;
  std::uint64_t fingerprint = 0;

  /// The composed graph, for what does not depend on the size of the images.
  std::span<const node<no_op>> nodes() const { return *nodes_; }
  /// … and on images of one size.
  std::vector<node<no_op>> composed(int height, int width) const { return functions_->composed(height, width, head_); }

  defect defect_at(int height, int width) const { return functions_->defect_at(height, width); }

  /// See `dynamic_plan`.
  template <class Backend, purpose Why>
  auto plan(int height, int width) const {
    using runs_as = segx::runs_as<Backend>;
    static_assert(std::same_as<runs_as, cpu> || (std::same_as<runs_as, Others> || ...),
                  "any_network: runs on cpu; any_network_on names other backends");
    const planners<runs_as>& known = std::get<planners<runs_as>>(functions_->on);
    return (Why == purpose::training   ? known.train
            : Why == purpose::sampling ? known.sample
                                       : known.predict)(height, width, choice_of<Backend>, head_);
  }

 private:
  any_network_on() = default;

  template <class Network, class Backend>
  static constexpr planners<Backend> planners_of() {
    return {&plan_of<Network, Backend, purpose::inference>, &plan_of<Network, Backend, purpose::training>,
            &plan_of<Network, Backend, purpose::sampling>};
  }

  using all_operations = operations<cpu, Others...>;

  template <class Network>
  static any_network_on with(const new_head& head) {
    static constexpr functions known{.defect_at = &defect_of<Network>,
                                     .composed = &nodes_of<Network>,
                                     .with_head = &with_head_of<Network>,
                                     .on = {planners_of<Network, cpu>(), planners_of<Network, Others>()...}};
    const auto graph = bare_of(Network::template composed<all_operations>(), head);
    any_network_on any;
    any.channels = Network::channels;
    any.classes = graph.output().output.channels;
    any.parameter_count = graph.weights;
    any.statistic_count = graph.statistics;
    any.fingerprint = fingerprint_of(graph);
    any.nodes_ = std::make_shared<const std::vector<node<no_op>>>(graph.nodes.begin(), graph.nodes.end());
    any.head_ = head;
    any.functions_ = &known;
    return any;
  }

  template <class Network>
  static any_network_on with_head_of(head_choice wanted) {
    return with<Network>(wanted);
  }

  template <class Network>
  static auto composed_of(int height, int width) {
    return Network::template composed<all_operations>(height, width);
  }

  static auto bare_of(const auto& composed, const new_head& head) {
    auto graph = bare_graph(composed);
    if (head) { set_head(graph, *head); }
    return graph;
  }

  template <class Network>
  static defect defect_of(int height, int width) {
    return composed_of<Network>(height, width).first_defect;
  }

  template <class Network>
  static std::vector<node<no_op>> nodes_of(int height, int width, const new_head& head) {
    const auto graph = bare_of(composed_of<Network>(height, width), head);
    return {graph.nodes.begin(), graph.nodes.end()};
  }

  template <class Network, class Backend, purpose Why>
  static std::unique_ptr<planned<Backend>> plan_of(int height, int width, choices<Backend> choice,
                                                   const new_head& head) {
    using network_plan = unchecked_plan<Network, Backend, Why>;
    struct planned_network final : planned<Backend> {
      explicit planned_network(const typename network_plan::composed_graph& g) : plan{g} {}
      program<Backend> get() const override { return plan.get(); }
      network_plan plan;
    };
    auto graph = graph_on<Backend>(composed_of<Network>(height, width), choice);
    if (head) { set_head(graph, *head); }
    return std::make_unique<planned_network>(graph);
  }

  std::shared_ptr<const std::vector<node<no_op>>> nodes_;  // which copies share
  new_head head_;
  const functions* functions_ = nullptr;
};

using any_network = any_network_on<>;

template <class... Others, class Backend, purpose Why>
class dynamic_plan<any_network_on<Others...>, Backend, Why> {
  using network = any_network_on<Others...>;
  using plan = decltype(std::declval<network>().template plan<Backend, Why>(0, 0));

 public:
  dynamic_plan(const network& n, int height, int width) : plan_{n.template plan<Backend, Why>(height, width)} {}

  program<runs_as<Backend>> get() const { return plan_->get(); }

 private:
  plan plan_;
};

}  // namespace segx
