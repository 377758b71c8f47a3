#include "diagram.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <segx/core/joined.hpp>

namespace segx::tool {

namespace {

using nodes = std::span<const node<no_op>>;

// ---- from the flat graph to boxes of rows ----

/// An operation with the norms and activations behind it.
struct row {
  std::string text;
  std::int64_t parameters = 0;
  int last = 0;  // node that makes its result

  friend bool operator==(const row& a, const row& b) { return a.text == b.text && a.parameters == b.parameters; }
};

/// Rows of one block, which comes `times` times in a row.
struct block {
  std::string name;
  std::vector<row> rows;
  int times = 1;
};

enum class place { left, centre, right };

/// A part of the network: consecutive nodes of one name.
struct box {
  std::string name;
  int first = 0, last = 0;  // nodes
  shape output;
  std::vector<block> blocks;
  place column = place::left;
  double x = 0, y = 0, width = 0, height = 0;

  double right() const { return x + width; }
  double bottom() const { return y + height; }
  double middle() const { return x + width / 2; }
};

bool ends_in_digit(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.back()));
}

std::vector<std::string> components(std::string_view name) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    all.emplace_back(name.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

bool is_norm(const node<no_op>& n) { return n.facts.normalises || n.layer.ends_with("norm2d"); }

/// A norm, an activation or dropout, which stands in the row of what makes its input.
bool follows(const node<no_op>& n, int previous) {
  const bool is_follower =
      n.pointwise || is_norm(n) || n.facts.training_only || n.layer == "softmax" || n.layer == "prelu";
  return is_follower && n.input_count == 1 && n.inputs[0] == previous;
}

/// The part that a node belongs to by its name: up to the first number, "encoder.features.2" of
/// "encoder.features.2.0.block.1.0". "" for layers that have no name of their own.
std::string part_of(const node<no_op>& n) {
  std::vector<std::string> scopes = components(n.name.view());
  const std::string leaf = scopes.back();
  scopes.pop_back();
  if (scopes.empty()) { return leaf.starts_with(n.layer) ? "" : leaf; }
  std::string part;
  for (const std::string& scope : scopes) {
    part += (part.empty() ? "" : ".") + scope;
    if (ends_in_digit(scope)) { return part; }
  }
  return scopes.front();
}

/// The block inside of a part: "encoder.features.2.0"; the part itself where it has no numbered blocks.
std::string block_of(const node<no_op>& n, const std::string& part) {
  const std::string_view name = n.name.view();
  if (!name.starts_with(joined({part, "."}))) { return part; }
  const std::string next = components(name.substr(part.size() + 1)).front();
  const bool is_number = std::all_of(next.begin(), next.end(), [](unsigned char c) { return std::isdigit(c); });
  return is_number && name.size() > part.size() + 1 + next.size() ? joined({part, ".", next}) : part;
}

/// A part for each node. What only joins or resizes between parts goes with one of them: joins and what follows with
/// the part before, the rest with the part behind.
std::vector<std::string> parts_of(nodes all) {
  std::vector<std::string> parts(all.size());
  std::vector<bool> is_between(all.size());
  for (std::size_t i = 1; i < all.size(); ++i) {
    const std::vector<std::string> scopes = components(all[i].name.view());
    const bool is_numbered = std::any_of(scopes.begin(), scopes.end() - 1, ends_in_digit);
    is_between[i] = all[i].parameter_count == 0 && !is_numbered;
    if (!is_between[i]) { parts[i] = part_of(all[i]); }
  }
  for (std::size_t i = 1; i < all.size(); ++i) {
    const bool goes_back = all[i].input_count == 2 || follows(all[i], static_cast<int>(i) - 1);
    if (is_between[i] && goes_back && i > 1) { parts[i] = parts[i - 1]; }
    if (is_between[i] && !goes_back) {
      std::size_t next = i + 1;
      while (next < all.size() && is_between[next]) { ++next; }
      parts[i] = next < all.size() ? parts[next] : parts[i - 1];
    }
  }
  return parts;
}

std::string number(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), " ");
  }
  return digits;
}

double attribute_of(const node<no_op>& n, std::string_view name, double otherwise) {
  for (const attribute& a : n.attributes) {
    if (a.name == name) { return a.value; }
  }
  return otherwise;
}

