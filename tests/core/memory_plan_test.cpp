#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <segx/core/memory_plan.hpp>
#include <segx/core/random.hpp>

using namespace segx;

namespace {

constexpr int capacity = 40;
using random_graph = graph<capacity>;

/// A network of random wiring: convolutions with and without epilogues, some of which stream, stand-alone activations,
/// joins and sums, of tensors picked anywhere before. In the end all loose ends are joined.
random_graph drawn_graph(std::uint64_t seed) {
  random_generator random{seed};
  const auto below = [&](int bound) { return static_cast<int>(random.below(static_cast<std::uint64_t>(bound))); };
  constexpr int channels[] = {1, 3, 8, 9, 16, 24};
  random_graph g;
  const auto append = [&](node<no_op> n) { g.nodes[g.size++] = n; };
  const auto any_stream = [&] {
    return std::array{stream::none, stream::scaled, stream::pixels, stream::pixels}[below(4)];
  };
  const auto any_channels = [&] { return channels[below(6)]; };
  const int height = 1 + below(3);
  const auto extent_of = [&](int id) { return g.nodes[id].output; };
  const auto join = [&](int a, int b) {
    append({.layer = "concat",
            .output = {extent_of(a).channels + extent_of(b).channels, height, 2},
            .input_count = 2,
            .inputs = {a, b},
            .facts = {.joins_channels = true, .backward_reads_input = false}});
  };

  append({.layer = "image", .output = {any_channels(), height, 2}});
  const int wanted = 4 + below(16);
  while (g.size < wanted) {
    const int a = below(4) == 0 ? below(g.size) : g.size - 1;  // mostly chains
    const int b = below(g.size);
    switch (below(5)) {
      case 0:
      case 1:
        append({.layer = "conv2d",
                .output = {any_channels(), height, 2},
                .input_count = 1,
                .inputs = {a},
                .facts = {.accepts_epilogue = true},
                .then = {.act = below(2) == 0 ? activation::relu : activation::none},
                .needs = {.gives = any_stream(), .takes = any_stream()}});
        break;
      case 2:
        append({.layer = "relu",
                .output = extent_of(a),
                .input_count = 1,
                .inputs = {a},
                .facts = {.in_place = true, .backward_reads_input = false},
                .pointwise = true,
                .then = {.act = activation::relu}});
        break;
      case 3:
        join(a, b);
        break;
      case 4:
        if (extent_of(a) == extent_of(b)) {
          append({.layer = "add",
                  .output = extent_of(a),
                  .input_count = 2,
                  .inputs = {a, b},
                  .facts = {.accepts_epilogue = true, .backward_reads_input = false},
                  .needs = {.gives = any_stream()}});
        }
        break;
    }
  }
  for (;;) {
    std::vector<int> loose;
    for (int i = 0; i < g.size; ++i) {
      bool is_read = false;
      for (int r = i + 1; r < g.size; ++r) { is_read = is_read || g.nodes[r].reads(i); }
      if (!is_read) { loose.push_back(i); }
    }
    if (loose.size() == 1) { return g; }
    join(loose[0], loose[1]);
  }
}

/// Runs a planned graph on memory whose cells hold, instead of numbers, what they mean, and reports the first time that
/// a layer finds something else than it should. Knows nothing of how plans are made.
class symbolic_run {
 public:
  symbolic_run(const random_graph& g, const memory_plan<capacity>& plan, layout memory)
      : g_{g}, plan_{plan}, memory_{memory}, cells_(static_cast<std::size_t>(plan.image)) {}

  /// "" when all is well.
  std::string run(purpose why) {
    for (int i = 0; i < g_.size && wrong_.empty(); ++i) { forward(i); }
    expect_value(g_.size - 1, "the loss");
    if (why == purpose::training && wrong_.empty()) {
      at_gradient(g_.size - 1, [](cell& c, meaning m) { c = {m, 1}; });
      for (int i = g_.size - 1; i > 0 && wrong_.empty(); --i) { backward(i); }
    }
    return wrong_;
  }

 private:
  struct meaning {
    char kind = '?';  // value or gradient
    int id = -1;
    std::int64_t place = 0;
    bool operator==(const meaning&) const = default;
  };
  struct cell {
    meaning holds;
    int summands = 0;  // of a gradient
  };

  std::int64_t floats(int id) const { return memory_.floats(g_.nodes[id].output); }

  /// What value `place` of tensor `id` is: joins that were made in place hold their inputs' values.
  meaning value(int id, std::int64_t place) const {
    if (!plan_.joined[id]) { return {'v', id, place}; }
    const int first = g_.nodes[id].inputs[0];
    const std::int64_t split = floats(first);
    return place < split ? value(first, place) : value(g_.nodes[id].inputs[1], place - split);
  }

