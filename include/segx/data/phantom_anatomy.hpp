#pragma once

#include <array>
#include <opencv2/core.hpp>

#include <segx/data/phantom_canvas.hpp>

/// The chest that phantom.hpp draws: each function adds one organ, with its own random variations, to a layer of
/// optical thickness. Random draws that share an expression stand in braces, which C++ evaluates from left to right;
/// the arguments of a function have no order, and another compiler would draw another chest.

namespace segx::detail::chest {

/// What differs between people in the large; lengths are in body coordinates (1 is the image's edge).
struct phantom_body {
  double half_width;               // of the rib cage, midline to inner wall
  double apex, base;               // y of the top of the lungs and of the costophrenic angles
  double right_heart, left_heart;  // how far the heart reaches from the midline, as a part of half_width
  std::array<double, 2> dome;      // height of the diaphragm's domes (right, left), as a part of the lungs' height
  double fat;                      // thickness of the chest wall at the side
  double shoulder;                 // y of the shoulder joint

  explicit phantom_body(phantom_random random);

  /// (u, v): u from the midline to the cage's wall, v from apex to base; side is -1 for the patient's right lung, which
  /// is on the left of the image, and +1 for the left one.
  phantom_point at(int side, phantom_point uv) const { return {side * uv.x * half_width, apex + uv.y * (base - apex)}; }

  phantom_path along(int side, phantom_path uv) const;

  /// The cage's inner half width at the height v, as a part of its largest.
  static double cage(double v);
};

/// The shapes that bound the visible lungs, as covers 0..1 of each pixel. Image and mask both come from them.
struct phantom_lungs {
  cv::Mat whole;       // with the parts behind heart, diaphragm and effusion
  cv::Mat silhouette;  // heart and mediastinum
  cv::Mat abdomen;     // below the diaphragm
  cv::Mat effusion;    // fluid in the pleural space, often none

  phantom_lungs(const phantom_canvas& canvas, const phantom_body& body, phantom_random random);

  cv::Mat visible() const { return whole.mul(1 - silhouette).mul(1 - abdomen).mul(1 - effusion); }

 private:
  static phantom_path lung(const phantom_body& body, int side, phantom_random random);

  static phantom_path below_diaphragm(const phantom_body& body, int side, phantom_random random);

  static phantom_path fluid(const phantom_body& body, int side, phantom_random& random);

  /// From the great vessels of the neck down the patient's left: aortic knob, pulmonary trunk, left ventricle; and up
  /// the right: right atrium, superior vena cava.
  static phantom_path heart_and_mediastinum(const phantom_body& body, phantom_random random);
};

/// Soft tissue without the chest's contents: trunk, neck, shoulders and arms, about 1 where the body is thickest.
cv::Mat body_wall(const phantom_canvas& canvas, const phantom_body& body, phantom_random random);

/// Each rib is an arc of a tilted ellipse around the chest: from the spine almost level, down along the side, and
/// fainter forward and down to where bone becomes cartilage.
void ribs(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body, phantom_random random);

void spine(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body, phantom_random random);

/// Clavicles, shoulder blades and the heads of the upper arms.
void shoulder_girdle(const phantom_canvas& canvas, cv::Mat& bone, const phantom_body& body, phantom_random random);

/// Vessels of one lung: trees that start at the hilum and fork, thinner each time, towards the wall.
void vessels(const phantom_canvas& canvas, cv::Mat& layer, const phantom_body& body, int side, phantom_random random);

/// What illness adds to a lung: patches, nodules, streaks. They stay part of the lung in the mask.
void opacities(const phantom_canvas& canvas, cv::Mat& layer, const phantom_body& body, int side, phantom_random random);

/// Air in trachea, main bronchi, stomach and bowel.
void other_air(const phantom_canvas& canvas, cv::Mat& air, const phantom_body& body, phantom_random random);

/// Wires and electrodes on the skin.
void leads(const phantom_canvas& canvas, cv::Mat& metal, phantom_random random);

/// The letter of lead that says which side of the patient is which. Drawn in image coordinates: it has its own canvas.
void side_marker(const phantom_canvas& canvas, cv::Mat& metal, phantom_random random);

}  // namespace segx::detail::chest

#ifndef SEGX_COMPILED
#include <segx/data/impl/phantom_anatomy.hpp>
#endif