/// "conv 3×3 /2", "dropout 10 %".
std::string operation_text(const node<no_op>& n) {
  const auto whole = [&](std::string_view name, double otherwise) {
    return std::to_string(static_cast<int>(attribute_of(n, name, otherwise)));
  };
  const auto sized = [&](const std::string& what, std::string_view size) {
    return joined({what, " ", whole(size, 0), "×", whole(size, 0)});
  };
  const double stride = attribute_of(n, "stride", 1);
  const std::string down = stride > 1 ? joined({" /", whole("stride", 1)}) : "";
  const std::string wide = attribute_of(n, "dilation", 1) > 1 ? joined({" dilated ", whole("dilation", 1)}) : "";
  if (n.layer == "conv2d") {
    return sized(attribute_of(n, "groups", 1) > 1 ? "grouped conv" : "conv", "kernel") + down + wide;
  }
  if (n.layer == "depthwise_conv2d") { return sized("depthwise", "kernel") + down + wide; }
  if (n.layer == "conv_transpose2d") { return joined({sized("transposed conv", "kernel"), ", ×", whole("stride", 1)}); }
  if (n.layer == "max_pool2d" || n.layer == "avg_pool2d") {
    const std::string kind = n.layer == "max_pool2d" ? "max pool" : "mean pool";
    const bool has_window = attribute_of(n, "window", 0) > 0;
    return sized(kind, has_window ? "window" : "kernel") + down;
  }
  if (n.layer == "upsample_nearest" || n.layer == "upsample_bilinear") {
    return joined({"upsample ×", whole("factor", 0), ", ", n.layer.substr(9)});
  }
  if (n.layer == "dropout") { return joined({"dropout ", whole("percent", 0), " %"}); }
  if (n.layer == "global_avg_pool2d") { return "mean of the plane"; }
  if (is_norm(n)) {
    return n.layer == "batch_norm2d" ? "norm" : joined({n.layer.substr(0, n.layer.find('_')), " norm"});
  }
  std::string text{n.layer};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::int64_t learned_by(const node<no_op>& n) {
  std::int64_t sum = 0;
  for (int p = 0; p < n.parameter_count; ++p) { sum += n.parameters[p].is_statistic ? 0 : n.parameters[p].size(); }
  return sum;
}

/// The node that ends the squeeze-and-excite block which begins at `first`; 0 if none does.
int end_of_squeeze(nodes all, int first, int last) {
  if (all[first].layer != "global_avg_pool2d") { return 0; }
  for (int i = first + 1; i <= last; ++i) {
    if (all[i].layer == "channel_scale") { return i; }
    if (all[i].output.height != 1) { return 0; }
  }
  return 0;
}

/// Makes the rows of a box.
void describe(nodes all, box& b) {
  for (int i = b.first; i <= b.last; ++i) {
    const node<no_op>& n = all[i];
    const std::string in = block_of(n, b.name);
    if (b.blocks.empty() || b.blocks.back().name != in) { b.blocks.push_back({in, {}}); }
    std::vector<row>& rows = b.blocks.back().rows;
    if (!rows.empty() && follows(n, i - 1)) {
      rows.back().text += joined({", ", operation_text(n)});
      rows.back().parameters += learned_by(n);
      rows.back().last = i;
      continue;
    }
    row made{"", 0, i};
    if (const int end = end_of_squeeze(all, i, b.last); end > 0) {
      made = {joined({"squeeze-and-excite ", all[i + 1].output.channels}), 0, end};
      for (; i <= end; ++i) { made.parameters += learned_by(all[i]); }
      i = end;
    } else {
      const std::string_view name = n.name.view();
      const bool is_beside = name.find("shortcut") != name.npos || name.find("downsample") != name.npos;
      made = {(is_beside ? "shortcut: " : "") + operation_text(n), learned_by(n), i};
      if (n.output.channels != b.output.channels) { made.text += joined({" → ", n.output.channels}); }
    }
    rows.push_back(made);
  }
  std::vector<block> folded;
  for (block& next : b.blocks) {
    if (!folded.empty() && folded.back().rows == next.rows) {
      ++folded.back().times;
      folded.back().rows.back().last = next.rows.back().last;
    } else {
      folded.push_back(std::move(next));
    }
  }
  b.blocks = std::move(folded);
}

/// Whether a box is once more what the box before is: one block of a numbered part.
bool repeats(const box& b, const box& before) {
  return ends_in_digit(b.name) && b.blocks.size() == 1 && before.blocks.size() == 1 && b.output == before.output &&
         b.blocks[0].rows == before.blocks[0].rows && before.first > 0;
}

/// An arrow from a box to another.
struct arrow {
  int from = 0, to = 0;  // boxes
  int row_node = 0;      // node of `to` that reads it
};

struct picture {
  std::vector<box> boxes;
  std::vector<arrow> arrows;
};

picture picture_of(nodes all) {
  const std::vector<std::string> parts = parts_of(all);
  const int count = static_cast<int>(all.size());
  std::vector<int> last_reader(all.size());
  for (int i = 1; i < count; ++i) {
    for (int k = 0; k < all[i].input_count; ++k) { last_reader[all[i].inputs[k]] = i; }
  }
  // A box ends with its part, and where somebody behind the part reads what was made.
  std::vector<int> end_of_part(all.size(), count - 1);
  for (int i = count - 2; i >= 0; --i) { end_of_part[i] = parts[i] == parts[i + 1] ? end_of_part[i + 1] : i; }
  picture p;
  std::vector<int> box_of(all.size());
  p.boxes.push_back({"image", 0, 0, all[0].output, {}});
  for (int i = 1, first = 1; i < count; ++i) {
    if (i < end_of_part[i] && last_reader[i] <= end_of_part[i]) { continue; }
    box made{parts[i].empty() ? "layers" : parts[i], first, i, all[i].output, {}};
    describe(all, made);
    box& before = p.boxes.back();
    if (repeats(made, before) && last_reader[before.last] <= i) {
      before.name = joined({before.name.substr(0, before.name.find("–")), "–", components(made.name).back()});
      before.last = i;
      ++before.blocks[0].times;
    } else {
      p.boxes.push_back(std::move(made));
    }
    for (; first <= i; ++first) { box_of[first] = static_cast<int>(p.boxes.size()) - 1; }
  }
  for (int i = 1; i < count; ++i) {
    for (int k = 0; k < all[i].input_count; ++k) {
      const arrow a{box_of[all[i].inputs[k]], box_of[i], i};
      const bool is_there = std::any_of(p.arrows.begin(), p.arrows.end(),
                                        [&](const arrow& b) { return b.from == a.from && b.to == a.to; });
      if (a.from != a.to && !is_there) { p.arrows.push_back(a); }
    }
  }
  return p;
}

// ---- places ----

constexpr double font = 11, line = 16, header = 22, pad = 8, bracket = 28;  // of a box
constexpr double above = 70, margin = 86, gap = 120, between = 26, lane = 12;

/// Of sans-serif letters, near enough for boxes that hold their text in any font.
double width_of(const std::string& text, double size) {
  double letters = 0;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;  // UTF-8
    letters += continues ? 0 : (c == ' ' || c == '.' || c == ',' ? 0.36 : 0.6);
  }
  return letters * size;
}

