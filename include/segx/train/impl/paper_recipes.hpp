#pragma once

#include <string>

#include <segx/core/impl.hpp>
#include <segx/train/paper_recipes.hpp>

namespace segx {

SEGX_IMPL_COLD std::vector<paper_model> paper_recipes() {
  const recipe unet_1{
      .model = "unet64", .augmentation = "none", .doubled = true, .loss = "bce", .epochs = 100, .batch = 16};
  const recipe unet_2{.model = "resunet",
                      .augmentation = "none",
                      .loss = "jaccard+dice+bce",
                      .schedule = "plateau(0.5,5)",
                      .epochs = 100,
                      .batch = 8};
  const recipe unet_3{.model = "unet-effb3",
                      .height = 512,
                      .width = 512,
                      .framing = "window",
                      .augmentation = "paper",
                      .loss = "bce+jaccard+dice",
                      .epochs = 40,
                      .batch = 4};
  recipe linknet = unet_3, unet_4 = unet_1;
  linknet.model = "linknet-effb3";
  unet_4.loss = "bce+jaccard";

  const auto narrowed = [](recipe r, const char* model, int side, int epochs) {
    r.model = model;
    r.height = r.width = side;
    r.epochs = epochs;
    return r;
  };
  // A window of so few pixels would show a rib: the narrow ones see whole images.
  const auto narrowed_encoder = [&](recipe r, const char* model) {
    r = narrowed(std::move(r), model, 192, 20);
    r.framing = "stretch";
    r.batch = 8;
    return r;
  };
  const std::string_view transfer = "0.850 or 0.870";
  return {{.key = "unet1",
           .name = "U-Net №1",
           .feed = "memory",
           .full = unet_1,
           .small = narrowed(unet_1, "unet16", 128, 15)},
          {.key = "unet2",
           .name = "U-Net №2",
           .feed = "stream",
           .full = unet_2,
           .small = narrowed(unet_2, "resunet8", 128, 50),
           .published = {.iou = "0.9215", .dice = "0.959", .time = "7 h"}},
          {.key = "unet3",
           .name = "U-Net №3",
           .feed = "auto",
           .full = unet_3,
           .small = narrowed_encoder(unet_3, "unet-effhalf"),
           .has_encoder = true,
           .published = {.iou = transfer, .epochs = "40"}},
          {.key = "linknet",
           .name = "LinkNet",
           .feed = "auto",
           .full = linknet,
           .small = narrowed_encoder(linknet, "linknet-effhalf"),
           .has_encoder = true,
           .published = {.iou = transfer}},
          {.key = "unet4",
           .name = "U-Net №4",
           .feed = "memory",
           .full = unet_4,
           .small = narrowed(unet_4, "unet16", 128, 25),
           .published = {.iou = "0.8894", .dice = "0.9414", .epochs = "100", .time = "55 min"}}};
}

}  // namespace segx
