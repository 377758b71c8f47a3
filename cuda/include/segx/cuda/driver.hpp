#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// The few things that segx wants of a GPU beside its kernels. There are two of each: the CUDA runtime's, in
/// cuda/src/driver.cpp, and an emulation on the host for tests without a GPU, in cuda/emulation/. Which one a program
/// has, is a matter of the library that it links. What fails throws `error`: what was called, where, and what it means.
namespace segx::gpu {

/// What is known of a GPU before anything is asked of it.
struct device_facts {
  std::string name;
  int major = 0, minor = 0;     // compute capability
  int driver = 0, runtime = 0;  // the CUDA that the driver knows, and that the program was built with: 13000 is 13.0
  std::int64_t memory = 0;      // bytes
};

/// The GPU of this process: the first one that CUDA shows, looked at once. Throws one clear sentence where there is
/// none, where the driver is too old, or where the kernels were not compiled for it.
const device_facts& device();

/// Why there is no GPU to be used; empty if there is one. For tests, which are skipped then.
std::string why_no_device();

/// Bytes that may still be taken.
std::int64_t free_memory();

/// Up to the next multiple of 256, as places of memory of the GPU are.
constexpr std::int64_t aligned_bytes(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

/// Memory of the GPU, all zero; and memory of the host that the GPU reads and writes by itself (pinned).
void* allocate(std::int64_t bytes);
void release(void* memory);
void* allocate_pinned(std::int64_t bytes);
void release_pinned(void* memory);
/// Memory that host and GPU both read and write, for tests: the host only while no work is under way, as not every
/// system lets it do so at any time.
void* allocate_shared(std::int64_t bytes);

/// Work of the GPU in the order in which it was given.
class stream {
 public:
  stream();
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  void* handle() const { return handle_; }

  /// The host goes on at once; host memory must be left alone until `wait`, or an event, says it is done. Where it is
  /// not pinned, the host may wait, or may not.
  void copy_to_device(void* to, const void* from, std::int64_t bytes);
  void copy_to_host(void* to, const void* from, std::int64_t bytes);
  void copy_on_device(void* to, const void* from, std::int64_t bytes);
  void clear(void* memory, std::int64_t bytes);

  /// Waits until all of it is done.
  void wait();

 private:
  void* handle_ = nullptr;
};

/// A place in the work of a stream.
class event {
 public:
  event();
  ~event();
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  void record(stream& in);
  /// Work that is given to `other` from now on waits for what was recorded.
  void let_wait(stream& other) const;
  /// The host waits for it; gives the seconds that it waited.
  double wait() const;
  /// Seconds of the GPU from one event to the next; both must be done.
  static double seconds_between(const event& first, const event& second);

 private:
  void* handle_ = nullptr;
};

/// Work that was recorded once and is given again as a whole (a CUDA graph): its launches cost one launch.
class recording {
 public:
  recording() = default;
  ~recording();
  recording(recording&& other) noexcept : handle_{other.handle_} { other.handle_ = nullptr; }
  recording& operator=(recording&& other) noexcept;

  explicit operator bool() const { return handle_ != nullptr; }

  /// Records what `work()` gives to a stream, which does nothing of it now. If it throws, nothing is recorded.
  template <class Work>
  static recording of(stream& in, Work&& work) {
    begin(in);
    try {
      work();
    } catch (...) {
      abandon(in);
      throw;
    }
    return end(in);
  }
  void play(stream& in) const;

 private:
  static void begin(stream& in);
  static recording end(stream& in);
  static void abandon(stream& in);

  void* handle_ = nullptr;
};

}  // namespace segx::gpu
