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
  std::array<bool, Capacity> streamed{};  // never stored: its reader makes it piece by piece, and reads its inputs
  std::array<bool, Capacity> in_place{};  // node i overwrites its input, and its backward pass its gradient
  std::array<std::array<bool, 2>, Capacity>
      adds{};                // backward of node i adds to the gradient of input k, not the first there
  std::int64_t image = 0;    // floats for one image
  std::int64_t scratch = 0;  // floats for each thread
  // Weights as the kernels read them: all of them for prediction; for training, where they change with every step, a
  // place for those of one layer.
  std::int64_t packed = 0;                              // floats
  std::array<std::int64_t, Capacity> kept{};            // what node i keeps of an image for its backward pass
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

/// Memory of one tensor, needed from time `first` to time `last`. Tensors that share memory (a join and its inputs, a
/// layer in place) have one home, in which each has its place: what of it nobody needs yet is free for others.
struct lifetime {
  std::int64_t floats = 0;
  int first = 0;
  int last = -1;
  int home = 0;             // the piece that stands for all that share the memory
  std::int64_t within = 0;  // place in the home
  std::int64_t offset = 0;  // place in the arena

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

/// Greedy by size: the largest homes first, each as low as none of its pieces meets one that lives at the same time.
/// Returns the length of the arena. Source: Pisarchyk & Lee, "Efficient memory management for deep neural net
/// inference", arXiv:2001.03288; homes are ours.
template <std::size_t Count>
constexpr std::int64_t place(std::array<lifetime, Count>& pieces) {
  std::array<int, Count> used{};  // sorted: homes by size, the pieces of a home side by side
  std::array<std::int64_t, Count> home_floats{};
  int count = 0;
  for (int i = 0; i < static_cast<int>(Count); ++i) {
    if (!pieces[i].is_used()) { continue; }
    used[count++] = i;
    home_floats[pieces[i].home] = std::max(home_floats[pieces[i].home], pieces[i].within + pieces[i].floats);
  }
  const auto before = [&](int a, int b) {
    const int home_a = pieces[a].home;
    const int home_b = pieces[b].home;
    if (home_a == home_b) { return a < b; }
    return home_floats[home_a] != home_floats[home_b] ? home_floats[home_a] > home_floats[home_b] : home_a < home_b;
  };
  std::make_heap(used.begin(), used.begin() + count, before);  // GCC 12 warns of std::sort on so small an array
  std::sort_heap(used.begin(), used.begin() + count, before);

  std::int64_t end = 0;
  std::array<int, Count> by_place{};  // those placed so far, sorted by offset
  for (int begin = 0, next = 0; begin < count; begin = next) {
    while (next < count && pieces[used[next]].home == pieces[used[begin]].home) { ++next; }
    std::int64_t at = 0;
    for (bool moved = true; moved;) {  // again, as what moves up for one piece may meet others with another
      moved = false;
      for (int p = 0; p < begin; ++p) {
        const lifetime& other = pieces[by_place[p]];
        for (int k = begin; k < next; ++k) {
          const lifetime& piece = pieces[used[k]];
          const bool meets = other.offset < at + piece.within + piece.floats &&
                             at + piece.within < other.offset + other.floats && piece.overlaps(other);
          if (!meets) { continue; }
          at = aligned(other.offset + other.floats - piece.within);
          moved = next - begin > 1;
        }
      }
    }
    for (int k = begin; k < next; ++k) {
      pieces[used[k]].offset = at + pieces[used[k]].within;
      int p = k;
      for (; p > 0 && pieces[by_place[p - 1]].offset > pieces[used[k]].offset; --p) { by_place[p] = by_place[p - 1]; }
      by_place[p] = used[k];
    }
    end = std::max(end, at + home_floats[pieces[used[begin]].home]);
  }
  return aligned(end);
}

}  // namespace detail

