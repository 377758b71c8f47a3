#pragma once

#include <string_view>

#include <segx/losses/any_loss.hpp>

namespace segx {

/// The loss that a text such as "bce+0.5*jaccard", "focal(gamma=2,alpha=0.25)" or "border_weight(w0=5)*bce + dice"
/// describes, as `text()` of a loss writes it. Throws `error` with the known names for anything else.
any_loss parse_loss(std::string_view text);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/losses/impl/parse.hpp>
#endif
