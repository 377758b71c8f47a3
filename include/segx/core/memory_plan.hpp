#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <segx/core/graph.hpp>
#include <segx/core/layout.hpp>
#include <segx/core/lower.hpp>

namespace segx {

/// Where everything lives in the memory of one image, in floats. A batch of N images takes N such arenas, one behind
/// the other; scratch memory stands behind them, once for each thread.
template <int Capacity>
struct memory_plan {
  std::array<std::int64_t, Capacity> value{};     // of the tensor that node i writes
  std::array<std::int64_t, Capacity> gradient{};  // of the loss with respect to it; -1 where nobody wants it
  std::array<bool, Capacity> joined{};    // a join of channels whose inputs are written into their place at once
  std::array<bool, Capacity> in_place{};  // node i overwrites its input, and its backward pass its gradient
  std::array<std::array<bool, 2>, Capacity>
      adds{};                // backward of node i adds to the gradient of input k, not the first there
  std::int64_t image = 0;    // floats for one image
  std::int64_t scratch = 0;  // floats for each thread
  // Weights as the kernels read them: all of them for prediction; for training, where they change with every step, a
  // place for those of one layer.
  std::int64_t packed = 0;  // floats
  std::array<std::int64_t, Capacity> packed_weights{};  // of node i

  /// Bytes of the arena for a batch, with the scratch memory of all threads.
  constexpr std::int64_t bytes(std::int64_t bytes_per_value, int batch, int threads) const {
    return bytes_per_value * (batch * image + threads * scratch);
  }
};

namespace detail {

/// Every offset is a multiple of this many floats: a cache line, and the widest vector.
inline constexpr std::int64_t alignment_floats = 16;

constexpr std::int64_t aligned(std::int64_t floats) {
  return (floats + alignment_floats - 1) / alignment_floats * alignment_floats;
}

/// A piece of memory that is needed from time `first` to time `last`.
struct lifetime {
  std::int64_t floats = 0;
  int first = 0;
  int last = -1;
  std::int64_t offset = 0;

