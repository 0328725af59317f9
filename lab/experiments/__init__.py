"""Experiments: every table and figure of the thesis as a file in experiments/, and what runs, judges and draws it.

    spec     what a file may say, also of sweeps and of tables; the tables and figures that there must be a file for
    run      what is missing of several experiments, and each one's outcome
    outcome  what an experiment found: series to draw, quantities to judge
    plot     the picture, with the thesis's axes and numbers
    pages    the gallery in docs/ and the HTML report

The kinds of experiments are modules of `kinds`. A kind has `Parameters` (a frozen dataclass, the file's `parameters`),
`jobs` (what is to be run) and `outcome` (what comes of it; of a sweep `summarise`).
"""
