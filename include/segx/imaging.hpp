#pragma once

// Everything with pictures: images, data folders, training and segmentation of files. Needs OpenCV (segx::imaging).

#include <segx/data/augment.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/phantom.hpp>
#include <segx/data/split.hpp>
#include <segx/data/survey.hpp>
#include <segx/image/gray.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/plot.hpp>
#include <segx/image/read_image.hpp>
#include <segx/image/report_page.hpp>
#include <segx/image/resample.hpp>
#include <segx/image/resize_image.hpp>
#include <segx/image/write_image.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/segx.hpp>
#include <segx/train/curves.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/log.hpp>
#include <segx/train/paper_recipes.hpp>
#include <segx/train/progress.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/recipe_data.hpp>
#include <segx/train/recipe_json.hpp>
#include <segx/train/recommend.hpp>
#include <segx/train/trainer.hpp>
#include <segx/train/training_bytes.hpp>
