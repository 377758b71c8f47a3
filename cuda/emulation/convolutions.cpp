#include <segx/cuda/convolution.hpp>

// In place of cuDNN: the direct kernels.

namespace segx::gpu {

struct convolutions::implementation {};

convolutions::convolutions(stream&, precision, bool) {}
convolutions::~convolutions() = default;
void convolutions::work_in(void*, std::int64_t) {}
int convolutions::without_algorithm() const { return 0; }

void convolutions::forward(const queue& on, const convolution& c, const void* x, const void* w, void* y, bool adds) {
  direct_convolution(on, c.geometry, c.x_at(x), w, c.y_at(y), adds);
}
bool convolutions::forward_relu(const queue&, const convolution&, const void*, const void*, const void*, void*) {
  return false;
}
void convolutions::gradient_of_data(const queue& on, const convolution& c, const void* dy, const void* w, void* dx,
                                    bool adds) {
  direct_gradient_of_data(on, c.geometry, c.y_at(dy), w, c.x_at(dx), adds);
}
void convolutions::gradient_of_weights(const queue& on, const convolution& c, const void* x, const void* dy, void* dw) {
  direct_gradient_of_weights(on, c.geometry, c.x_at(x), c.y_at(dy), dw);
}

}  // namespace segx::gpu
