// A layer that segx does not have, in a file of one's own: swish with learned slopes, with its gradient checked, inside
// a network that learns.

#include <cmath>
#include <cstdio>
#include <segx/segx.hpp>
#include <segx/testing/gradient_check.hpp>

namespace own {

using namespace segx;

// The loops, for every backend that derives from plain_loops (reference, cpu; not cuda), in whatever way it keeps its
// tensors.

template <class T, layout Memory>
void learned_swish_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const T* beta = f.parameters[0];
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const T value = x(n, c, i, j);
    y(n, c, i, j) = value / (1 + std::exp(-beta[c] * value));
  });
}

template <class T, layout Memory>
void learned_swish_backward(plain_loops<T, Memory>&, const backward_pass<T>& b) {
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const T* beta = b.parameters[0];
  const auto sigmoid = [&](int n, int c, int i, int j) { return 1 / (1 + std::exp(-beta[c] * x(n, c, i, j))); };
  for_each_element(b.x[0], [&](int n, int c, int i, int j) {
    const T s = sigmoid(n, c, i, j);
    b.dparameters[0][c] += dy(n, c, i, j) * x(n, c, i, j) * x(n, c, i, j) * s * (1 - s);  // always added
  });
  if (!b.dx[0]) { return; }  // nobody wants the gradient of an image
  const auto dx = elements<Memory>(b.dx[0]);
  if (!b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
    const T s = sigmoid(n, c, i, j);
    const T value = dy(n, c, i, j) * (s + beta[c] * x(n, c, i, j) * s * (1 - s));
    dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
  });
}

/// y[n,c,i,j] = x / (1 + e^(−β[c]·x)), x = x[n,c,i,j], with learned slopes β.   x, y [N,C,H,W]   β [C]
/// Source: Ramachandran, Zoph & Le, "Searching for activation functions", arXiv:1710.05941. Starts as SiLU.
struct learned_swish {
  static constexpr std::string_view name = "learned_swish";

  static constexpr shape output_shape(shape x) { return x; }
  static constexpr auto parameters(shape x) { return std::array{parameter{"beta", {x.channels}, init::one}}; }

  template <backend B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    learned_swish_forward(on, f);
  }
  template <backend B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    learned_swish_backward(on, b);
  }
};

struct net : network<input<1>, chain<conv3x3<8>, learned_swish, conv3x3<8>, learned_swish, conv1x1<1>, sigmoid>> {};
static_assert(net::at<32, 32>::output == shape{1, 32, 32});

}  // namespace own

int main() {
  using namespace segx;

  // Against finite differences, on inputs of two images, 11 channels (no whole number of blocks), 5×7 pixels.
  reference<double> exact;
  cpu fast;
  const double exact_error = testing::gradient_error<own::learned_swish>(exact, 2, shape{11, 5, 7});
  const double fast_error = testing::gradient_error<own::learned_swish>(fast, 2, shape{11, 5, 7});
  std::printf("gradient error %.1e in double, %.1e on the CPU\n", exact_error, fast_error);

  // Learns to find what is bright.
  auto learned = weights<own::net>::random(1);
  training_session<own::net::at<32, 32>> learner{session_options{.batch = 1}};
  adam optimizer{{.learning_rate = 1e-2}, learned.learnable().size()};
  auto images = xt::xtensor<float, 4>::from_shape({1, 1, 32, 32});
  random_generator draw{1};
  for (float& pixel : images) { pixel = static_cast<float>(draw.uniform()); }
  const xt::xtensor<float, 4> masks = xt::cast<float>(images > 0.5F);
  xt::xtensor<float, 4> logits;
  double first_loss = 0;
  double loss = 0;
  for (int step = 0; step < 30; ++step) {
    learner.forward(learned.values(), images, logits, {});
    auto dlogits = xt::xtensor<float, 4>::from_shape(logits.shape());
    dlogits.fill(0);
    loss = bce(logits, masks, dlogits);
    if (step == 0) { first_loss = loss; }
    learner.clear_gradients();
    learner.backward(learned.values(), dlogits);
    optimizer.step(learned.learnable(), learner.slopes());
    learner.move_statistics(learned.statistics());
  }
  std::printf("loss %.3f, after 30 steps %.3f\n", first_loss, loss);
  return exact_error < 1e-6 && fast_error < 1e-3 && loss < 0.5 * first_loss ? 0 : 1;
}
