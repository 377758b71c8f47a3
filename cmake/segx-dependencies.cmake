# What segx stands on, found in one place by the build and by the installed package.
# Needed: xtensor, Highway, threads. Optional: OpenCV (segx::imaging).
include_guard(DIRECTORY)  # as imported targets, which it makes, belong to a directory

find_package(Threads REQUIRED)
find_package(xtensor REQUIRED)

# Highway is used header-only; its own package file would demand the compiled library.
find_path(SEGX_HIGHWAY_INCLUDE hwy/highway.h REQUIRED)
add_library(segx::highway INTERFACE IMPORTED)
target_include_directories(segx::highway INTERFACE ${SEGX_HIGHWAY_INCLUDE})

# Debian's component packages (libopencv-core-dev …) carry no OpenCVConfig.cmake; the full package (500 MB) does.
find_package(OpenCV QUIET COMPONENTS core imgproc imgcodecs)
if(NOT OpenCV_FOUND)
  find_path(SEGX_OPENCV_INCLUDE opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
  find_library(SEGX_OPENCV_CORE opencv_core)
  find_library(SEGX_OPENCV_IMGPROC opencv_imgproc)
  find_library(SEGX_OPENCV_IMGCODECS opencv_imgcodecs)
  if(SEGX_OPENCV_INCLUDE AND SEGX_OPENCV_CORE AND SEGX_OPENCV_IMGPROC AND SEGX_OPENCV_IMGCODECS)
    set(OpenCV_INCLUDE_DIRS ${SEGX_OPENCV_INCLUDE})
    set(OpenCV_LIBS ${SEGX_OPENCV_IMGCODECS} ${SEGX_OPENCV_IMGPROC} ${SEGX_OPENCV_CORE})
  endif()
endif()
if(OpenCV_LIBS)
  add_library(segx::opencv INTERFACE IMPORTED)
  target_include_directories(segx::opencv INTERFACE ${OpenCV_INCLUDE_DIRS})
  target_link_libraries(segx::opencv INTERFACE ${OpenCV_LIBS})
endif()
