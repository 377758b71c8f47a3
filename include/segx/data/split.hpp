#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/data/dataset.hpp>

namespace segx {

/// Indices into a dataset, ascending: what to train on and what to validate on. No index is in both.
struct split {
  std::vector<int> train;
  std::vector<int> val;
};

/// Throws `error` unless both sides have samples, all of which the dataset has, and none is on both.
void expect_split(const split& parts, const dataset& data);

/// Trains on each sample a second time, mirrored left to right: adds such copies to the dataset and to the split.
void double_by_mirroring(dataset& data, split& parts);

/// Gives round(fraction · count) of {0, …, count − 1} to validation, chosen by the seed alone: the same on every
/// machine.
split split_by_fraction(int count, double fraction, std::uint64_t seed);

split split_by_fraction(const dataset& data, double fraction, std::uint64_t seed);

/// Indices of the samples whose stems a text file lists, one a line. Stems that the dataset does not have are an error
/// that names them.
std::vector<int> samples_in_list(const dataset& data, const std::filesystem::path& list);

/// Validates on the samples that `samples_in_list` finds, and trains on the rest, of which there must be some.
split split_by_list(const dataset& data, const std::filesystem::path& list);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/impl/split.hpp>
#endif