std::string shape_text(shape s) { return joined({s.channels, "×", s.height, "×", s.width}); }

void measure(box& b) {
  b.width = width_of(b.name, font) + 24 + width_of(shape_text(b.output), font);
  b.height = header;
  for (const block& part : b.blocks) {
    for (const row& r : part.rows) {
      b.width = std::max(
          b.width, width_of(r.text, font) + 20 + width_of(number(r.parameters), font) + (part.times > 1 ? bracket : 0));
      b.height += line;
    }
  }
  b.width += 2 * pad;
  b.height += b.blocks.empty() ? 0 : pad;
}

/// One resolution: boxes of the way down, of the way up, and the bottom of the U.
struct level {
  shape plane;
  std::map<place, std::vector<int>> stacks;  // from above
  double y = 0, height = 0;
};

double height_of(const picture& p, const std::vector<int>& stack) {
  double sum = 0;
  for (const int i : stack) { sum += p.boxes[i].height + (sum > 0 ? between : 0); }
  return sum;
}

std::vector<level> arrange(picture& p) {
  const auto area = [](shape s) { return std::int64_t{s.height} * s.width; };
  std::int64_t least = area(p.boxes[0].output);
  for (const box& b : p.boxes) { least = std::min(least, area(b.output)); }
  std::vector<level> levels;
  const bool comes_up = area(p.boxes.back().output) > least;
  bool was_lowest = false;
  for (std::size_t i = 0; i < p.boxes.size(); ++i) {
    box& b = p.boxes[i];
    measure(b);
    const bool is_lowest = area(b.output) == least && comes_up;
    b.column = is_lowest ? place::centre : was_lowest ? place::right : place::left;
    was_lowest = was_lowest || is_lowest;
    auto at = std::find_if(levels.begin(), levels.end(), [&](const level& l) { return same_plane(l.plane, b.output); });
    if (at == levels.end()) { at = levels.insert(at, {b.output, {}}); }
    std::vector<int>& stack = at->stacks[b.column];
    stack.insert(b.column == place::right ? stack.begin() : stack.end(), static_cast<int>(i));
  }
  std::sort(levels.begin(), levels.end(),
            [&](const level& a, const level& b) { return area(a.plane) > area(b.plane); });

  std::map<place, double> widths;
  for (const box& b : p.boxes) { widths[b.column] = std::max(widths[b.column], b.width); }
  const double left = widths[place::left];
  const double centre = margin + left + gap / 2;
  double y = above;
  for (level& l : levels) {
    l.y = y;
    for (const auto& [column, stack] : l.stacks) { l.height = std::max(l.height, height_of(p, stack)); }
    for (const auto& [column, stack] : l.stacks) {
      double top = y + l.height - height_of(p, stack);  // skips leave at the bottom, and arrive there
      for (const int i : stack) {
        box& b = p.boxes[i];
        b.width = widths[column];
        b.x = column == place::left ? margin : column == place::right ? margin + left + gap : centre - b.width / 2;
        b.y = top;
        top += b.height + between;
      }
    }
    y += l.height + between + 8;
  }
  return levels;
}

