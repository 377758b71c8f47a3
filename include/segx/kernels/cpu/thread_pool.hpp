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

/// What is left of a thread's part of a loop: its own thread takes from the front, others from the back.
class alignas(64) loop_part {
 public:
  void reset(int begin, int end) { ends_.store(packed(begin, end), std::memory_order_relaxed); }
  /// The next index, or −1 if none is left.
  int take_first() {
    return take([](int begin, int end) { return packed(begin + 1, end); }, [](int begin, int) { return begin; });
  }
  int take_last() {
    return take([](int begin, int end) { return packed(begin, end - 1); }, [](int, int end) { return end - 1; });
  }

 private:
  static constexpr std::uint64_t packed(int begin, int end) {
    return std::uint64_t{static_cast<std::uint32_t>(end)} << 32 | static_cast<std::uint32_t>(begin);
  }
  int take(auto&& rest, auto&& taken) {
    std::uint64_t ends = ends_.load(std::memory_order_relaxed);
    while (true) {
      const int begin = static_cast<int>(ends & 0xffffffff);
      const int end = static_cast<int>(ends >> 32);
      if (begin == end) { return -1; }
      if (ends_.compare_exchange_weak(ends, rest(begin, end), std::memory_order_relaxed)) { return taken(begin, end); }
    }
  }

  std::atomic<std::uint64_t> ends_{0};
};

}  // namespace detail

/// A fixed team of threads that share loops; the calling thread is one of them. Each begins with its own part of a
/// loop, the same part of every loop: rows of an image stay with the thread, and in the cache of the core, that
/// computed them one layer before. Who is done helps others, so which thread runs which iteration is open: results must
/// not depend on it. `run` allocates nothing.
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
    parts_ = std::make_unique<detail::loop_part[]>(static_cast<std::size_t>(size_));
    ++hirings();
    detail::wake_all(hirings());
#else
    size_ = threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    parts_ = std::make_unique<detail::loop_part[]>(static_cast<std::size_t>(size_));
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
  /// done. It must not throw: other threads would go on with what is gone. The program ends where it does.
  template <class Body>
  void run(int count, Body&& body) {
    run_shared(count, body, false);
  }

  /// The same; tasks begin in the order of their numbers, whichever thread is free taking the next.
  template <class Body>
  void run_in_order(int count, Body&& body) {
    run_shared(count, body, true);
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

  template <class Body>
  void run_shared(int count, Body& body, bool in_order) {
    if (size_ == 1 || count <= 1) {
      for (int i = 0; i < count; ++i) { body(i, 0); }
      return;
    }
    call_ = [](void* context, int index, int thread) noexcept { (*static_cast<Body*>(context))(index, thread); };
    context_ = const_cast<void*>(static_cast<const void*>(std::addressof(body)));
    parts_in_use_ = in_order ? 1 : size_;
    for (int p = 0; p < parts_in_use_; ++p) { parts_[p].reset(part_begin(count, p), part_begin(count, p + 1)); }
    busy_.store(size_ - 1, std::memory_order_relaxed);
    start_round();
    share(0);
    for (int turn = 0; busy_.load(std::memory_order_acquire) > 0; ++turn) { detail::wait_a_turn(turn); }
  }

  int part_begin(int count, int part) const { return static_cast<int>(std::int64_t{count} * part / parts_in_use_); }

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
    const int own = parts_in_use_ == 1 ? 0 : thread;
    for (int i = parts_[own].take_first(); i >= 0; i = parts_[own].take_first()) { call_(context_, i, thread); }
    for (int further = 1; further < parts_in_use_; ++further) {
      detail::loop_part& other = parts_[(own + further) % parts_in_use_];
      for (int i = other.take_last(); i >= 0; i = other.take_last()) { call_(context_, i, thread); }
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
  std::unique_ptr<detail::loop_part[]> parts_;
  int parts_in_use_ = 1;
  void (*call_)(void*, int, int) = nullptr;
  void* context_ = nullptr;
  bool stopping_ = false;
  alignas(64) std::atomic<std::uint32_t> round_{0};  // cache lines of their own, as others wait for them
  alignas(64) std::atomic<int> busy_{0};
};

/// Lets the tasks of a loop that runs in order pass one at a time, in the order of their numbers: sums come out the
/// same, whatever threads there are. (The task that is waited for is always running.)
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