  /// The tensors that node i reads: where one is streamed, what that is made of.
  std::vector<int> read_by(int i) const {
    std::vector<int> result;
    for (int k = 0; k < g_.nodes[i].input_count; ++k) {
      const int input = g_.nodes[i].inputs[k];
      if (plan_.streamed[input]) {
        const std::vector<int> further = read_by(input);
        result.insert(result.end(), further.begin(), further.end());
      } else {
        result.push_back(input);
      }
    }
    return result;
  }

  void fail(int reader, const std::string& what) {
    if (wrong_.empty()) { wrong_ = "node " + std::to_string(reader) + ": " + what; }
  }
  bool is_inside(std::int64_t offset, int id) {
    const bool inside = offset >= 0 && offset % memory_.block == 0 && offset + floats(id) <= plan_.image;
    if (!inside) { fail(id, "outside of the arena, or not aligned"); }
    return inside;
  }
  void expect_value(int id, const std::string& who) {
    if (!is_inside(plan_.value[id], id)) { return; }
    for (std::int64_t p = 0; p < floats(id); ++p) {
      if (cells_[plan_.value[id] + p].holds != value(id, p)) {
        return fail(id, "overwritten before " + who + " reads it");
      }
    }
  }
  void at_gradient(int id, auto&& f) {
    if (!is_inside(plan_.gradient[id], id)) { return; }
    for (std::int64_t p = 0; p < floats(id); ++p) { f(cells_[plan_.gradient[id] + p], meaning{'g', id, p}); }
  }
  void expect_apart(std::int64_t a, int a_id, std::int64_t b, int b_id) {
    if (a < b + floats(b_id) && b < a + floats(a_id)) { fail(a_id, "shares memory with " + std::to_string(b_id)); }
  }
  int readers(int id) const {
    int count = id == g_.size - 1 ? 1 : 0;  // the loss
    for (int i = 0; i < g_.size; ++i) {
      for (int k = 0; k < g_.nodes[i].input_count; ++k) { count += g_.nodes[i].inputs[k] == id ? 1 : 0; }
    }
    return count;
  }

  void forward(int i) {
    const node<no_op>& n = g_.nodes[i];
    if (plan_.streamed[i]) {
      if (readers(i) != 1) { fail(i, "is streamed, but not to one reader"); }
      return;
    }
    for (const int input : read_by(i)) {
      expect_value(input, "node " + std::to_string(i));
      if (!plan_.joined[i] && !plan_.in_place[i]) { expect_apart(plan_.value[i], i, plan_.value[input], input); }
    }
    if (plan_.joined[i]) { return expect_value(i, "anybody"); }
    if (plan_.in_place[i] && (!n.facts.in_place || plan_.value[i] != plan_.value[n.inputs[0]])) {
      fail(i, "cannot work in place");
    }
    if (!is_inside(plan_.value[i], i)) { return; }
    for (std::int64_t p = 0; p < floats(i); ++p) { cells_[plan_.value[i] + p] = {value(i, p), 0}; }
  }

  void backward(int i) {
    const node<no_op>& n = g_.nodes[i];
    const int summands = readers(i);
    at_gradient(i, [&](const cell& c, meaning m) {
      if (c.holds != m || c.summands != summands) { fail(i, "its gradient is not whole when it goes backward"); }
    });
    if (!plan_.joined[i]) {
      if (!n.then.empty() || n.facts.backward_reads_output) { expect_value(i, "its backward pass"); }
      for (int k = 0; k < n.input_count && n.facts.backward_reads_input; ++k) {
        expect_value(n.inputs[k], "the backward pass of node " + std::to_string(i));
      }
    }
    for (int k = 0; k < n.input_count; ++k) {
      const int input = n.inputs[k];
      if (input == 0) { continue; }
      const bool stays = plan_.joined[i] || plan_.in_place[i];
      if (stays) {  // dy is dx already
        const std::int64_t place = plan_.joined[i] && k == 1 ? floats(n.inputs[0]) : 0;
        if (plan_.adds[i][k] || plan_.gradient[input] != plan_.gradient[i] + place) {
          fail(i, "its gradient is elsewhere");
        }
      } else {
        expect_apart(plan_.gradient[input], input, plan_.gradient[i], i);
        if (n.facts.backward_reads_input) { expect_apart(plan_.gradient[input], input, plan_.value[input], input); }
      }
      at_gradient(input, [&](cell& c, meaning m) {
        if (plan_.adds[i][k] && c.holds != m) { fail(i, "adds to something that is no gradient"); }
        c = {m, plan_.adds[i][k] ? c.summands + 1 : 1};
      });
    }
  }

