#include <string>

#include <segx/core/text.hpp>

using segx::sentence;

namespace {

constexpr sentence joined(sentence text, auto more) {
  text.append(more);
  return text;
}

static_assert(sentence{}.empty());
static_assert(sentence{"encoder", 3}.view() == "encoder.3");
static_assert(joined("a", 0).view() == "a0");
static_assert(joined("a", -120).view() == "a-120");
static_assert(joined("a", 2147483647).view() == "a2147483647");
static_assert(joined("a", -2147483647 - 1).view() == "a-2147483648");
static_assert(joined("abc", "def").view() == "abcdef");
static_assert(sentence{"abc"} == joined("ab", "c"));
static_assert(sentence{"abc"} != sentence{"ab"});

constexpr sentence shortened = [] {
  sentence text{"encoder.conv1"};
  text.shorten(7);
  return text;
}();
static_assert(shortened.view() == "encoder");

constexpr sentence too_long = [] {
  sentence text;
  for (int i = 0; i < 100; ++i) { text.append("long"); }
  return text;
}();
static_assert(too_long.view().size() == sizeof(sentence{}.text) - 1);

}  // namespace
