#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace segx {

/// Values in memory that starts at a cache line; zeros at first. Allocates once, when made.
template <class T>
class buffer {
 public:
  buffer() = default;
  explicit buffer(std::size_t size)
      : values_{static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{alignment}))}, size_{size} {
    std::fill_n(values_.get(), size, T{});
  }

  T* data() const { return values_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {values_.get(), size_}; }

 private:
  static constexpr std::size_t alignment = 64;
  struct release {
    void operator()(T* values) const { ::operator delete (values, std::align_val_t{alignment}); }
  };

  std::unique_ptr<T[], release> values_;
  std::size_t size_ = 0;
};

}  // namespace segx
