#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace segx {

namespace detail {

/// d[q] = min over v of f[v] + (q − v)² step², for q < f.size(): the lower envelope of parabolas, of which those with
/// f = ∞ do not exist. `vertex` and `from` are scratch memory of the size of f.
inline void lower_envelope(std::span<const double> f, double step, std::span<double> d,
                           std::vector<std::size_t>& vertex, std::vector<double>& from) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double square = step * step;
  std::size_t parabolas = 0;  // of the envelope, from left to right; parabola i is the lowest from from[i] on
  for (std::size_t q = 0; q < f.size(); ++q) {
    if (f[q] == infinity) { continue; }
    const auto x = static_cast<double>(q);
    double meets = -infinity;  // where the new parabola gets below the last one
    while (parabolas > 0) {
      const auto v = static_cast<double>(vertex[parabolas - 1]);
      meets = (f[q] - f[vertex[parabolas - 1]] + square * (x * x - v * v)) / (2 * square * (x - v));
      if (meets > from[parabolas - 1]) { break; }
      --parabolas;
      meets = -infinity;
    }
    vertex[parabolas] = q;
    from[parabolas++] = meets;
  }
  if (parabolas == 0) {
    for (double& value : d) { value = infinity; }
    return;
  }
  std::size_t i = 0;
  for (std::size_t q = 0; q < f.size(); ++q) {
    while (i + 1 < parabolas && from[i + 1] <= static_cast<double>(q)) { ++i; }
    const double steps = static_cast<double>(q) - static_cast<double>(vertex[i]);
    d[q] = steps * steps * square + f[vertex[i]];
  }
}

}  // namespace detail

/// The squared Euclidean distance from the centre of each pixel to the centre of the nearest site, exact; infinite
/// where there is no site.
///
/// `sites` [H,W], a site where not 0. Rows are `row_step` apart and columns `column_step`, both above 0; the result has
/// the square of their unit. O(HW).
/// Source: Felzenszwalb & Huttenlocher, "Distance transforms of sampled functions", Theory of Computing 8, 2012.
inline std::vector<double> squared_distances(std::span<const std::uint8_t> sites, int height, int width,
                                             double row_step = 1, double column_step = 1) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto rows = static_cast<std::size_t>(height);
  const auto columns = static_cast<std::size_t>(width);
  std::vector<double> steps(rows * columns);  // to the nearest site of the column: downwards, then upwards
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double above = i < columns ? infinity : steps[i - columns] + 1;
    steps[i] = sites[i] ? 0 : above;
  }
  for (std::size_t i = steps.size(); i-- > 0;) {
    if (i + columns < steps.size() && steps[i + columns] + 1 < steps[i]) { steps[i] = steps[i + columns] + 1; }
  }
  std::vector<double> row(columns);
  std::vector<std::size_t> vertex(columns);
  std::vector<double> from(columns);
  for (std::size_t y = 0; y < rows; ++y) {
    const std::span<double> result{steps.data() + y * columns, columns};
    for (std::size_t x = 0; x < columns; ++x) { row[x] = result[x] * result[x] * row_step * row_step; }
    detail::lower_envelope(row, column_step, result, vertex, from);
  }
  return steps;
}

}  // namespace segx
