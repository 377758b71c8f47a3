// What a training needs beside its network: recipes, logs, progress, curves.
#include <segx/train/impl/curves.hpp>
#include <segx/train/impl/evaluate.hpp>
#include <segx/train/impl/feed_choice.hpp>
#include <segx/train/impl/log.hpp>
#include <segx/train/impl/paper_recipes.hpp>
#include <segx/train/impl/progress.hpp>
#include <segx/train/impl/recipe.hpp>
#include <segx/train/impl/recipe_data.hpp>
#include <segx/train/impl/recipe_json.hpp>
#include <segx/train/impl/recommend.hpp>
#include <segx/train/impl/run_folder.hpp>
