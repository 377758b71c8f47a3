#pragma once

#include <array>
#include <string_view>

#include <segx/core/real.hpp>
#include <segx/layers/pointwise.hpp>

namespace segx {

/// In training an image's values all become 0 with a probability of Percent / 100, and x / (1 − Percent / 100)
/// otherwise; deployed, this layer is gone. At the end of a residual branch it leaves out the whole block for some
/// images. Source: Huang et al., "Deep networks with stochastic depth", ECCV 2016, arXiv:1603.09382.
template <real Percent>
  requires(Percent > 0 && Percent < 100)
struct stochastic_depth : pointwise<epilogue{.dropout = static_cast<float>(Percent / 100), .whole_image = true}> {
  static constexpr std::string_view name = "stochastic_depth";
  static constexpr std::array attributes{attribute{"percent", Percent}};
};

}  // namespace segx
