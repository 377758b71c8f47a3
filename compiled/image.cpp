// Pictures: reading, writing, resizing, plots, report pages.
#include <segx/image/impl/label_map.hpp>
#include <segx/image/impl/normalisation.hpp>
#include <segx/image/impl/plane.hpp>
#include <segx/image/impl/plot.hpp>
#include <segx/image/impl/read_image.hpp>
#include <segx/image/impl/report_page.hpp>
#include <segx/image/impl/resample.hpp>
#include <segx/image/impl/resize_image.hpp>
#include <segx/image/impl/write_image.hpp>
