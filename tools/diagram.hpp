#pragma once

#include <span>
#include <string>

#include <segx/core/graph.hpp>

namespace segx::tool {

/// A composed network as an SVG picture, in black and white: a box for each part, with a line for each operation, its
/// channels and parameters; the way down in resolution on the left, the way up on the right, skips across. Repeated
/// blocks are drawn once. `nodes` are those of `composed(height, width)`.
std::string diagram_svg(const std::string& title, std::span<const node<no_op>> nodes);

}  // namespace segx::tool
