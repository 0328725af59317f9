"""How kernels are compiled.

The kernels of this package are plain functions over arrays in the subset of Python that numba compiles: the readable
model is the fast engine. With the environment variable NUMBA_DISABLE_JIT=1 they run as plain Python, to the same bits.

An array that a kernel writes is an argument, or `name = tuple.field` of an argument, one assignment a line: behind
`a, b = tuple.x, tuple.y` numba loses sight of whose array it is, and drops writes to it as dead code once something
was inlined. A test compares compiled and plain kernels.
"""

import numba

kernel = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
"""Decorator of every kernel. Kernels allocate nothing, so numba's reference counts are off: they cost more than half of
the time, for each step passes tuples of arrays around."""
inlined = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")
"""Decorator of kernels that every step calls from one place: handing over arrays, each a handful of words, costs more
than the few vectors of neurons they work on, and compilers do not inline by themselves what is linked from outside."""
