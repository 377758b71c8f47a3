// What is read from masks.
#include <segx/predict/impl/labels.hpp>
