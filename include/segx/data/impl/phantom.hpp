#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <string>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/data/phantom.hpp>
#include <segx/image/write_image.hpp>

namespace segx {

namespace detail::chest {

inline void refuse_size(int size) {
  if (size < 16 || size > 8192) { fail({"cannot draw a phantom of ", size, " pixels; choose a size from 16 to 8192"}); }
}

/// What the shutters leave: 1 inside the irradiated field.
inline cv::Mat irradiated(const phantom_canvas& canvas, phantom_random random) {
  cv::Mat field = canvas.layer();
  const auto margin = [&] { return random.chance(0.35) ? random.between(0.0, 0.05) : -0.2; };
  const double left = margin(), top = margin(), right = 1 - margin(), bottom = 1 - margin();
  const auto skew = [&] { return random.between(-0.01, 0.01); };
  canvas.fill(field, {{left + skew(), top + skew()},
                      {right + skew(), top + skew()},
                      {right + skew(), bottom + skew()},
                      {left + skew(), bottom + skew()}});
  return field;
}

/// Clears the loose pixels that a costophrenic angle, which ends in a sliver, can leave beyond its tip.
inline void remove_specks(cv::Mat& mask) {
  cv::Mat labels, areas, centres;
  const int parts = cv::connectedComponentsWithStats(mask, labels, areas, centres);
  for (int part = 1; part < parts; ++part) {
    if (areas.at<int>(part, cv::CC_STAT_AREA) < 0.005 * static_cast<double>(mask.total())) {
      mask.setTo(0, labels == part);
    }
  }
}

/// From optical thickness to grey: blur, quantum noise, the equalisation that digital systems do, and the film's
/// S-curve.
inline cv::Mat expose(const phantom_canvas& canvas, cv::Mat thickness, const cv::Mat& field, phantom_random random) {
  canvas.blur(thickness, random.between(0.0008, 0.0025));
  auto noise = random.fork();
  const float grain = static_cast<float>(random.between(0.003, 0.011));
  // Photons that arrive fall as exp(-2.2 thickness); the noise of their logarithm is the inverse root of their number.
  for (auto it = thickness.begin<float>(); it != thickness.end<float>(); ++it) {
    *it += grain * std::exp(1.1f * *it) * noise.normal();
  }

  cv::Mat coarse;
  cv::resize(thickness, coarse, {64, 64}, 0, 0, cv::INTER_AREA);
  cv::GaussianBlur(coarse, coarse, {}, 64 * 0.09, 0, cv::BORDER_REPLICATE);
  cv::resize(coarse, coarse, thickness.size(), 0, 0, cv::INTER_LINEAR);
  const double equalise = random.between(0.0, 0.4);
  thickness -= equalise * (coarse - 0.55);

  const float contrast = static_cast<float>(random.between(4.2, 7.5)),
              middle = static_cast<float>(random.between(0.42, 0.62));
  const float gamma = static_cast<float>(random.between(0.75, 1.3));
  const float black = static_cast<float>(random.between(0.0, 0.06)),
              white = static_cast<float>(random.between(0.85, 1.0));
  const float start = 1 / (1 + std::exp(contrast * middle)), end = 1 / (1 + std::exp(-contrast * (1.25f - middle)));
  cv::Mat image(thickness.size(), CV_16UC1);
  image.forEach<std::uint16_t>([&](std::uint16_t& pixel, const int* at) {
    const float film = 1 / (1 + std::exp(-contrast * (thickness.at<float>(at[0], at[1]) - middle)));
    const float grey = std::pow(std::clamp((film - start) / (end - start), 0.0f, 1.0f), gamma);
    const float shown = std::lerp(black, white, grey) * field.at<float>(at[0], at[1]);
    pixel = static_cast<std::uint16_t>(std::lround(65535 * shown));
  });
  return image;
}

}  // namespace detail::chest

SEGX_IMPL phantom make_phantom(std::uint64_t seed, int size) {
  using namespace detail::chest;
  refuse_size(size);
  phantom_random random{seed};
  auto pose = random.fork();
  const double angle = pose.between(-0.06, 0.06), scale = pose.between(0.86, 1.12);
  const double wide = scale * pose.between(0.95, 1.05), high = scale * pose.between(0.97, 1.03);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double to_x = 0.5 + pose.between(-0.03, 0.03), to_y = 0.5 + pose.between(-0.03, 0.03);
  const phantom_canvas canvas{
      size,
      {wide * cosine, -high * sine, to_x + 0.5 * high * sine, wide * sine, high * cosine, to_y - 0.5 * high * cosine}};
  const phantom_canvas screen{size, {1, 0, 0, 0, 1, 0}};

  const phantom_body body{random.fork()};
  const phantom_lungs lungs{canvas, body, random.fork()};
  const cv::Mat visible = lungs.visible();

  cv::Mat air = canvas.pillow(lungs.whole, 0.11);
  cv::Mat fluid = lungs.effusion.clone();
  canvas.blur(fluid, 0.006);
  air = air.mul(1 - random.between(0.68, 0.85) * canvas.pillow(lungs.silhouette, 0.09));
  air = air.mul(1 - 0.93 * lungs.abdomen).mul(1 - 0.9 * fluid);

  cv::Mat inside_lungs = canvas.layer();  // vessels and illness: they show only where there is air around them
  for (const int side : {-1, 1}) {
    vessels(canvas, inside_lungs, body, side, random.fork());
    opacities(canvas, inside_lungs, body, side, random.fork());
  }
  canvas.blur(inside_lungs, 0.0012);
  cv::Mat texture = canvas.layer();
  for (const int cells : {90, 40, 9}) { texture += canvas.clouds(cells, random.fork()); }
  cv::Mat lung_density = cv::min(inside_lungs + 0.016 * texture, 0.5);

  cv::Mat bone = canvas.layer();
  ribs(canvas, bone, body, random.fork());
  spine(canvas, bone, body, random.fork());
  shoulder_girdle(canvas, bone, body, random.fork());
  canvas.blur(bone, 0.0016);

  cv::Mat gas = canvas.layer();
  other_air(canvas, gas, body, random.fork());

  cv::Mat metal = canvas.layer();
  auto devices = random.fork();
  if (devices.chance(0.15)) { leads(canvas, metal, devices.fork()); }
  if (devices.chance(0.7)) { side_marker(screen, metal, devices.fork()); }

  const cv::Mat tissue = body_wall(canvas, body, random.fork());
  const double aerated = random.between(0.44, 0.66), calcium = random.between(0.75, 1.3);
  cv::Mat thickness = tissue - aerated * air - gas + air.mul(lung_density) + calcium * bone + metal;

  const cv::Mat field = irradiated(screen, random.fork());
  cv::Mat mask = visible.mul(field) >= 0.5;
  remove_specks(mask);
  return {expose(canvas, cv::max(thickness, 0), field, random.fork()), mask};
}

SEGX_IMPL void write_phantoms(const std::filesystem::path& dir, int count, int size, std::uint64_t seed) {
  if (count < 1) { fail({"cannot write ", count, " phantoms; ask for at least 1"}); }
  detail::chest::refuse_size(size);

  const auto images = dir / "images", masks = dir / "masks";
  for (const auto& folder : {images, masks}) { make_folder(folder); }
  random_generator seeds{seed};
  for (int i = 1; i <= count; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "phantom_%04d.png", i);
    const phantom drawn = make_phantom(seeds.bits(), size);
    write_png(images / name, drawn.image);
    write_png(masks / name, drawn.mask);
  }
}

}  // namespace segx
