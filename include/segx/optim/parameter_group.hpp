#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>

namespace segx {

/// A range of a network's flat parameters and how an optimizer moves it. Parameters of no group are frozen: an
/// optimizer neither moves them nor touches what it remembers of them.
struct parameter_group {
  std::size_t first = 0;
  std::size_t count = 0;
  double rate = 1;     ///< factor of the learning rate, above 0
  bool decays = true;  ///< false: without weight decay

  friend bool operator==(const parameter_group&, const parameter_group&) = default;
};

namespace detail {

/// What an optimizer moves: one group of all its parameters, until others are set.
class parameter_groups {
 public:
  explicit parameter_groups(std::size_t parameters) : parameters_{parameters}, groups_{{.count = parameters}} {}

  std::size_t parameters() const { return parameters_; }
  std::span<const parameter_group> all() const { return groups_; }

  /// Throws `error` unless the groups lie in ascending order, apart from each other and within the parameters.
  void set(std::string_view optimizer, std::vector<parameter_group> groups) {
    std::size_t end = 0;
    for (const parameter_group& group : groups) {
      if (group.first < end || group.count > parameters_ || group.first > parameters_ - group.count) {
        fail({optimizer, ": the parameters ", group.first, " to ", group.first + group.count, " are no group of ",
              parameters_, "; give groups in ascending order that do not overlap"});
      }
      if (!(group.rate > 0 && group.rate <= 1e30)) {
        fail({optimizer, ": the learning rate's factor of a group is ", group.rate,
              ", must be a finite number above 0; leave out what is frozen"});
      }
      end = group.first + group.count;
    }
    groups_ = std::move(groups);
  }

 private:
  std::size_t parameters_;
  std::vector<parameter_group> groups_;
};

}  // namespace detail
}  // namespace segx
