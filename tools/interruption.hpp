#pragma once

#include <atomic>
#include <csignal>

namespace segx::tool {

inline std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

/// From now on Ctrl-C sets `interrupted`, and the program ends when it has saved what it did.
inline void heed_interruptions() {
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
}

}  // namespace segx::tool
