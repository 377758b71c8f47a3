// Augmentations.
#include <segx/data/augment/impl/geometric.hpp>
#include <segx/data/augment/impl/intensity.hpp>
#include <segx/data/augment/impl/lazy_warp.hpp>
#include <segx/data/augment/impl/parse.hpp>