// ---- drawing ----

class svg {
 public:
  template <class... Values>
  void add(const char* format, Values... values) {
    char text[1024];
    std::snprintf(text, sizeof text, format, values...);
    body_ += text;
    body_ += '\n';
  }

  void text(double x, double y, const std::string& words, const char* more = "") {
    add("<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>", x, y, more, escaped(words).c_str());
  }

  /// A line through points, with an arrow's head.
  void path(const std::vector<std::pair<double, double>>& points, bool is_skip) {
    std::string d;
    for (const auto& [x, y] : points) {
      char point[64];
      std::snprintf(point, sizeof point, "%s%.1f %.1f", d.empty() ? "M" : " L", x, y);
      d += point;
    }
    add("<path d=\"%s\"%s/>", d.c_str(), is_skip ? " class=\"skip\"" : "");
  }

  std::string page(double width, double height) const {
    char head[400];
    std::snprintf(
        head, sizeof head,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n", width,
        height, width, height);
    return joined({head, style, body_, "</svg>\n"});
  }

 private:
  static constexpr const char* style =
      "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
      "orient=\"auto\"><path d=\"M0 0.5 L8 4 L0 7.5 z\" style=\"fill:#000;stroke:none\"/></marker></defs>\n"
      "<style>\n"
      "text { font: 11px 'DejaVu Sans', Verdana, sans-serif; fill: #000 }\n"
      "rect { fill: #fff; stroke: #000; stroke-width: 1.2 }\n"
      "path { fill: none; stroke: #000; stroke-width: 1.6; marker-end: url(#head) }\n"
      ".skip { stroke-dasharray: 5 3; stroke-width: 1.3 }\n"
      ".rule { stroke-width: 0.6; marker-end: none }\n"
      ".page { stroke: none } .head { fill: #e4e4e4 }\n"
      ".bold { font-weight: bold } .title { font-size: 15px; font-weight: bold }\n"
      ".end { text-anchor: end } .level { font-size: 10px; fill: #444 }\n"
      "</style>\n"
      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";

  static std::string escaped(const std::string& words) {
    std::string result;
    for (const char c : words) {
      result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
    }
    return result;
  }

  std::string body_;
};

/// Heights of the lines of a box, by the node that a row ends with. On the way up rows begin at the bottom.
std::map<int, double> draw(const box& b, svg& to) {
  to.add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\"/>", b.x, b.y, b.width, b.height);
  to.add("<rect class=\"head\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\"/>", b.x, b.y, b.width,
         header);
  to.text(b.x + pad, b.y + 15, b.name, " class=\"bold\"");
  to.text(b.right() - pad, b.y + 15, shape_text(b.output), " class=\"end\"");
  std::map<int, double> heights;
  const bool upwards = b.column == place::right;
  double y = upwards ? b.bottom() - pad / 2 : b.y + header + 2;  // where the next row begins
  const double step = upwards ? -line : line;
  for (const block& part : b.blocks) {
    if (&part != &b.blocks.front()) { to.add("<path class=\"rule\" d=\"M%.1f %.1f H%.1f\"/>", b.x, y, b.right()); }
    const double first = y;
    const double indent = part.times > 1 ? bracket : 0;
    for (const row& r : part.rows) {
      const double base = (upwards ? y - line : y) + 11.5;
      to.text(b.x + pad + indent, base, r.text);
      if (r.parameters > 0) { to.text(b.right() - pad, base, number(r.parameters), " class=\"end\""); }
      heights[r.last] = base - 4;
      y += step;
    }
    if (part.times > 1) {
      const double x = b.x + pad + bracket - 6, top = std::min(first, y) + 3, end = std::max(first, y) - 3;
      to.add("<path class=\"rule\" d=\"M%.1f %.1f h-4 V%.1f h4\"/>", x, top, end);
      to.text(b.x + pad - 2, (top + end) / 2 + 4, joined({part.times, "×"}));
    }
  }
  return heights;
}

