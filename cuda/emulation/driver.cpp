#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/cuda/driver.hpp>

#include "device.hpp"
#include "run.hpp"

// The host as a GPU. Work that is given to a stream is done when somebody waits for it, as late as CUDA may do it: who
// changes or frees too early what it reads, or looks too early at what it writes, gets something else. A stream that is
// being recorded keeps it instead, as CUDA does.

namespace segx::gpu {

namespace emulation {

namespace {

struct recorded {
  std::vector<work> all;
};

struct emulated_stream {
  std::unique_ptr<recorded> being_recorded;
};

emulated_stream& of(const stream& in) { return *static_cast<emulated_stream*>(in.handle()); }

std::vector<work> given;  // of all streams, in the order in which it came, which meets whatever they wait for

void catch_up() {
  for (const work& piece : std::exchange(given, {})) { piece(); }
}

long launches = 0;
std::int64_t memory_in_use = 0;
std::int64_t memory_at_all = std::int64_t{8} << 30U;
long allocations = 0;
std::map<void*, std::int64_t> blocks;

}  // namespace

void submit(stream& in, work what) {
  if (of(in).being_recorded) {
    of(in).being_recorded->all.push_back(std::move(what));
  } else {
    given.push_back(std::move(what));
  }
}

bool next_runs_backwards() { return ++launches % 2 == 0; }

long launch_count() { return launches; }
long allocation_count() { return allocations; }
std::int64_t bytes_in_use() { return memory_in_use; }
void set_memory(std::int64_t bytes) { memory_at_all = bytes; }

}  // namespace emulation

const device_facts& device() {
  static const device_facts host{
      .name = "emulation on the host", .major = 8, .driver = 13000, .runtime = 13000, .memory = std::int64_t{8} << 30U};
  return host;
}
std::string why_no_device() { return ""; }
std::int64_t free_memory() { return emulation::memory_at_all - emulation::memory_in_use; }

void* allocate(std::int64_t bytes) {
  const std::int64_t whole = aligned_bytes(bytes);
  void* memory = std::aligned_alloc(256, static_cast<std::size_t>(whole > 0 ? whole : 256));
  if (memory == nullptr) { fail("the emulated GPU is out of memory"); }
  std::memset(memory, 0, static_cast<std::size_t>(whole));
  emulation::memory_in_use += whole;
  ++emulation::allocations;
  emulation::blocks[memory] = whole;
  return memory;
}
void release(void* memory) {
  if (memory == nullptr) { return; }
  emulation::catch_up();  // as CUDA waits before it frees
  emulation::memory_in_use -= emulation::blocks.at(memory);
  emulation::blocks.erase(memory);
  std::free(memory);
}
void* allocate_pinned(std::int64_t bytes) { return allocate(bytes); }
void release_pinned(void* memory) { release(memory); }
void* allocate_shared(std::int64_t bytes) { return allocate(bytes); }

stream::stream() : handle_{new emulation::emulated_stream} {}
stream::~stream() {
  emulation::catch_up();
  delete static_cast<emulation::emulated_stream*>(handle_);
}

void stream::copy_to_device(void* to, const void* from, std::int64_t bytes) {
  emulation::submit(*this, [=] { std::memcpy(to, from, static_cast<std::size_t>(bytes)); });
}
void stream::copy_to_host(void* to, const void* from, std::int64_t bytes) { copy_to_device(to, from, bytes); }
void stream::copy_on_device(void* to, const void* from, std::int64_t bytes) { copy_to_device(to, from, bytes); }
void stream::clear(void* memory, std::int64_t bytes) {
  emulation::submit(*this, [=] { std::memset(memory, 0, static_cast<std::size_t>(bytes)); });
}
void stream::wait() { emulation::catch_up(); }

namespace {
using clock = std::chrono::steady_clock;
}

event::event() : handle_{new clock::time_point} {}
event::~event() {
  emulation::catch_up();
  delete static_cast<clock::time_point*>(handle_);
}
void event::record(stream& in) {
  emulation::submit(in, [at = static_cast<clock::time_point*>(handle_)] { *at = clock::now(); });
}
void event::let_wait(stream&) const {}
double event::wait() const {
  emulation::catch_up();
  return 0;
}
double event::seconds_between(const event& first, const event& second) {
  return std::chrono::duration<double>(*static_cast<clock::time_point*>(second.handle_) -
                                       *static_cast<clock::time_point*>(first.handle_))
      .count();
}

recording::~recording() { delete static_cast<emulation::recorded*>(handle_); }
recording& recording::operator=(recording&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}
void recording::begin(stream& in) { emulation::of(in).being_recorded = std::make_unique<emulation::recorded>(); }
recording recording::end(stream& in) {
  recording made;
  made.handle_ = emulation::of(in).being_recorded.release();
  return made;
}
void recording::abandon(stream& in) { emulation::of(in).being_recorded.reset(); }
void recording::play(stream& in) const {
  for (const emulation::work& piece : static_cast<const emulation::recorded*>(handle_)->all) {
    emulation::submit(in, piece);
  }
}

}  // namespace segx::gpu
