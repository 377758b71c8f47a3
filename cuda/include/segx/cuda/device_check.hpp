#pragma once

#include <array>
#include <string>

#include <segx/core/joined.hpp>
#include <segx/cuda/driver.hpp>

namespace segx::gpu {

/// Compute capabilities that the kernels are compiled for: 8.x, which newer GPUs also take (as PTX, which the driver
/// compiles), and 9.0 (H100, H200) with all that it has.
inline constexpr int least_major = 8;

inline std::string cuda_version_text(int version) { return joined({version / 1000, ".", version % 1000 / 10}); }

inline std::string old_driver(const device_facts& of) {
  return joined({"the NVIDIA driver is too old: it knows CUDA ", cuda_version_text(of.driver), ", this program needs ",
                 cuda_version_text(of.runtime), "; update the driver, or compute on the CPU (--device cpu)"});
}

inline std::string no_kernels(const device_facts& of) {
  return joined({"this program has no kernels for the GPU \"", of.name, "\", which has compute capability ", of.major,
                 ".", of.minor, ": compile it with -DSEGX_CUDA_ARCHITECTURES=", of.major, of.minor,
                 ", or compute on the CPU (--device cpu)"});
}

/// Why a GPU cannot run segx, in one sentence; empty if it can.
inline std::string refusal(const device_facts& of) {
  // Within a major version, older drivers run newer programs.
  if (of.driver < of.runtime / 1000 * 1000) { return old_driver(of); }
  if (of.major < least_major) {
    return joined({"the GPU \"", of.name, "\" has compute capability ", of.major, ".", of.minor,
                   ", segx needs 8.0 or above (A100, H100 and newer); compute on the CPU (--device cpu)"});
  }
  return "";
}

}  // namespace segx::gpu