/// Plans the memory of a lowered graph: lifetimes of values and (for training) gradients, joins and pointwise layers in
/// place, one arena.
///
/// Time runs over nodes: node i computes at time i, the loss at time n, and node i goes backward at time 2n − i. Where
/// nothing goes backward, a layer streams its result to the one that reads it if their workspaces agree, and if
/// nothing is added to it on the way.
template <int Capacity, class Op>
constexpr memory_plan<Capacity> plan_memory(const graph<Capacity, Op>& g, layout memory, purpose why) {
  const int n = g.size;
  const bool training = why == purpose::training;
  memory_plan<Capacity> plan;

  // When node i computes: where it streams to its reader, with that.
  std::array<int, Capacity> time{};
  std::array<int, Capacity> readers{};
  for (int i = 0; i < n; ++i) {
    time[i] = i;
    for (int k = 0; k < g.nodes[i].input_count; ++k) { ++readers[g.nodes[i].inputs[k]]; }
  }
  for (int i = 2; i < n && !training; ++i) {
    const int maker = g.nodes[i].inputs[0];
    const workspace& given = g.nodes[maker].needs;
    plan.streamed[maker] = given.gives != stream::none && given.gives == g.nodes[i].needs.takes &&
                           readers[maker] == 1 && !g.nodes[maker].has_addend() &&
                           !plan.streamed[g.nodes[maker].inputs[0]] &&
                           (given.gives == stream::pixels || g.nodes[maker].then.empty());
    if (plan.streamed[maker]) { time[maker] = i; }
  }

  const auto backward_reads_output = [&](int i) {
    const node<Op>& node = g.nodes[i];
    return node.facts.backward_reads_output || (!node.then.empty() && slope_follows_from_result(node.then.act));
  };
  std::array<int, Capacity> last_reader{};
  std::array<int, Capacity> last_use{};  // when a value is read for the last time
  for (int i = 0; i < n; ++i) {
    if (i == n - 1) { last_use[i] = n; }
    if (training && backward_reads_output(i)) { last_use[i] = 2 * n - i; }
    for (int k = 0; k < g.nodes[i].input_count; ++k) {
      const int input = g.nodes[i].inputs[k];
      last_reader[input] = i;
      last_use[input] =
          std::max(last_use[input], training && g.nodes[i].facts.backward_reads_input ? 2 * n - i : time[i]);
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

  // When each piece of memory is needed: values first, gradients behind them.
  std::array<detail::lifetime, 2 * Capacity> pieces{};
  for (int i = n - 1; i >= 0; --i) {
    const int home = parent[i] < 0 ? i : pieces[parent[i]].home;
    const std::int64_t place = parent[i] < 0 ? 0 : pieces[parent[i]].within + within[i];
    // Whole values: through references to these elements GCC 12 mixes up constants of different networks.
    pieces[i] = {.floats = memory.floats(g.nodes[i].output), .home = home, .within = place};
    pieces[Capacity + i] = {.floats = pieces[i].floats, .home = Capacity + home, .within = place};
  }
  for (int i = 0; i < n; ++i) {
    const node<Op>& node = g.nodes[i];
    if (!plan.streamed[i]) { pieces[i].use(i); }
    if (i == n - 1) { pieces[i].use(n); }
    if (training && backward_reads_output(i)) { pieces[i].use(2 * n - i); }
    for (int k = 0; k < node.input_count; ++k) {
      detail::lifetime& input = pieces[node.inputs[k]];
      if (!plan.streamed[node.inputs[k]]) { input.use(time[i]); }
      if (training && node.facts.backward_reads_input && !plan.joined[i]) { input.use(2 * n - i); }
    }
  }
  if (training) {
    std::array<bool, Capacity> written{};
    written[n - 1] = true;
    pieces[Capacity + n - 1].use(n);
    for (int i = n - 1; i > 0; --i) {
      pieces[Capacity + i].use(2 * n - i);
      for (int k = 0; k < g.nodes[i].input_count; ++k) {
        const int input = g.nodes[i].inputs[k];
        if (input == 0) { continue; }
        plan.adds[i][k] = written[input];
        written[input] = true;
        pieces[Capacity + input].use(2 * n - i);
      }
    }
  }
  plan.image = detail::place(pieces);

  for (int i = 0; i < n; ++i) {
    const workspace& needs = g.nodes[i].needs;
    const std::int64_t streamed =
        i > 0 && plan.streamed[g.nodes[i].inputs[0]] ? g.nodes[g.nodes[i].inputs[0]].needs.scratch_streamed : 0;
    plan.value[i] = pieces[i].offset;
    plan.gradient[i] = training && i > 0 ? pieces[Capacity + i].offset : -1;
    plan.scratch = std::max({plan.scratch, needs.scratch + streamed, training ? needs.scratch_backward : 0});
    if (training) {
      plan.kept[i] = plan.image;
      plan.image += detail::aligned(needs.kept);
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
