#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <span>
#include <system_error>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/encoded_image.hpp>
#include <segx/image/read_image.hpp>

namespace segx {

namespace detail {

SEGX_IMPL_COLD std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) { fail({file.string(), ": no such file"}); }
  if (!std::filesystem::is_regular_file(status)) { fail({file.string(), ": is not a file, expected an image"}); }
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) { fail({file.string(), ": cannot be opened (", std::strerror(errno), ")"}); }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(stream.tellg()));
  if (bytes.empty()) { fail({file.string(), ": the file is empty"}); }
  stream.seekg(0);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
    fail({file.string(), ": cannot be read"});
  }
  return bytes;
}

SEGX_IMPL_COLD cv::Mat decode(const std::vector<std::uint8_t>& bytes, const std::filesystem::path& file) {
  if (png_ends_early(bytes) || jpeg_ends_early(bytes)) {
    fail({file.string(), ": the file ends early, so pixels are missing; copy it again"});
  }
  if (is_dicom(bytes)) {
    fail({file.string(), ": is a DICOM file; make a 16-bit PNG of it first (dcmj2pnm +on2 +Wm, of DCMTK)"});
  }
  for (const auto fault_of : {fault_of_tiff, fault_of_netpbm, fault_of_jpeg_2000}) {
    if (const std::string fault = fault_of(bytes); !fault.empty()) { fail({file.string(), ": ", fault}); }
  }
  cv::Mat pixels;
  try {
    pixels = cv::imdecode(bytes, decoding);
  } catch (const cv::Exception& refusal) {  // its text speaks of OpenCV's sources
    if (refusal.err.find("CV_IO_MAX_IMAGE") != std::string::npos) {
      fail({file.string(),
            ": has more pixels than OpenCV decodes, 2^30 of them and 2^20 in a row or column; make the "
            "image smaller, or set OPENCV_IO_MAX_IMAGE_PIXELS"});
    }
    if (refusal.code == cv::Error::StsNoMem) { fail({file.string(), ": its pixels do not fit into memory"}); }
  }
  if (pixels.empty()) { fail({file.string(), ": is broken or not an image that OpenCV reads (PNG, JPEG, …)"}); }
  const int channels = pixels.channels();
  if ((pixels.depth() != CV_8U && pixels.depth() != CV_16U) || (channels != 1 && channels != 3)) {
    fail({file.string(), ": has pixels of type ", cv::typeToString(pixels.type()),
          ", expected 8 or 16 bits without sign, gray or colour"});
  }
  if (jpeg_breaks_off(bytes, pixels)) {
    fail({file.string(), ": its pixels break off before its end marker, so the rest would be gray; copy it again"});
  }
  return pixels;
}

SEGX_IMPL_COLD cv::Mat with_channels(cv::Mat stored, int channels) {
  const int found = stored.channels();
  if (channels == 1 && found == 3) { cv::cvtColor(stored, stored, cv::COLOR_BGR2GRAY); }
  if (channels == 3) { cv::cvtColor(stored, stored, found == 1 ? cv::COLOR_GRAY2RGB : cv::COLOR_BGR2RGB); }
  return stored;
}

}  // namespace detail

SEGX_IMPL_COLD cv::Mat read_pixels(const std::filesystem::path& file, int channels) {
  return detail::with_channels(detail::decode_file(file), channels);
}

SEGX_IMPL_COLD cv::Mat to_unit(const cv::Mat& pixels) {
  const float white = pixels.depth() == CV_8U ? 255.0F : 65535.0F;
  cv::Mat image;
  pixels.convertTo(image, CV_32F);
  for (float& value : std::span(image.ptr<float>(), image.total() * image.channels())) {
    value /= white;  // exact, unlike a factor 1 / white
  }
  return image;
}

namespace detail {

SEGX_IMPL std::vector<int> distinct_values(const cv::Mat& image) {
  std::vector<bool> seen(65536);
  for (int i = 0; i < image.rows; ++i) {
    for (int j = 0; j < image.cols; ++j) {
      seen[image.depth() == CV_8U ? image.at<std::uint8_t>(i, j) : image.at<std::uint16_t>(i, j)] = true;
    }
  }
  std::vector<int> values;
  for (int value = 0; value < 65536; ++value) {
    if (seen[value]) { values.push_back(value); }
  }
  return values;
}

SEGX_IMPL_COLD std::string first_few(const std::vector<int>& values) {
  constexpr std::size_t few = 6;
  std::string text;
  for (std::size_t k = 0; k < values.size() && k < few; ++k) { text += joined({k ? ", " : "", values[k]}); }
  return values.size() <= few ? text : joined({text, ", … (", values.size(), " values)"});
}

SEGX_IMPL_COLD cv::Mat only_channel(const cv::Mat& stored, const std::filesystem::path& file) {
  if (stored.channels() == 1) { return stored; }
  std::vector<cv::Mat> channels;
  cv::split(stored, channels);
  if (cv::norm(channels[0], channels[1], cv::NORM_INF) != 0 || cv::norm(channels[0], channels[2], cv::NORM_INF) != 0) {
    fail({file.string(), ": is a colour picture, but a mask must be gray"});
  }
  return channels[0];
}

}  // namespace detail

SEGX_IMPL_COLD cv::Mat read_mask(const std::filesystem::path& file, std::optional<int> threshold) {
  if (threshold && (*threshold < 1 || *threshold > 65535)) {
    fail({"a mask's threshold must lie between 1 and 65535, not ", *threshold});
  }
  const cv::Mat stored = detail::only_channel(detail::decode_file(file), file);
  if (threshold) {
    double largest = 0;
    cv::minMaxLoc(stored, nullptr, &largest);
    if (stored.depth() == CV_8U && *threshold > 255) {
      fail({file.string(), ": has 8 bits, so nothing in it can reach the threshold ", *threshold,
            "; give one between 1 and 255"});
    }
    if (largest == 1 && *threshold > 1) {
      fail({file.string(), ": holds 0 and 1 only, which are below the threshold ", *threshold,
            ", so the mask would be empty; give the threshold 1 for such masks"});
    }
  } else {
    const std::vector<int> values = detail::distinct_values(stored);
    const int largest = values.back();
    const bool binary = values.size() == 1 || (values.size() == 2 && values.front() == 0);
    if (!binary || !(largest == 0 || largest == 1 || largest == 255 || largest == 65535)) {
      fail({file.string(), ": holds the values ", detail::first_few(values),
            ", but a mask must be 0 and 1, or 0 and 255; give a threshold to accept others",
            largest < 32
                ? "; or is it a map of classes? Then name them and say that they are exclusive (--classes, --labels)"
                : ""});
    }
  }
  cv::Mat mask;
  cv::compare(stored, threshold.value_or(1), mask, cv::CMP_GE);  // 0 or 255
  return mask & 1;
}

}  // namespace segx
