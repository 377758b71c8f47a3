#pragma once

#include "devices.hpp"