/// The height at which a row of a box is read.
double height_at(const box& b, const std::map<int, double>& heights, int node) {
  const auto found = heights.lower_bound(node);
  return found == heights.end() ? b.y + header / 2 : found->second;
}

}  // namespace

std::string diagram_svg(const std::string& title, nodes all) {
  picture p = picture_of(all);
  const std::vector<level> levels = arrange(p);
  svg out;
  double right = 0, bottom = 0;
  for (const box& b : p.boxes) {
    right = std::max(right, b.right());
    bottom = std::max(bottom, b.bottom());
  }
  double left_column = 0;
  for (const box& b : p.boxes) {
    if (b.column == place::left) { left_column = std::max(left_column, b.right()); }
  }
  out.text(margin, 28, title, " class=\"title\"");
  std::int64_t parameters = 0, macs = 0;
  for (const node<no_op>& n : all) { parameters += learned_by(n), macs += n.macs; }
  char billions[40];
  std::snprintf(billions, sizeof billions, "%.1f G multiply-adds", static_cast<double>(macs) / 1e9);
  out.text(margin, 48,
           joined({shape_text(all.front().output), " → ", shape_text(all.back().output), ", ", number(parameters),
                   " parameters, ", billions}));
  for (const level& l : levels) {
    out.text(margin - 16, l.y + l.height / 2 + 4, joined({l.plane.height, "×", l.plane.width}), " class=\"end level\"");
  }

  std::vector<std::map<int, double>> heights;
  for (const box& b : p.boxes) { heights.push_back(draw(b, out)); }
  int lanes_outside = 0, lanes_inside = 0;
  double outermost = right;
  for (const arrow& a : p.arrows) {
    const box& from = p.boxes[a.from];
    const box& to = p.boxes[a.to];
    const bool is_skip = a.to != a.from + 1;
    const double y = height_at(to, heights[a.to], a.row_node);
    const double leaves = std::clamp(y, from.y + 1, from.bottom() - 1);
    const auto is_between = [&](const box& b) {
      return &b != &from && &b != &to && b.column == from.column && b.y > std::min(from.y, to.y) &&
             b.y < std::max(from.y, to.y);
    };
    const bool is_below = from.column == place::centre &&
                          std::any_of(p.boxes.begin(), p.boxes.end(),
                                      [&](const box& b) { return b.column == place::centre && b.y < from.y; });
    const bool is_next = std::none_of(p.boxes.begin(), p.boxes.end(), is_between);
    if (from.column == to.column && is_next && !is_skip) {
      const bool down = from.y < to.y;
      out.path({{from.middle(), down ? from.bottom() : from.y}, {to.middle(), down ? to.y : to.bottom()}}, false);
    } else if (from.column == place::left && to.column == place::centre) {
      const double x = std::min(from.middle(), to.x - lane);
      out.path({{x, from.bottom()}, {x, to.y + header / 2}, {to.x, to.y + header / 2}}, is_skip);
    } else if (from.column == place::centre && to.column == place::right && !is_skip) {
      const double x = std::max(to.middle(), from.right() + lane);
      out.path({{from.right(), from.y + header / 2}, {x, from.y + header / 2}, {x, to.bottom()}}, false);
    } else if (from.column != to.column && !is_below) {
      const double x = left_column + gap / 2 + lane * ((lanes_inside % 5) - 2);
      if (leaves == y) {
        out.path({{from.right(), y}, {to.x, y}}, is_skip);
      } else if (from.column == place::centre) {
        ++lanes_inside;
        out.path({{x, from.y}, {x, y}, {to.x, y}}, is_skip);
      } else {
        ++lanes_inside;
        out.path({{from.right(), leaves}, {x, leaves}, {x, y}, {to.x, y}}, is_skip);
      }
    } else {
      const double x = (to.column == place::right ? right : left_column) + lane * (1 + lanes_outside++);
      outermost = std::max(outermost, x);
      out.path({{from.right(), from.y + header / 2}, {x, from.y + header / 2}, {x, y}, {to.right(), y}}, is_skip);
    }
  }
  const double legend = bottom + 34;
  out.path({{margin, legend}, {margin + 40, legend}}, false);
  out.text(margin + 48, legend + 4, "flow: down on the left, up on the right, rows of a box likewise");
  out.path({{margin, legend + 18}, {margin + 40, legend + 18}}, true);
  out.text(margin + 48, legend + 22,
           "skip; numbers on the right are parameters, → n channels behind a row, /2 a stride");
  return out.page(std::max(outermost + 24, margin + 560), legend + 40);
}

}  // namespace segx::tool