  constexpr bool is_used() const { return last >= first && floats > 0; }
  constexpr bool overlaps(const lifetime& other) const { return first <= other.last && other.first <= last; }
  constexpr void use(int time) {
    if (last < 0) {
      first = last = time;
    } else {
      first = std::min(first, time);
      last = std::max(last, time);
    }
  }
};

/// Greedy by size: the largest pieces first, each in the lowest gap between those that live at the same time.
/// Returns the length of the arena. Source: Pisarchyk & Lee, "Efficient memory management for deep neural net
/// inference", arXiv:2001.03288.
template <std::size_t Count>
constexpr std::int64_t place(std::array<lifetime, Count>& pieces) {
  std::array<int, Count> order{};
  int used = 0;
  for (int i = 0; i < static_cast<int>(Count); ++i) {
    if (pieces[i].is_used()) { order[used++] = i; }
  }
  const auto before = [&](int a, int b) {
    return pieces[a].floats != pieces[b].floats ? pieces[a].floats > pieces[b].floats : a < b;
  };
  std::make_heap(order.begin(), order.begin() + used, before);  // GCC 12 warns of std::sort on so small an array
  std::sort_heap(order.begin(), order.begin() + used, before);

  std::array<int, Count> by_place{};  // those placed so far, sorted by offset
  std::int64_t end = 0;
  for (int k = 0; k < used; ++k) {
    lifetime& piece = pieces[order[k]];
    std::int64_t begin = 0;
    for (int p = 0; p < k; ++p) {
      const lifetime& other = pieces[by_place[p]];
      if (!piece.overlaps(other)) { continue; }
      if (other.offset >= begin + piece.floats) { break; }
      begin = std::max(begin, aligned(other.offset + other.floats));
    }
    piece.offset = begin;
    end = std::max(end, begin + piece.floats);
    int p = k;
    for (; p > 0 && pieces[by_place[p - 1]].offset > begin; --p) { by_place[p] = by_place[p - 1]; }
    by_place[p] = order[k];
  }
  return aligned(end);
}

/// For each tensor the tensor whose memory it lives in (itself, mostly), and where in there.
template <int Capacity>
struct homes {
  std::array<int, Capacity> host{};
  std::array<std::int64_t, Capacity> offset{};
};

}  // namespace detail

/// Plans the memory of a lowered graph: lifetimes of values and (for training) gradients, joins and pointwise layers in
/// place, one arena.
///
/// Time runs over nodes: node i computes at time i, the loss at time n, and node i goes backward at time 2n − i.
template <int Capacity, class Op>
constexpr memory_plan<Capacity> plan_memory(const graph<Capacity, Op>& g, layout memory, purpose why) {
  const int n = g.size;
  const bool training = why == purpose::training;
  memory_plan<Capacity> plan;

  const auto backward_reads_output = [&](int i) {
    return g.nodes[i].facts.backward_reads_output || !g.nodes[i].then.empty();
  };
  std::array<int, Capacity> last_reader{};
  std::array<int, Capacity> last_use{};  // when a value is read for the last time
  for (int i = 0; i < n; ++i) {
    if (i == n - 1) { last_use[i] = n; }
    if (training && backward_reads_output(i)) { last_use[i] = 2 * n - i; }
    for (int k = 0; k < g.nodes[i].input_count; ++k) {
      const int input = g.nodes[i].inputs[k];
      last_reader[input] = i;
      last_use[input] = std::max(last_use[input], training && g.nodes[i].facts.backward_reads_input ? 2 * n - i : i);
    }
  }

  // Who lives in whose memory. Later nodes first, so that joins of joins compose. (In training the join must be the
  // last to read its inputs: going backward, its gradient is written first, and those of earlier readers are added.)
  std::array<int, Capacity> parent{};
  std::array<std::int64_t, Capacity> within{};
  std::array<int, Capacity>
      overwritten{};  // when something else is written over a tensor that lives in another's memory
  parent.fill(-1);
  overwritten.fill(2 * n + 1);
  for (int i = n - 1; i > 0; --i) {
    const node<Op>& node = g.nodes[i];
    const int a = node.inputs[0];
    const int b = node.inputs[1];
    const auto can_move_in = [&](int input) {
      return input != 0 && parent[input] < 0 && last_use[input] < overwritten[i] &&
             (!training || last_reader[input] == i);
    };
    if (node.facts.joins_channels && node.input_count == 2) {
      plan.joined[i] = a != b && can_move_in(a) && can_move_in(b) && memory.joins(g.nodes[a].output, g.nodes[b].output);
      if (plan.joined[i]) {
        parent[a] = parent[b] = i;
        overwritten[a] = overwritten[b] = overwritten[i];
        within[b] = memory.floats(g.nodes[a].output);
      }
    } else if (node.facts.in_place && a != 0 && parent[a] < 0 && last_use[a] == i) {
      plan.in_place[i] = true;
      parent[a] = overwritten[a] = i;
    }
  }
  detail::homes<Capacity> home;
  for (int i = n - 1; i >= 0; --i) {
    home.host[i] = parent[i] < 0 ? i : home.host[parent[i]];
    home.offset[i] = parent[i] < 0 ? 0 : home.offset[parent[i]] + within[i];
  }

  // When each piece of memory is needed: values first, gradients behind them.
  std::array<detail::lifetime, 2 * Capacity> pieces{};
  for (int i = 0; i < n; ++i) {
    const node<Op>& node = g.nodes[i];
    detail::lifetime& value = pieces[home.host[i]];
    value.floats = std::max(value.floats, memory.floats(node.output));
    value.use(i);
    if (i == n - 1) { value.use(n); }
    for (int k = 0; k < node.input_count; ++k) {
      detail::lifetime& input = pieces[home.host[node.inputs[k]]];
      input.use(i);
      if (training && node.facts.backward_reads_input && !plan.joined[i]) { input.use(2 * n - i); }
    }
    if (training && backward_reads_output(i)) { value.use(2 * n - i); }
  }
  if (training) {
    std::array<bool, Capacity> written{};
    written[n - 1] = true;
    pieces[Capacity + home.host[n - 1]].use(n);
    for (int i = n - 1; i > 0; --i) {
      pieces[Capacity + home.host[i]].floats = memory.floats(g.nodes[home.host[i]].output);
      pieces[Capacity + home.host[i]].use(2 * n - i);
      for (int k = 0; k < g.nodes[i].input_count; ++k) {
        const int input = g.nodes[i].inputs[k];
        if (input == 0) { continue; }
        plan.adds[i][k] = written[input];
        written[input] = true;
        pieces[Capacity + home.host[input]].use(2 * n - i);
      }
    }
  }
  plan.image = detail::place(pieces);

  for (int i = 0; i < n; ++i) {
    const workspace& needs = g.nodes[i].needs;
    plan.value[i] = pieces[home.host[i]].offset + home.offset[i];
    plan.gradient[i] = training && i > 0 ? pieces[Capacity + home.host[i]].offset + home.offset[i] : -1;
    plan.scratch = std::max({plan.scratch, needs.scratch, training ? needs.scratch_backward : 0});
    if (training) {
      plan.packed = std::max({plan.packed, needs.packed, needs.packed_backward});
    } else {
      plan.packed_weights[i] = plan.packed;
      plan.packed += detail::aligned(needs.packed);
    }
  }
  plan.scratch = detail::aligned(plan.scratch);
  return plan;
}

}  // namespace segx
