#include <catch2/catch.hpp>

#include <segx/metrics/score_table.hpp>

TEST_CASE("a table has a line for each class of each image, and names its unit", "[score_table]") {
  const std::vector<segx::class_scores<segx::millimetre>> rows = {
      {"a7", "left lung", {3, 1, 0, 6}, segx::surface_distance<segx::millimetre>{{2.5}, {0.125}}},
      {"b,1 \"new\"", "heart", {0, 0, 2, 8}, std::nullopt}};
  CHECK(segx::score_table<segx::millimetre>(rows) ==
        "image,class,iou,dice,precision,recall,specificity,accuracy,hd95_mm,assd_mm\n"
        "a7,left lung,0.75,0.857143,0.75,1,0.857143,0.9,2.5,0.125\n"
        "\"b,1 \"\"new\"\"\",heart,0,0,0,0,1,0.8,,\n");
  CHECK(segx::score_table<segx::pixel>({}) ==
        "image,class,iou,dice,precision,recall,specificity,accuracy,hd95_px,assd_px\n");
}
