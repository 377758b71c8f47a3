#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace segx {

/// A fixed team of threads that share loops; the calling thread is one of them. A loop's iterations are handed out one
/// by one, so which thread runs which is open: results must not depend on it. `run` allocates nothing.
class thread_pool {
 public:
  /// `threads` ≥ 1; 0 means as many as the machine has.
  explicit thread_pool(int threads = 1) {
    if (threads <= 0) { threads = static_cast<int>(std::thread::hardware_concurrency()); }
    for (int t = 1; t < threads; ++t) {
      workers_.emplace_back([this, t] { work(t); });
    }
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) { worker.join(); }
  }

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(index, thread) for every index in [0, count), with thread in [0, size()), and returns when all are
  /// done.
  template <class Body>
  void run(int count, Body&& body) {
    if (workers_.empty() || count <= 1) {
      for (int i = 0; i < count; ++i) { body(i, 0); }
      return;
    }
    call_ = [](void* context, int index, int thread) {
      (*static_cast<std::remove_reference_t<Body>*>(context))(index, thread);
    };
    context_ = const_cast<void*>(static_cast<const void*>(std::addressof(body)));
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    {
      const std::lock_guard lock{mutex_};
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    share(0);
    while (busy_.load(std::memory_order_acquire) > 0) { std::this_thread::yield(); }
  }

 private:
  static constexpr int spins_before_sleep = 2000;  // a layer follows the last one within microseconds

  void share(int thread) {
    for (int i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
         i = next_.fetch_add(1, std::memory_order_relaxed)) {
      call_(context_, i, thread);
    }
  }

  void work(int thread) {
    unsigned seen = 0;
    for (;;) {
      for (int spin = 0; spin < spins_before_sleep && generation_.load(std::memory_order_acquire) == seen; ++spin) {
        std::this_thread::yield();
      }
      if (generation_.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
      }
      seen = generation_.load(std::memory_order_acquire);
      if (stopping_) { return; }
      share(thread);
      busy_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned> generation_{0};
  std::atomic<int> next_{0};
  std::atomic<int> busy_{0};
  void (*call_)(void*, int, int) = nullptr;
  void* context_ = nullptr;
  int count_ = 0;
  bool stopping_ = false;
};

/// Lets the tasks of one loop pass one at a time, in the order of their numbers: sums come out the same, whatever
/// threads there are. (Tasks are handed out in that order, so the one that is waited for is always running.)
class turnstile {
 public:
  template <class Body>
  void pass(int number, Body&& body) {
    while (next_.load(std::memory_order_acquire) != number) { std::this_thread::yield(); }
    body();
    next_.store(number + 1, std::memory_order_release);
  }

 private:
  std::atomic<int> next_{0};
};

}  // namespace segx
