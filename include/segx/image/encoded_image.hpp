#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/joined.hpp>

// What is looked for in the bytes of an image file, as OpenCV passes over it in silence: pixels that are missing, and
// kinds of files that it does not read as they are meant.

namespace segx::detail {

inline bool is_png(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return bytes.size() >= signature.size() && std::memcmp(bytes.data(), signature.data(), signature.size()) == 0;
}

/// Where the first chunk of a type (length, type, data, checksum) begins in a PNG; 0 where there is none.
inline std::size_t png_chunk(std::span<const std::uint8_t> png, const char (&type)[5]) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    if (std::memcmp(&png[at + 4], type, 4) == 0) { return at; }
    at += 12 + (std::size_t{png[at]} << 24 | std::size_t{png[at + 1]} << 16 | std::size_t{png[at + 2]} << 8 |
                std::size_t{png[at + 3]});
  }
  return 0;
}

/// Whether a PNG lacks its last chunk, as an interrupted copy does.
inline bool png_ends_early(std::span<const std::uint8_t> bytes) {
  return is_png(bytes) && png_chunk(bytes, "IEND") == 0;
}

inline bool is_jpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/// Where a JPEG has its end marker, after the start of its pixels; 0 where it has none.
inline std::size_t jpeg_end(std::span<const std::uint8_t> jpeg) {
  constexpr std::uint8_t marker = 0xff, start_of_scan = 0xda, end_of_image = 0xd9;
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && jpeg[at] == marker && jpeg[at + 1] != start_of_scan) {
    at += jpeg[at + 1] == marker ? 1 : 2 + (std::size_t{jpeg[at + 2]} << 8 | jpeg[at + 3]);
  }
  for (; at + 2 <= jpeg.size(); ++at) {
    if (jpeg[at] == marker && jpeg[at + 1] == end_of_image) { return at; }
  }
  return 0;
}

/// Whether a JPEG lacks its end marker. OpenCV would fill the missing rows in silence.
inline bool jpeg_ends_early(std::span<const std::uint8_t> bytes) { return is_jpeg(bytes) && jpeg_end(bytes) == 0; }

inline constexpr int decoding = cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR;  // without alpha, upright by EXIF data

/// Whether the pixels of a JPEG break off before its end marker, as some programs repair a file that was cut. All
/// blocks after that are decoded as gray 128, the last one, too, which is a corner wherever the picture was turned to;
/// and more bytes before the marker would change them, whereas they are passed over where nothing is missing. What a
/// progressive JPEG lacks of its later scans is not noticed: it is less sharp.
inline bool jpeg_breaks_off(const std::vector<std::uint8_t>& bytes, const cv::Mat& pixels) {
  if (!is_jpeg(bytes) || pixels.depth() != CV_8U) { return false; }
  const cv::Size block{(pixels.cols - 1) % 8 + 1, (pixels.rows - 1) % 8 + 1};
  const cv::Mat gray(block, pixels.type(), cv::Scalar::all(128));
  bool has_gray_corner = false;
  for (const int left : {0, pixels.cols - block.width}) {
    for (const int top : {0, pixels.rows - block.height}) {
      const cv::Mat corner = pixels({{left, top}, block});
      has_gray_corner = has_gray_corner || cv::norm(corner, gray, cv::NORM_INF) == 0;
    }
  }
  if (!has_gray_corner) { return false; }

  constexpr std::uint8_t marker = 0xff, restart = 0xd0;
  std::vector<std::uint8_t> longer = bytes;
  longer.resize(jpeg_end(bytes));
  for (int i = 0; i < 64; ++i) {
    longer.push_back(static_cast<std::uint8_t>(i * 37 % 251));
    if (i % 8 == 7) { longer.insert(longer.end(), {marker, static_cast<std::uint8_t>(restart + i / 8)}); }
  }
  longer.insert(longer.end(), bytes.begin() + static_cast<std::ptrdiff_t>(jpeg_end(bytes)), bytes.end());
  const cv::Mat other = cv::imdecode(longer, decoding);
  return other.empty() || cv::norm(pixels, other, cv::NORM_INF) != 0;
}

/// Whether these are the bytes of a DICOM file, which some builds of OpenCV decode, but not as it is meant to be seen.
inline bool is_dicom(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t preamble = 128;
  return bytes.size() >= preamble + 4 && std::memcmp(bytes.data() + preamble, "DICM", 4) == 0;
}

/// What a directory of a TIFF file says of its picture, and where the next one stands; 0: there is none.
/// Source: TIFF, revision 6.0, Adobe 1992.
struct tiff_directory {
  std::uint32_t next = 0;
  int bits = 1;             // of a sample
  int photometric = 1;      // 0: the value 0 is white
  bool is_preview = false;  // a smaller version of another picture
};

