"""The table of what Verilator's models ran, from results/coverage.json (`make coverage` writes it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eqspike.lab.tables import markdown

KINDS = ("line", "branch", "toggle", "counter bits")


def _share(counts: Sequence[int]) -> str:
    covered, points = counts
    return f"{100 * covered / points:.1f} % of {points:,}" if points else "-"


def coverage_table(files: Mapping[str, Mapping[str, Sequence[int]]]) -> str:
    """The entry `files` of that file as Markdown: a row for each file of rtl/, the last for all together."""
    rows = [[f"`{file}`", *(_share(counts[kind]) for kind in KINDS)] for file, counts in sorted(files.items())]
    total = [[sum(counts[kind][i] for counts in files.values()) for i in range(2)] for kind in KINDS]
    rows.append(["all", *map(_share, total)])
    return markdown(["file", "arms of conditions", "branches", "toggles of bits", "upper bits of counters"], rows)


__all__ = ["coverage_table"]
