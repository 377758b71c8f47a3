#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <system_error>
#include <thread>
#include <vector>

#include <segx/kernels/cpu/thread_pool.hpp>

using segx::thread_pool;

TEST_CASE("a pool calls every index once, with a thread of its own", "[kernels]") {
  for (const int threads : {1, 2, 3, 8}) {
    thread_pool pool{threads};
    CHECK(pool.size() == threads);
    for (const int count : {0, 1, 2, 7, 8, 100, 1000}) {
      std::vector<int> calls(static_cast<std::size_t>(count));
      std::vector<std::atomic<int>> inside(static_cast<std::size_t>(threads));
      std::atomic<bool> alone = true;
      std::atomic<bool> known = true;
      pool.run(count, [&](int index, int thread) {
        if (thread < 0 || thread >= threads) { return known.store(false); }
        if (inside[static_cast<std::size_t>(thread)]++ != 0) { alone = false; }
        ++calls[static_cast<std::size_t>(index)];
        --inside[static_cast<std::size_t>(thread)];
      });
      CHECK(known);
      CHECK(alone);
      CHECK(calls == std::vector<int>(static_cast<std::size_t>(count), 1));
    }
  }
}

TEST_CASE("a pool finishes many small loops, one after the other", "[kernels]") {
  thread_pool pool{3};
  std::vector<long> sums(4);
  for (int round = 0; round < 5000; ++round) {
    pool.run(
        4, [&](int index, int) { sums[static_cast<std::size_t>(index)] += round; });  // one index, one thread at a time
  }
  CHECK(sums == std::vector<long>(4, 4999L * 5000 / 2));
}

TEST_CASE("what a loop wrote is seen by the next one, whichever thread runs it", "[kernels]") {
  thread_pool pool{4};
  std::vector<int> values(64, 1);
  for (int round = 0; round < 500; ++round) {
    std::vector<int> next(64);
    pool.run(64, [&](int i, int) { next[static_cast<std::size_t>(i)] = values[static_cast<std::size_t>(63 - i)] + 1; });
    values.swap(next);
  }
  CHECK(values == std::vector<int>(64, 501));
}

TEST_CASE("each thread begins with its own part of a loop, the same in every loop", "[kernels]") {
  thread_pool pool{4};
  for (int round = 0; round < 100; ++round) {
    std::vector<int> thread_of(4, -1);
    std::atomic<int> begun = 0;
    pool.run(4, [&](int index, int thread) {
      thread_of[static_cast<std::size_t>(index)] = thread;
      ++begun;
      while (begun < 4) { std::this_thread::yield(); }
    });
    CHECK(thread_of == std::vector<int>{0, 1, 2, 3});
  }
}

TEST_CASE("a thread that is done with its part helps others", "[kernels]") {
  thread_pool pool{2};
  for (const int waiting : {0, 5}) {  // the first of the caller's part, and of the worker's
    std::atomic<int> others = 0;
    pool.run(10, [&](int index, int) {
      if (index != waiting) {
        ++others;
        return;
      }
      while (others < 9) { std::this_thread::yield(); }
    });
    CHECK(others == 9);
  }
}

TEST_CASE("tasks that run in order pass a turnstile in order, whatever threads there are", "[kernels]") {
  for (const int threads : {1, 2, 3, 8}) {
    thread_pool pool{threads};
    segx::turnstile in_order;
    std::vector<int> passed;
    pool.run_in_order(200, [&](int index, int) { in_order.pass(index, [&] { passed.push_back(index); }); });
    std::vector<int> expected(200);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(passed == expected);
  }
}

TEST_CASE("pools come and go, used and unused, asleep and awake", "[kernels]") {
  for (int round = 0; round < 50; ++round) {
    thread_pool unused{3};
    thread_pool used{2};
    std::atomic<int> sum = 0;
    used.run(10, [&](int i, int) { sum += i; });
    CHECK(sum == 45);
  }
  thread_pool pool{2};
  std::this_thread::sleep_for(std::chrono::milliseconds{50});  // workers sleep
  std::atomic<int> sum = 0;
  pool.run(10, [&](int i, int) { sum += i; });
  CHECK(sum == 45);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a pool that cannot start all its threads throws, and ends those that it started", "[kernels]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit less = before;
  less.rlim_cur = rlim_t{4} << 30;  // threads take 8 MB of addresses each
  REQUIRE(setrlimit(RLIMIT_AS, &less) == 0);
  CHECK_THROWS_AS(segx::thread_pool{4000}, std::system_error);
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
}
#endif

TEST_CASE("zero threads means as many as the machine has", "[kernels]") {
  CHECK(thread_pool{0}.size() == static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}
