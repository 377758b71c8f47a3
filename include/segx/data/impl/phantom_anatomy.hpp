#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include <segx/core/impl.hpp>
#include <segx/data/phantom_anatomy.hpp>

namespace segx::detail::chest {

SEGX_IMPL phantom_body::phantom_body(phantom_random random)
    : half_width(random.between(0.32, 0.385)),
      apex(random.between(0.075, 0.15)),
      base(random.between(0.76, 0.89)),
      right_heart(random.between(0.25, 0.36)),
      left_heart(random.between(0.48, 0.74)),
      fat(random.between(0.03, 0.085)),
      shoulder(apex + random.between(0.03, 0.12)) {
  dome[0] = random.between(0.73, 0.86);
  dome[1] = dome[0] + random.between(-0.005, 0.05);
}

SEGX_IMPL phantom_path phantom_body::along(int side, phantom_path uv) const {
  for (auto& p : uv) { p = at(side, p); }
  return uv;
}

SEGX_IMPL double phantom_body::cage(double v) {
  static constexpr std::array u{0.56, 0.74, 0.84, 0.90, 0.945, 0.975, 0.99, 1.0, 1.0, 0.995, 0.985};  // v = 0, 0.1 … 1
  const double i = std::clamp(v * 10, 0.0, 9.999);
  return std::lerp(u[static_cast<std::size_t>(i)], u[static_cast<std::size_t>(i) + 1], i - std::floor(i));
}

SEGX_IMPL phantom_lungs::phantom_lungs(const phantom_canvas& canvas, const phantom_body& body, phantom_random random)
    : whole(canvas.layer()), silhouette(canvas.layer()), abdomen(canvas.layer()), effusion(canvas.layer()) {
  for (const int side : {-1, 1}) {
    canvas.fill(whole, lung(body, side, random.fork()));
    canvas.fill(abdomen, below_diaphragm(body, side, random.fork()));
    auto pleura = random.fork();
    if (pleura.chance(0.06)) { canvas.fill(effusion, fluid(body, side, pleura)); }
  }
  canvas.fill(silhouette, heart_and_mediastinum(body, random.fork()));
  cv::min(abdomen, 1, abdomen);
}

SEGX_IMPL phantom_path phantom_lungs::lung(const phantom_body& body, int side, phantom_random random) {
  const double top = random.between(-0.02, 0.02), apex = random.between(0.38, 0.46);
  phantom_path uv{{apex, top}, {0.56, 0.022 + top}};
  for (const double v : {0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95}) {
    uv.push_back({body.cage(v) - (v < 0.15 ? 0.03 : 0) + random.between(-0.008, 0.008), v});
  }
  for (const auto p : {phantom_point{0.98, 1.06}, {0.5, 1.1}, {0.1, 1.1}, {0.08, 0.6}, {0.08, 0.3}}) {
    uv.push_back(p);
  }
  uv.push_back({0.18, 0.085 + top});
  uv.push_back({0.28, 0.02 + top});
  return spline(body.along(side, uv), true);
}

SEGX_IMPL phantom_path phantom_lungs::below_diaphragm(const phantom_body& body, int side, phantom_random random) {
  const double dome = body.dome[side > 0], angle = random.between(0.94, 1.02), peak = random.between(0.36, 0.56);
  const double bulge = random.between(1.9, 2.9), middle = random.between(0.03, 0.08);
  phantom_path uv;
  for (int i = 0; i <= 40; ++i) {
    const double u = i / 40.0 * 1.1, away = u > peak ? (u - peak) / (1 - peak) : (peak - u) / peak;
    uv.push_back({u, dome + (u > peak ? (angle - dome) * std::pow(away, bulge) : middle * away * away)});
  }
  uv.push_back({1.1, 2.5});
  uv.push_back({0, 2.5});
  return body.along(side, uv);
}

SEGX_IMPL phantom_path phantom_lungs::fluid(const phantom_body& body, int side, phantom_random& random) {
  const double level = random.between(0.55, 0.85) * body.dome[side > 0] + 0.1;
  phantom_path uv = spline({{0.0, level + 0.05},
                            {0.4, level + 0.035},
                            {0.7, level},
                            {0.88, level - random.between(0.05, 0.09)},
                            {0.97, level - random.between(0.13, 0.2)},
                            {1.1, level - random.between(0.25, 0.35)}},
                           false);
  uv.push_back({1.1, 2.5});
  uv.push_back({0, 2.5});
  return body.along(side, uv);
}

SEGX_IMPL phantom_path phantom_lungs::heart_and_mediastinum(const phantom_body& body, phantom_random random) {
  const double left = body.left_heart, right = body.right_heart;
  const double knob = random.between(0.22, 0.31), knob_v = random.between(0.24, 0.31),
               trunk = random.between(0.22, 0.29);
  const double vena_cava = random.between(0.17, 0.23), sag = random.between(-0.03, 0.03);
  const phantom_path left_border{{0.16, -0.5},
                                 {0.16, 0.02},
                                 {0.18, knob_v - 0.1},
                                 {knob, knob_v},
                                 {std::min(knob, trunk) - 0.035, knob_v + 0.085},
                                 {trunk, knob_v + 0.155},
                                 {std::lerp(trunk, left, 0.45), 0.56 + sag},
                                 {std::lerp(trunk, left, 0.84), 0.68 + sag},
                                 {left, 0.79 + sag},
                                 {left * 0.9, 0.89},
                                 {left * 0.6, 0.97},
                                 {0.0, 1.02}};
  const phantom_path right_border{
      {right * 0.75, 0.92}, {right * 0.97, 0.78 + sag}, {right, 0.70 + sag}, {right * 0.9, 0.56},
      {vena_cava, 0.44},    {vena_cava - 0.01, 0.28},   {0.17, 0.10},        {0.17, -0.5}};
  phantom_path outline = body.along(1, left_border);
  for (const auto& p : body.along(-1, right_border)) { outline.push_back(p); }
  return spline(outline, true);
}

SEGX_IMPL cv::Mat body_wall(const phantom_canvas& canvas, const phantom_body& body, phantom_random random) {
  const double w = body.half_width, wall = w + body.fat;
  const double neck = random.between(0.085, 0.115), top = body.shoulder - 0.1, spread = random.between(0.0, 0.14);
  const double axilla = random.between(0.36, 0.47), waist = random.between(-0.035, 0.03);
  phantom_path outline;
  for (const int side : {1, -1}) {
    const double tilt = random.between(-0.012, 0.012), apart = spread + random.between(-0.02, 0.02);
    phantom_path half{{neck + 0.01, -0.4},
                      {neck, -0.06},
                      {neck + 0.035, std::min(top - 0.03, body.apex - 0.085) + tilt},
                      {w * 0.75, std::min(top + 0.015, body.apex - 0.015) + tilt},
                      {w + 0.10, top + 0.025 + tilt},
                      {w + 0.20, top + 0.09 + tilt},
                      {w + 0.235 + 0.3 * apart, 0.42},
                      {w + 0.25 + apart, 0.75},
                      {w + 0.24 + 1.5 * apart, 1.4},
                      {w + 0.13 + 1.5 * apart, 1.4},
                      {w + 0.10 + apart, 0.78},
                      {wall + 0.035 + 0.5 * apart, axilla + 0.12},
                      {wall + 0.012, axilla},
                      {wall + 0.006, axilla + 0.1},
                      {wall + 0.004, 0.7},
                      {wall + waist, 0.95},
                      {wall + waist, 1.4}};
    if (side < 0) { std::reverse(half.begin(), half.end()); }
    for (const auto& p : half) { outline.push_back({side * p.x, p.y}); }
  }
  cv::Mat cover = canvas.layer();
  canvas.fill(cover, spline(outline, true));
  cv::Mat tissue = 0.5 * canvas.pillow(cover, 0.09) + 0.5 * canvas.pillow(cover, 0.32);
  canvas.blur(tissue, 0.004);
  tissue = tissue.mul(cover);

  // Uneven fat, breasts, pectoral muscles.
  cv::Mat uneven = canvas.clouds(7, random.fork());
  auto breasts = random.fork();
  const bool has_breasts = breasts.chance(0.45);
  const double size = breasts.between(0.10, 0.165), low = breasts.between(0.60, 0.74),
               dense = breasts.between(0.08, 0.22);
  for (const int side : {-1, 1}) {
    if (has_breasts) {
      cv::Mat breast = canvas.layer();
      canvas.ellipsoid(breast, {{side * (w - size * 0.55), low}, size, size * 0.95, 0, dense, 0.8});
      canvas.ellipsoid(breast,
                       {{side * (w - size * 0.5), low - size * 0.55}, size * 0.9, size * 1.1, 0, dense * 0.4, 2});
      canvas.blur(breast, 0.003);
      tissue += breast;
    }
    canvas.ellipsoid(tissue, {{side * w * 0.75, 0.33}, 0.17, 0.12, side * -0.5, random.between(0.02, 0.07), 2.5});
  }
  return tissue + 0.025 * uneven.mul(cover);
}

/// A rib, clavicle or other long bone: a core with two brighter edges where the X-rays graze the compact bone.
inline void long_bone(const phantom_canvas& canvas, cv::Mat& layer, const phantom_path& axis,
                      std::array<double, 2> width, std::array<double, 2> weight) {
  static constexpr double edge = 0.005;
  canvas.stroke(layer, axis, width, {0.55 * weight[0], 0.55 * weight[1]});
  const auto n = axis.size();
  for (const int side : {-1, 1}) {
    phantom_path border(n);
    for (std::size_t i = 0; i < n; ++i) {
      const phantom_point along = axis[std::min(i + 1, n - 1)] - axis[i == 0 ? 0 : i - 1];
      const double t = static_cast<double>(i) / static_cast<double>(n - 1);
      const double out =
          side * 0.5 * (std::lerp(width[0], width[1], t) - edge) / std::max(1e-9, std::hypot(along.x, along.y));
      border[i] = axis[i] + phantom_point{-along.y, along.x} * out;
    }
    canvas.stroke(layer, border, {edge, edge}, {0.45 * weight[0], 0.45 * weight[1]});
  }
}

SEGX_IMPL void ribs(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body, phantom_random random) {
  const double spacing = random.between(0.088, 0.10), thick = random.between(0.019, 0.025),
               steep = random.between(0.8, 1.25);
  for (const int side : {-1, 1}) {
    const double shift = random.between(-0.012, 0.012);
    for (int k = 0; k < 11; ++k) {
      const double start = -0.02 + spacing * k + shift + random.between(-0.006, 0.006);
      const double drop = steep * (0.17 + 0.022 * k);
      const double reach = k == 0 ? 0.50 : body.cage(start + 0.5 * drop) + 0.035;
      const double end = (k == 0 ? 0.86 : random.between(0.70, 0.77)) * std::numbers::pi;
      phantom_path back, front;
      for (int i = 0; i <= 44; ++i) {
        const double angle = std::lerp(0.05 * std::numbers::pi, end, i / 44.0);
        const phantom_point p = body.at(side, {reach * std::sin(angle), start + drop * 0.5 * (1 - std::cos(angle))});
        if (angle < (k < 8 ? 0.54 : 0.44) * std::numbers::pi) { back.push_back(p); }
        if (angle > 0.46 * std::numbers::pi) { front.push_back(p); }
      }
      const double last = k < 8 ? 0.10 : 0.03;
      long_bone(canvas, bone, back, {thick * 0.85, thick}, {0.085, last});
      if (k < 8) { long_bone(canvas, bone, front, {thick, thick * 1.25}, {0.085, 0.05}); }
    }
  }
}

SEGX_IMPL void spine(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body, phantom_random random) {
  const double bend = random.between(-0.012, 0.012), phase = random.between(0, 3), start = random.between(-0.09, -0.03);
  const double width = body.half_width * random.between(0.19, 0.23);
  double y = start;
  for (int k = 0; y < 1.15; ++k) {
    const double height = 0.040 + 0.0022 * k, half = 0.5 * width * (0.92 + 0.018 * k);
    const double x = bend * std::sin(3 * y + phase), gap = 0.09 * height;
    const double next = y + height;
    canvas.fill(bone,
                spline({{x - half, y + gap},
                        {x, y + 1.6 * gap},
                        {x + half, y + gap},
                        {x + 0.88 * half, y + 0.5 * height},
                        {x + half, next - gap},
                        {x, next - 1.6 * gap},
                        {x - half, next - gap},
                        {x - 0.88 * half, y + 0.5 * height}},
                       true, 4),
                0.10);
    for (const double edge : {y + 1.5 * gap, next - 1.5 * gap}) {
      canvas.stroke(bone, {{x - 0.93 * half, edge}, {x + 0.93 * half, edge}}, 0.004, 0.03);
    }
    for (const int side : {-1, 1}) {
      canvas.ellipsoid(bone, {{x + side * 0.62 * half, y + 0.42 * height}, 0.2 * half, 0.24 * height, 0, 0.05, 0.7});
      canvas.stroke(bone, {{x + side * half, y + 0.3 * height}, {x + side * 1.5 * half, y + 0.26 * height}},
                    0.35 * height, 0.04);
    }
    canvas.ellipsoid(bone, {{x, y + 0.85 * height}, 0.16 * half, 0.38 * height, 0, 0.06, 0.7});
    y = next;
  }
}

SEGX_IMPL void shoulder_girdle(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body,
                               phantom_random random) {
  const double w = body.half_width, level = body.apex + random.between(0.07, 0.12);
  const double away = random.between(-0.01, 0.035);  // how far the shoulder blades are turned out of the lungs
  for (const int side : {-1, 1}) {
    const auto mirrored = [&](phantom_path path) {
      for (auto& p : path) { p.x *= side; }
      return path;
    };
    const double joint_x = w + 0.075 + away, joint_y = body.shoulder + random.between(-0.012, 0.012);
    const double lift = level - joint_y + 0.04;
    long_bone(canvas, bone,
              spline(mirrored({{0.035, level + 0.012},
                               {0.08, level - 0.008},
                               {0.16, level - 0.25 * lift},
                               {0.24, level - 0.75 * lift},
                               {0.32, level - lift},
                               {joint_x - 0.01, joint_y - 0.035}}),
                     false),
              {0.034, 0.022}, {0.15, 0.13});
    // Shoulder blade: a thin plate with a stout outer border, its spine, and the socket.
    const double tip_x = w - 0.02 + away, tip_y = joint_y + random.between(0.21, 0.27);
    const phantom_path border =
        spline(mirrored({{joint_x - 0.03, joint_y + 0.03}, {w + 0.01 + away, joint_y + 0.11}, {tip_x, tip_y}}), false);
    canvas.fill(bone,
                spline(mirrored({{joint_x - 0.025, joint_y - 0.03},
                                 {joint_x - 0.03, joint_y + 0.03},
                                 {w + 0.01 + away, joint_y + 0.11},
                                 {tip_x, tip_y},
                                 {tip_x - 0.03, tip_y - 0.02},
                                 {w - 0.085 + away, joint_y + 0.07},
                                 {w - 0.09 + away, joint_y - 0.01},
                                 {w - 0.03 + away, joint_y - 0.03}}),
                       true),
                0.045);
    canvas.stroke(bone, border, {0.018, 0.009}, {0.08, 0.06});
    long_bone(canvas, bone,
              spline(mirrored({{w - 0.085 + away, joint_y + 0.035},
                               {w - 0.01 + away, joint_y - 0.02},
                               {joint_x + 0.035, joint_y - 0.04}}),
                     false),
              {0.010, 0.03}, {0.06, 0.12});
    canvas.ellipsoid(bone, {{side * (joint_x - 0.005), joint_y + 0.005}, 0.014, 0.036, side * 0.2, 0.14, 0.6});
    // Upper arm.
    const double lean = random.between(0.02, 0.09);
    canvas.ellipsoid(bone, {{side * (joint_x + 0.035), joint_y + 0.005}, 0.044, 0.042, 0, 0.22, 0.7});
    long_bone(canvas, bone,
              spline(mirrored({{joint_x + 0.047, joint_y + 0.02},
                               {joint_x + 0.06 + 0.3 * lean, joint_y + 0.12},
                               {joint_x + 0.07 + 4 * lean, joint_y + 1.0}}),
                     false),
              {0.055, 0.042}, {0.16, 0.18});
  }
}

SEGX_IMPL void vessels(const phantom_canvas& canvas, cv::Mat& layer, const phantom_body& body, int side,
                       phantom_random random) {
  struct branch {
    phantom_point from;
    double direction, length, width;  // direction: radians from sideways, up is negative
    int forks;                        // still to come
  };
  const double plenty = random.between(0.6, 1.25);
  const auto grow = [&](const auto& self, branch b) -> void {
    const double turn = random.between(-0.5, 0.5);
    const auto half = [&](double angle) {
      return 0.5 * b.length * phantom_point{side * std::cos(angle), std::sin(angle)};
    };
    const phantom_point middle = b.from + half(b.direction - 0.6 * turn), to = middle + half(b.direction + 0.6 * turn);
    canvas.stroke(layer, spline({b.from, middle, to}, false, 4), {b.width, 0.8 * b.width},
                  {13 * b.width * plenty, 10 * b.width * plenty});
    if (b.forks == 0) { return; }
    for (const double bend : {-1.0, 1.0}) {
      self(self, {to, b.direction + 0.5 * turn + bend * random.between(0.1, 0.6), b.length * random.between(0.6, 1.0),
                  b.width * random.between(0.5, 0.78), b.forks - 1});
    }
  };
  const phantom_point hilum =
      body.at(side, {random.between(0.24, 0.29), random.between(0.40, 0.45) - (side > 0 ? 0.02 : 0)});
  for (int i = 0; i < 9; ++i) {
    const double direction = -1.35 + 0.34 * i + random.between(-0.2, 0.2);
    const double thickest = direction > 0.5 ? 0.013 : 0.0085;  // the lower lobe's are the largest
    const phantom_point root{side * random.between(-0.015, 0.01), 0.045 * direction + random.between(-0.02, 0.02)};
    grow(grow, {hilum + root, direction, random.between(0.05, 0.10), thickest * random.between(0.7, 1.1), 4});
  }
  for (int i = 0; i < 7; ++i) {  // the hilum itself, with vessels seen end-on
    const phantom_point off{side * random.between(-0.025, 0.02), random.between(-0.05, 0.06)};
    const double r = random.between(0.006, 0.017);
    canvas.ellipsoid(layer, {hilum + off, r, 1.4 * r, random.between(0, 3), random.between(0.06, 0.13), 1.2});
  }
}

SEGX_IMPL void opacities(const phantom_canvas& canvas, cv::Mat& layer, const phantom_body& body, int side,
                         phantom_random random) {
  const auto place = [&] { return body.at(side, {random.between(0.3, 0.9), random.between(0.08, 0.8)}); };
  if (random.chance(0.22)) {  // patches: ragged clouds
    cv::Mat patch = canvas.layer();
    for (int i = random.integer(1, 3); i > 0; --i) {
      const phantom_point centre = place();
      for (int j = 0; j < 6; ++j) {
        const phantom_point off{random.between(-0.06, 0.06), random.between(-0.06, 0.06)};
        canvas.ellipsoid(patch, {centre + off, random.between(0.02, 0.08), random.between(0.02, 0.07),
                                 random.between(0, 3), random.between(0.04, 0.14), 3});
      }
    }
    const cv::Mat fine = canvas.clouds(48, random.fork()), coarse = canvas.clouds(20, random.fork());
    const cv::Mat ragged = 1 + 0.5 * (fine + coarse);
    layer += patch.mul(cv::max(ragged, 0.1));
  }
  if (random.chance(0.12)) {  // haze over a whole zone
    canvas.ellipsoid(
        layer, {place(), random.between(0.12, 0.25), random.between(0.12, 0.25), 0, random.between(0.06, 0.25), 2});
  }
  if (random.chance(0.12)) {  // nodules
    for (int i = random.integer(1, 8); i > 0; --i) {
      const double r = random.between(0.006, 0.022);
      canvas.ellipsoid(layer, {place(), r, r * random.between(0.8, 1.2), 0, random.between(0.08, 0.2), 1.3});
    }
  }
  if (random.chance(0.1)) {  // scars
    for (int i = random.integer(2, 6); i > 0; --i) {
      const phantom_point from = place(), reach{random.between(-0.1, 0.1), random.between(-0.08, 0.08)};
      const phantom_point to = from + reach;
      canvas.stroke(layer, spline({from, 0.5 * (from + to) + phantom_point{0.01, 0.01}, to}, false), 0.004, 0.1);
    }
  }
}

SEGX_IMPL void other_air(const phantom_canvas& canvas, cv::Mat& air, const phantom_body& body, phantom_random random) {
  cv::Mat airway = canvas.layer();
  const double shift = random.between(-0.012, 0.008), fork_v = random.between(0.33, 0.39),
               width = random.between(0.036, 0.046);
  const phantom_point carina = body.at(1, {0, fork_v}) + phantom_point{shift, 0};
  const phantom_path trachea = spline({{0, -0.3}, {0.3 * shift, 0.0}, {shift, 0.5 * carina.y}, carina}, false);
  canvas.stroke(airway, trachea, {width, width}, {0.14, 0.10});
  canvas.stroke(airway, trachea, {0.6 * width, 0.6 * width}, {0.08, 0.06});
  for (const int side : {-1, 1}) {
    canvas.stroke(airway,
                  spline({carina, carina + phantom_point{side * 0.035, side < 0 ? 0.045 : 0.035},
                          body.at(side, {0.3, fork_v + 0.13})},
                         false),
                  {0.6 * width, 0.35 * width}, {0.08, 0.02});
  }
  canvas.blur(airway, 0.003);
  air += airway;

  if (random.chance(0.6)) {  // stomach: often a level of fluid cuts the bubble's lower part off
    const double rx = random.between(0.035, 0.085), ry = random.between(0.02, 0.05);
    const phantom_point dome = body.at(1, {random.between(0.3, 0.5), body.dome[1]});
    const phantom_point centre = dome + phantom_point{0, ry + random.between(0.02, 0.05)};
    phantom_path outline = ellipse(centre, rx, ry, random.between(-0.2, 0.2));
    if (random.chance(0.5)) {
      for (auto& p : outline) { p.y = std::min(p.y, centre.y + 0.2 * ry); }
    }
    cv::Mat bubble = canvas.layer();
    canvas.fill(bubble, outline);
    bubble = canvas.pillow(bubble, 0.6 * ry) * random.between(0.15, 0.4);
    canvas.blur(bubble, 0.002);
    air += bubble;
  }
  for (int i = random.integer(0, 5); i > 0; --i) {
    const phantom_point centre = body.at(1, {random.between(-0.3, 0.9), body.dome[1] + random.between(0.2, 0.5)});
    canvas.ellipsoid(air, {centre, random.between(0.01, 0.03), random.between(0.01, 0.02), random.between(0, 3),
                           random.between(0.03, 0.15)});
  }
}

SEGX_IMPL void leads(const phantom_canvas& canvas, cv::Mat& metal, phantom_random random) {
  for (int i = random.integer(2, 4); i > 0; --i) {
    const phantom_point pad{random.between(-0.3, 0.3), random.between(0.2, 0.75)};
    canvas.ellipsoid(metal, {pad, 0.014, 0.014, 0, 0.35, 0.3});
    canvas.fill(metal, ellipse(pad, 0.024, 0.022), 0.07);
    const phantom_point away{random.between(-0.5, 0.5), random.chance(0.5) ? -0.2 : 1.2};
    const phantom_point sag{random.between(-0.12, 0.12), random.between(-0.1, 0.1)};
    canvas.stroke(metal,
                  spline({pad, 0.33 * (away - pad) + pad + sag, 0.66 * (away - pad) + pad - sag, away}, false, 16),
                  0.005, 0.2);
  }
}

SEGX_IMPL void side_marker(const phantom_canvas& canvas, cv::Mat& metal, phantom_random random) {
  const bool left = random.chance(0.5);
  const double height = random.between(0.028, 0.05), x = left ? random.between(0.86, 0.94) : random.between(0.04, 0.12);
  const double y = random.between(0.03, 0.13), tilt = random.between(-0.15, 0.15);
  const auto stroke = [&](phantom_path letter) {
    for (auto& p : letter) { p = phantom_point{x + height * (p.x - tilt * p.y), y + height * (p.y + tilt * p.x)}; }
    canvas.stroke(metal, letter, 0.16 * height, 1);
  };
  stroke({{0, 0}, {0, 1}});
  if (left) {
    stroke({{0, 0.92}, {0.55, 0.92}});
  } else {
    stroke(spline({{0, 0.08}, {0.35, 0.08}, {0.52, 0.27}, {0.35, 0.48}, {0, 0.48}}, false));
    stroke({{0.28, 0.48}, {0.58, 1}});
  }
}

}  // namespace segx::detail::chest