/// The bytes of a TIFF file; another file's are none.
class tiff_bytes {
 public:
  explicit tiff_bytes(std::span<const std::uint8_t> bytes) : bytes_{bytes} {
    const bool has_head = bytes.size() >= 8 && bytes[0] == bytes[1] && (bytes[0] == 'I' || bytes[0] == 'M');
    is_little_ = has_head && bytes[0] == 'I';
    is_tiff_ = has_head && number(2, 2) == 42;
  }

  explicit operator bool() const { return is_tiff_; }
  std::uint32_t first() const { return number(4, 4); }

  tiff_directory directory(std::uint32_t at) const {
    constexpr std::uint32_t entry_size = 12, value = 8, kind = 254, bits = 258, photometric = 262;
    tiff_directory found;
    const std::uint32_t end = at + 2 + entry_size * number(at, 2);
    for (std::uint32_t entry = at + 2; entry < end && entry < bytes_.size(); entry += entry_size) {
      switch (number(entry, 2)) {
        case kind:
          found.is_preview = number(entry + value, 4) % 2 == 1;
          break;
        case bits:  // one for each channel, elsewhere if they are many
          found.bits = static_cast<int>(number(number(entry + 4, 4) > 2 ? number(entry + value, 4) : entry + value, 2));
          break;
        case photometric:
          found.photometric = static_cast<int>(number(entry + value, 2));
          break;
      }
    }
    found.next = number(end, 4);
    return found;
  }

 private:
  /// Of so many bytes; 0 where the file has ended.
  std::uint32_t number(std::uint32_t at, std::uint32_t size) const {
    std::uint32_t result = 0;
    for (std::uint32_t i = 0; i < size && std::size_t{at} + size <= bytes_.size(); ++i) {
      result = result << 8 | bytes_[is_little_ ? at + size - 1 - i : at + i];
    }
    return result;
  }

  std::span<const std::uint8_t> bytes_;
  bool is_little_ = false, is_tiff_ = false;
};

/// Why a TIFF file would not be read as it is meant; "" where it would, or where these are no such file's bytes.
inline std::string fault_of_tiff(std::span<const std::uint8_t> bytes) {
  const tiff_bytes file{bytes};
  if (!file) { return ""; }
  const tiff_directory picture = file.directory(file.first());
  if (picture.photometric == 0 && picture.bits > 8) {
    return "is a TIFF file whose value 0 is white, which OpenCV reads as a negative where a pixel has more than 8 "
           "bits; save it with black as 0, or as PNG";
  }
  constexpr int most = 1000;  // a file may lead in a circle
  std::uint32_t next = picture.next;
  for (int i = 0; i < most && next != 0; ++i) {
    const tiff_directory other = file.directory(next);
    if (!other.is_preview) { return "holds several pictures, of which one alone would be read; split it into files"; }
    next = other.next;
  }
  return "";
}

/// Why a PGM or PPM file would not be read as it is meant; "" where it would, or where these are no such file's bytes.
inline std::string fault_of_netpbm(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 3 || bytes[0] != 'P' ||
      std::string_view{"2356"}.find(static_cast<char>(bytes[1])) == std::string_view::npos) {
    return "";
  }
  const auto is_digit = [&](std::size_t at) { return at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; };
  std::size_t at = 2;
  int white = 0;
  for (int number = 0; number < 3; ++number) {  // width, height, white; comments and blanks stand between them
    for (bool in_comment = false; at < bytes.size() && (in_comment || !is_digit(at)); ++at) {
      in_comment = bytes[at] == '#' || (in_comment && bytes[at] != '\n');
    }
    for (white = 0; is_digit(at) && white < 1'000'000; ++at) { white = 10 * white + (bytes[at] - '0'); }
  }
  if (white == 255 || white == 65535) { return ""; }
  return joined({"is a PGM or PPM file whose white is ", white,
                 ", which OpenCV takes for 255 or 65535; save it with one of these, or as PNG of 8 or 16 bits"});
}

/// Why a JPEG 2000 file would not be read as it is meant; "" where it would, or where these are no such file's bytes.
/// Source: ISO/IEC 15444-1, annex I.
inline std::string fault_of_jpeg_2000(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view signature = "jP  ", header = "ihdr";
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (text.substr(0, 8).find(signature) != 4) { return ""; }
  const std::size_t extents = text.find(header);  // height, width, channels, bits of a sample less one
  if (extents == text.npos || extents + 15 > bytes.size()) { return ""; }
  const int bits = (bytes[extents + header.size() + 10] & 0x7f) + 1;
  if (bits == 8 || bits == 16) { return ""; }
  return joined({"is a JPEG 2000 file of ", bits, " bits, which OpenCV takes for 8 or 16; save it as PNG of 16 bits"});
}

}  // namespace segx::detail
