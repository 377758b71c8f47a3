#pragma once

// Where functions that are no templates are defined.
//
// A header `x.hpp` of more than a few lines declares; `impl/x.hpp` defines. With headers only, x.hpp includes impl/x.hpp
// and every definition is inline. Programs that link segx::compiled see declarations: SEGX_COMPILED is defined, and the
// library has compiled impl/x.hpp once. So such a program compiles in about half the time.

#ifdef SEGX_COMPILED
#define SEGX_INLINE
#else
#define SEGX_INLINE inline
#endif
