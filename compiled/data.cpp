// Data folders, loaders, phantoms.
#include <segx/data/impl/dataset.hpp>
#include <segx/data/impl/loader.hpp>
#include <segx/data/impl/phantom.hpp>
#include <segx/data/impl/phantom_anatomy.hpp>
#include <segx/data/impl/phantom_canvas.hpp>
#include <segx/data/impl/split.hpp>
#include <segx/data/impl/survey.hpp>
