#pragma once

#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/image/plane.hpp>

namespace segx {

namespace detail {

inline void require_plane(const char* who, const xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c) {
  if (n >= batch.shape(0) || c >= batch.shape(1)) {
    fail({who, ": there is no plane [", n, ", ", c, "] in a batch of ", batch.shape(0), " images with ", batch.shape(1),
          " channels"});
  }
}

SEGX_IMPL_COLD cv::Mat plane_header(const xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c) {
  const std::size_t pixels = batch.shape(2) * batch.shape(3);
  const float* first = batch.data() + (n * batch.shape(1) + c) * pixels;
  return {static_cast<int>(batch.shape(2)), static_cast<int>(batch.shape(3)), CV_32FC1, const_cast<float*>(first)};
}

}  // namespace detail

SEGX_IMPL_COLD void copy_to_plane(const cv::Mat& image, xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c) {
  detail::require_plane("copy_to_plane", batch, n, c);
  cv::Mat plane = detail::plane_header(batch, n, c);
  if (image.dims != 2 || image.channels() != 1 || image.size() != plane.size()) {
    fail({"copy_to_plane: an image of ", image.cols, " x ", image.rows, " pixels and ", image.channels(),
          " channels does not fit a plane of ", plane.cols, " x ", plane.rows});
  }
  image.convertTo(plane, CV_32F);
}

SEGX_IMPL void copy_to_image(const cv::Mat& image, const normalisation& normalise, xt::xtensor<float, 4>& batch,
                             std::size_t n) {
  detail::require_plane("copy_to_image", batch, n, 0);
  const cv::Mat first = detail::plane_header(batch, n, 0);
  if (image.dims != 2 || image.depth() != CV_32F || image.channels() != static_cast<int>(batch.shape(1)) ||
      image.size() != first.size()) {
    fail({"copy_to_image: an image of ", image.cols, " x ", image.rows, " pixels of type ",
          cv::typeToString(image.type()), " does not fit a batch of ", first.cols, " x ", first.rows,
          " pixels of type ", cv::typeToString(CV_32FC(static_cast<int>(batch.shape(1))))});
  }
  std::vector<cv::Mat> planes;
  for (std::size_t c = 0; c < batch.shape(1); ++c) { planes.push_back(detail::plane_header(batch, n, c)); }
  cv::split(image, planes.data());
  if (normalise == normalisation::unit()) { return; }
  for (std::size_t c = 0; c < planes.size(); ++c) {
    for (float& value : std::span(planes[c].ptr<float>(), planes[c].total())) {
      value = normalise(value, static_cast<int>(c));
    }
  }
}

SEGX_IMPL_COLD cv::Mat copy_of_plane(const xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c) {
  detail::require_plane("copy_of_plane", batch, n, c);
  return detail::plane_header(batch, n, c).clone();
}

}  // namespace segx
