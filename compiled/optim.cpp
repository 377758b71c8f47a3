// Schedules of the learning rate.
#include <segx/optim/impl/schedule.hpp>
