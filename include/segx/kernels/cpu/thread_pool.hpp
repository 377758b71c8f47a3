#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace segx {

namespace detail {

#if defined(__wasm_atomics__)
// By JavaScript's Atomics: wait and notify as instructions of WebAssembly lose wake-ups under V8's baseline compiler
// (Node 20).
extern "C" {
__attribute__((import_module("env"), import_name("segx_wait"))) void segx_wait(const void* address,
                                                                               std::uint32_t value);
__attribute__((import_module("env"), import_name("segx_notify"))) void segx_notify(const void* address);
}
#endif

/// Sleeps until the counter is no longer `value`; may wake early.
inline void sleep_while([[maybe_unused]] const std::atomic<std::uint32_t>& counter,
                        [[maybe_unused]] std::uint32_t value) {
#if defined(__wasm_atomics__)
  segx_wait(&counter, value);
#elif !defined(__wasm__)
  counter.wait(value, std::memory_order_acquire);
#endif
}

inline void wake_all([[maybe_unused]] std::atomic<std::uint32_t>& counter) {
#if defined(__wasm_atomics__)
  segx_notify(&counter);
#elif !defined(__wasm__)
  counter.notify_all();
#endif
}

/// The n-th turn of a loop that waits for another thread. The first turns, some ten microseconds, keep the processor:
/// on a busy machine it comes back late. Later ones leave it to others.
inline void wait_a_turn([[maybe_unused]] int n) {
#if !defined(__wasm__)
#if defined(__x86_64__)
  constexpr int turns_that_keep_it = 1000;
  if (n < turns_that_keep_it) { return __builtin_ia32_pause(); }
#endif
  std::this_thread::yield();
#endif
}

}  // namespace detail

/// A fixed team of threads that share loops; the calling thread is one of them. A loop's iterations are handed out one
/// by one, so which thread runs which is open: results must not depend on it. `run` allocates nothing.
///
/// WebAssembly cannot start threads: the page does, before there is a pool. Each of its threads calls `enlist` and then
/// `help`. One pool at a time has them, the first that wants more than one thread; others have one.
class thread_pool {
 public:
  /// `threads` ≥ 1; 0 means as many as the machine has. Throws std::system_error if it gives no more.
  explicit thread_pool(int threads = 1) {
#ifdef __wasm__
    thread_pool* none = nullptr;
    if (threads == 1 || !employer().compare_exchange_strong(none, this)) { return; }
    size_ = helpers() + 1;
    ++hirings();
    detail::wake_all(hirings());
#else
    size_ = threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const dismissal_of_few guard{*this};
    for (int t = 1; t < size_; ++t) {
      workers_.emplace_back([this, t] { work(t); });
    }
#endif
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
#ifdef __wasm__
    stop(size_ - 1);
    while (busy_.load(std::memory_order_acquire) > 0) {}
    thread_pool* self = this;
    employer().compare_exchange_strong(self, nullptr);
#else
    dismiss();
#endif
  }

  int size() const { return size_; }

  /// Calls body(index, thread) for every index in [0, count), with thread in [0, size()), and returns when all are
  /// done.
  template <class Body>
  void run(int count, Body&& body) {
    if (size_ == 1 || count <= 1) {
      for (int i = 0; i < count; ++i) { body(i, 0); }
      return;
    }
    call_ = [](void* context, int index, int thread) {
      (*static_cast<std::remove_reference_t<Body>*>(context))(index, thread);
    };
    context_ = const_cast<void*>(static_cast<const void*>(std::addressof(body)));
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(size_ - 1, std::memory_order_relaxed);
    start_round();
    share(0);
    for (int turn = 0; busy_.load(std::memory_order_acquire) > 0; ++turn) { detail::wait_a_turn(turn); }
  }

#ifdef __wasm__
  /// Counts the calling thread among the helpers; its number.
  static int enlist() { return ++helpers(); }

  /// The rest of a helper's life: works for one pool after the other.
  [[noreturn]] static void help(int number) {
    for (std::uint32_t seen = 0;; ++seen) {
      while (hirings() == seen) { detail::sleep_while(hirings(), seen); }
      employer().load()->work(number);
    }
  }
#endif

 private:
  static constexpr int turns_before_sleep = 3000;  // a layer follows the last one within microseconds

  void start_round() {
    round_.fetch_add(1, std::memory_order_release);
    detail::wake_all(round_);
  }

  void stop(int workers) {
    stopping_ = true;
    busy_.store(workers, std::memory_order_relaxed);
    start_round();
  }

  void share(int thread) {
    for (int i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
         i = next_.fetch_add(1, std::memory_order_relaxed)) {
      call_(context_, i, thread);
    }
  }

  void work(int thread) {
    for (std::uint32_t seen = 0;; ++seen) {  // no round begins before every thread has done the last one
      for (int turn = 0; turn < turns_before_sleep && round_.load(std::memory_order_acquire) == seen; ++turn) {
        detail::wait_a_turn(turn);
      }
      while (round_.load(std::memory_order_acquire) == seen) { detail::sleep_while(round_, seen); }
      const bool ends = stopping_;
      if (!ends) { share(thread); }
      busy_.fetch_sub(1, std::memory_order_acq_rel);
      if (ends) { return; }
    }
  }

#ifdef __wasm__
  static std::atomic<int>& helpers() {
    static constinit std::atomic<int> present{0};
    return present;
  }
  static std::atomic<thread_pool*>& employer() {
    static constinit std::atomic<thread_pool*> pool{nullptr};
    return pool;
  }
  static std::atomic<std::uint32_t>& hirings() {
    static constinit std::atomic<std::uint32_t> pools{0};
    return pools;
  }
#else
  void dismiss() {
    stop(static_cast<int>(workers_.size()));
    for (std::thread& worker : workers_) { worker.join(); }
  }
  /// Ends the threads that were started, where one could not be.
  struct dismissal_of_few {
    thread_pool& pool;
    ~dismissal_of_few() {
      if (static_cast<int>(pool.workers_.size()) + 1 < pool.size_) { pool.dismiss(); }
    }
  };

  std::vector<std::thread> workers_;
#endif
  int size_ = 1;
  std::atomic<std::uint32_t> round_{0};
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
    for (int turn = 0; next_.load(std::memory_order_acquire) != number; ++turn) { detail::wait_a_turn(turn); }
    body();
    next_.store(number + 1, std::memory_order_release);
  }

 private:
  std::atomic<int> next_{0};
};

}  // namespace segx
