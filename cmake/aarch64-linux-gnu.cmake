# Compiles for 64-bit Arm on another machine, and runs what was compiled in QEMU. SEGX_SYSROOT is a folder with Debian's packages
# for arm64: scripts/test_arm64 makes one.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_SYSROOT ${SEGX_SYSROOT})
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SEGX_SYSROOT)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L ${SEGX_SYSROOT})
set(libraries ${SEGX_SYSROOT}/usr/lib/aarch64-linux-gnu)  # of which some lie in folders that only the system's links name
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${libraries}:${libraries}/openblas-pthread")
