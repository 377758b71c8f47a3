#pragma once

#include <cstdint>

/// What tests ask of the emulated GPU.
namespace segx::gpu::emulation {

long launch_count();
long allocation_count();
std::int64_t bytes_in_use();

/// Bytes that it has.
void set_memory(std::int64_t bytes);

}  // namespace segx::gpu::emulation
