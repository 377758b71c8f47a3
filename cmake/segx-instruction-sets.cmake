# Warns of programs whose kernels would be compiled for the oldest processors: optimised targets on x86-64 that link
# segx's headers without segx::native, segx::kernels, segx::compiled or a flag of their own.
include_guard(GLOBAL)

function(segx_warn_of_slow_targets directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(directory_options DIRECTORY ${directory} PROPERTY COMPILE_OPTIONS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(linked ${target} LINK_LIBRARIES)
    get_target_property(options ${target} COMPILE_OPTIONS)
    set(flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE} ${directory_options} ${options}")
    if(type MATCHES "EXECUTABLE|_LIBRARY" AND NOT type STREQUAL INTERFACE_LIBRARY
       AND linked MATCHES "segx::(segx|imaging)" AND NOT linked MATCHES "segx::(native|kernels|compiled)"
       AND NOT flags MATCHES "-m(arch|avx|cpu)")
      message(WARNING "segx: ${target} would run several times slower than it could: its kernels would be compiled for "
                      "the oldest x86-64. Link segx::compiled or segx::kernels (which take the best instruction set at run "
                      "time) or segx::native (-march=native), or set -march. SEGX_WARN_OF_SLOW_TARGETS=OFF silences this.")
    endif()
  endforeach()
  get_property(subdirectories DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS subdirectories)
    segx_warn_of_slow_targets(${subdirectory})
  endforeach()
endfunction()

option(SEGX_WARN_OF_SLOW_TARGETS "Warn of targets whose kernels would be compiled for the oldest processors" ON)
if(SEGX_WARN_OF_SLOW_TARGETS AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$"
   AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
  cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL segx_warn_of_slow_targets ${CMAKE_SOURCE_DIR})
endif()
