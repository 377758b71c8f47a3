#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace segx {

/// How other libraries name and lay out the weights of an encoder whose arrays segx names as torchvision does.
enum class weight_scheme {
  torchvision,  ///< the same names and extents
  timm,         ///< other names, the same extents
  keras,        ///< other names, kernels [R,S,C,K], depthwise [R,S,C,1]
  folded        ///< kernels as Keras', in the order of execution; batch normalisations moved into them
};

/// A module's name in segx and in the file; arrays are "<module>.weight" and so on.
using module_renames = std::vector<std::pair<std::string, std::string>>;

/// What the modules of an encoder ("efficientnet_b3", "mobilenet_v2", "resnet18", …) are called in files of a scheme;
/// empty for the same names. Nothing where segx knows no files of that scheme for that encoder.
std::optional<module_renames> encoder_names(std::string_view encoder, weight_scheme scheme);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/encoder_names.hpp>
#endif
