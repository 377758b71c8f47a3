// expected-error: the name is too long: with those of the parts around it, 101 letters fit
// expected-error: inner_part_of_forty_letters_and_some_more
#include <segx/models/unet.hpp>

using namespace segx;

// Two layers of one name, the second of which would need a number behind it.
using inner = named<"inner_part_of_forty_letters_and_some_more_of_them", chain<conv1x1<1>, conv1x1<1>>>;
struct lung_net : network<input<1>, named<"outer_part_of_forty_letters_and_some_more_of_them", inner>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
