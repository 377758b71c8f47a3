// Segmenting in tiles takes no more memory for a higher image, besides the result: this program counts the bytes that
// are allocated, by operator new and by OpenCV.

#include <malloc.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <opencv2/core.hpp>

#include <segx/models/unet.hpp>
#include <segx/predict/segmenter.hpp>

namespace {

std::size_t in_use = 0;
std::size_t most_in_use = 0;

void count(void* memory) {
  in_use += malloc_usable_size(memory);
  most_in_use = std::max(most_in_use, in_use);
}
void discount(void* memory) { in_use -= malloc_usable_size(memory); }

void* counted(std::size_t alignment, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<std::size_t>(size, 1)) != 0) {
    throw std::bad_alloc{};
  }
  count(memory);
  return memory;
}
void release(void* memory) {
  discount(memory);
  std::free(memory);
}

/// OpenCV's own allocator, counted.
class counting_allocator : public cv::MatAllocator {
 public:
  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, std::size_t* step, cv::AccessFlag access,
                         cv::UMatUsageFlags usage) const override {
    cv::UMatData* made = cv::Mat::getStdAllocator()->allocate(dims, sizes, type, data, step, access, usage);
    if (data == nullptr) {
      in_use += made->size;
      most_in_use = std::max(most_in_use, in_use);
    }
    made->currAllocator = this;
    return made;
  }
  bool allocate(cv::UMatData* data, cv::AccessFlag, cv::UMatUsageFlags) const override { return data != nullptr; }
  void deallocate(cv::UMatData* data) const override {
    if (data == nullptr) { return; }
    if ((data->flags & cv::UMatData::USER_ALLOCATED) == 0) { in_use -= data->size; }
    cv::Mat::getStdAllocator()->deallocate(data);
  }
};

}  // namespace

void* operator new(std::size_t size) { return counted(1, size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(static_cast<std::size_t>(alignment), size);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

int main() {
  using namespace segx;
  counting_allocator counting;
  cv::Mat::setDefaultAllocator(&counting);
  cv::setNumThreads(1);
  loaded_weights<unet8> loaded{weights<unet8>::random(1), {}};
  loaded.card.height = loaded.card.width = 64;
  constexpr int width = 200;
  int failures = 0;
  for (const int dropout_passes : {0, 2}) {
    std::size_t peak_of_lowest = 0;
    for (const int height : {64, 512, 2048}) {
      const cv::Mat image(height, width, CV_32FC1, cv::Scalar(0.5));
      const std::size_t before = in_use;
      most_in_use = in_use;
      segmenter<unet8> network{loaded,
                               {.fitting = fit::tile, .passes = {.dropout_passes = dropout_passes}, .threads = 1}};
      const cv::Mat labels = network.labels(image);
      const std::size_t peak = most_in_use - before - labels.total();
      if (height == 64) { peak_of_lowest = peak; }
      const std::size_t stated = network.bytes(image.size());
      constexpr std::size_t slack = 64 << 10;  // what is small: plans, names, lists
      const bool is_bounded = peak <= peak_of_lowest + slack && peak <= stated + slack && stated <= peak + slack;
      failures += is_bounded ? 0 : 1;
      std::printf("%d x %d pixels, %d passes with dropout: %zu bytes at most, %zu stated%s\n", height, width,
                  dropout_passes, peak, stated, is_bounded ? "" : ": WRONG");
    }
  }
  cv::Mat::setDefaultAllocator(nullptr);
  return failures == 0 ? 0 : 1;
}
