#pragma once

// Where functions that are no templates are defined: a header x.hpp declares them, impl/x.hpp defines them. With
// headers only, x.hpp includes impl/x.hpp, and the definitions are inline. A program that links segx::compiled sees the
// declarations alone: SEGX_COMPILED is defined, and the library has compiled impl/x.hpp, once.

#ifdef SEGX_COMPILED
#define SEGX_IMPL
#else
#define SEGX_IMPL [[gnu::cold]] inline
#endif
