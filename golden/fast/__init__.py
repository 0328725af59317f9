"""The fast engine: golden's kernels once more, in C, compiled for one shape of network, to the same bits.

The kernels of `eqspike.golden` are the specification, and stay. What stands here is proven equal to them by tests
(`tests/golden/fast/`): so it changes no result, and is not part of the state by which a stored result is found old
(`eqspike.lab.runs.golden_state`).

- `bounds`: how wide each number can become, and which C types therefore hold it;
- `shape`: what is compiled in (sizes, features, types) as the header shape.h, and the numbers that are handed over;
- `library`: the compiler, and its results in the user's cache;
- `engine`: `present_all`, which takes this engine where it can, else golden's kernels;
- `*.h`, `phases.c`: each file is named after the module of golden that it repeats, each function names its twin.
"""
