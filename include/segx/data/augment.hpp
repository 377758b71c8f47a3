#pragma once

// Random changes of training images, by type, composed, and from texts. See docs/augmentation.md.

#include <segx/data/augment/augmentation.hpp>
#include <segx/data/augment/compose.hpp>
#include <segx/data/augment/geometric.hpp>
#include <segx/data/augment/intensity.hpp>
#include <segx/data/augment/parse.hpp>
#include <segx/data/augment/ready.hpp>
