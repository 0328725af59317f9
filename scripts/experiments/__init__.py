"""The laboratory: every table and figure of the thesis as a file in experiments/, and what runs, judges and draws it.

    spec     what an experiment's YAML file may say, and the list of tables and figures that there must be one for
    jobs     runs, each stored whole under the hash of what it depends on, in this process or in several
    outcome  what an experiment found: series to draw, quantities to judge; the verdict by the file's rule
    plot     the picture, with the thesis's axes and numbers
    pages    the gallery in docs/ and the HTML report

The kinds of experiments are modules of `kinds`. A kind has `Parameters` (a frozen dataclass, the file's `parameters`),
`jobs` (what is to be run) and `outcome` (what comes of it).
"""
