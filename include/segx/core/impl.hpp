#pragma once

// Where functions that are no templates are defined: a header x.hpp declares them, impl/x.hpp defines them. With
// headers only, x.hpp includes impl/x.hpp, and the definitions are inline. A program that links segx::compiled sees the
// declarations alone: SEGX_COMPILED is defined, and the library has compiled impl/x.hpp, once.
//
//   SEGX_IMPL        what goes through the pixels of an image, or the values of weights
//   SEGX_IMPL_COLD   what runs once for a file, a folder, an epoch, or leaves the work to a library: the compiler shall
//                    not spend its time on it

#ifdef SEGX_COMPILED
#define SEGX_IMPL
#define SEGX_IMPL_COLD
#else
#define SEGX_IMPL inline
#define SEGX_IMPL_COLD [[gnu::cold]] inline
#endif
