// Files: weights, checkpoints, JSON, published encoders.
#include <segx/io/impl/atomic_file.hpp>
#include <segx/io/impl/checkpoint.hpp>
#include <segx/io/impl/checksum.hpp>
#include <segx/io/impl/encoder_arrays.hpp>
#include <segx/io/impl/encoder_names.hpp>
#include <segx/io/impl/folder_lock.hpp>
#include <segx/io/impl/import_encoder.hpp>
#include <segx/io/impl/json_text.hpp>
#include <segx/io/impl/safetensors.hpp>
#include <segx/io/impl/weight_format.hpp>