  const random_graph& g_;
  const memory_plan<capacity>& plan_;
  layout memory_;
  std::vector<cell> cells_;
  std::string wrong_;
};

/// No plan can do with less than what some layer reads and writes. (Of two inputs, one may live in the other.)
std::int64_t lower_bound(const random_graph& g, const memory_plan<capacity>& plan, layout memory) {
  std::int64_t bound = 0;
  for (int i = 0; i < g.size; ++i) {
    const node<no_op>& n = g.nodes[i];
    if (plan.streamed[i]) { continue; }
    std::int64_t largest_input = 0;
    for (int k = 0; k < n.input_count && !plan.joined[i] && !plan.in_place[i]; ++k) {
      if (plan.streamed[n.inputs[k]]) { continue; }
      largest_input = std::max(largest_input, memory.floats(g.nodes[n.inputs[k]].output));
    }
    bound = std::max(bound, memory.floats(n.output) + largest_input);
  }
  return bound;
}

std::int64_t total(const random_graph& g, layout memory) {
  std::int64_t sum = 0;
  for (int i = 0; i < g.size; ++i) { sum += memory.floats(g.nodes[i].output) + 16; }
  return sum;
}

}  // namespace

TEST_CASE("plans of random networks never let two living tensors overlap", "[core][property]") {
  int joined = 0;
  int in_place = 0;
  int streamed = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const random_graph g = drawn_graph(seed);
    REQUIRE(g.size <= capacity);
    for (const layout memory : {layout{1}, layout{8}}) {
      for (const purpose why : {purpose::inference, purpose::training}) {
        INFO("seed " << seed << ", blocks of " << memory.block << (why == purpose::training ? ", training" : ""));
        const memory_plan<capacity> plan = plan_memory(g, memory, why);
        REQUIRE(symbolic_run{g, plan, memory}.run(why) == "");
        REQUIRE(plan.image >= lower_bound(g, plan, memory));
        REQUIRE(plan.image <= (why == purpose::training ? 2 : 1) * total(g, memory));
        joined += static_cast<int>(std::count(plan.joined.begin(), plan.joined.end(), true));
        in_place += static_cast<int>(std::count(plan.in_place.begin(), plan.in_place.end(), true));
        const auto streams = static_cast<int>(std::count(plan.streamed.begin(), plan.streamed.end(), true));
        REQUIRE((why == purpose::inference || streams == 0));
        streamed += streams;
      }
    }
  }
  CHECK(joined > 1000);  // the interesting plans did occur
  CHECK(in_place > 1000);
  CHECK(streamed > 300);
}

TEST_CASE("the test of plans finds a plan that is wrong", "[core][property]") {
  int found = 0;
  int planned = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const random_graph g = drawn_graph(seed);
    for (int i = 1; i < g.size; ++i, ++planned) {
      memory_plan<capacity> plan = plan_memory(g, layout{}, purpose::training);
      plan.value[i] = plan.value[i - 1];  // as if node i − 1 were over
      found += symbolic_run{g, plan, layout{}}.run(purpose::training).empty() ? 0 : 1;
    }
  }
  CHECK(found > 0.6 * planned);  // where in place is right, nothing is wrong
}

namespace {

/// conv → conv → conv of 4 floats each, no epilogues.
constexpr graph<4> line() {
  graph<4> g;
  g.nodes[g.size++] = {.layer = "image", .output = {1, 4, 4}};
  for (int i = 0; i < 3; ++i) {
    g.nodes[g.size++] = {.layer = "conv2d", .output = {1, 4, 4}, .input_count = 1, .inputs = {i}};
  }
  return g;
}

}  // namespace

// A chain takes turns in two tensors; in training it keeps every value, and two gradients.
static_assert(plan_memory(line(), layout{}, purpose::inference).image == 2 * 16);
static_assert(plan_memory(line(), layout{}, purpose::training).image <= 5 * 16);
static_assert(plan_memory(line(), layout{}, purpose::inference).gradient[1] == -1);

static_assert(layout{8}.floats({9, 2, 2}) == 16 * 4);
static_assert(layout{8}.floats({5, 2, 2}) == 8 * 4 && layout{8}.floats({4, 2, 2}) == 4 * 4);
static_assert(layout{8}.index({9, 2, 2}, 8, 1, 0) == (4 + 2) * 8);
static_assert(layout{1}.index({9, 2, 2}, 8, 1, 0) == 8 * 4 + 2);
static_assert(layout{8}.joins({16, 2, 2}, {9, 2, 2}) && !layout{8}.joins({9, 2, 2}, {16, 2, 2}));
