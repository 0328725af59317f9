"""Experiments on a Dask cluster of two workers on loopback: the same results as here."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.experiments.test_reproduce import files, read
from tests.lab.test_cluster import cluster

__all__ = ["cluster", "files"]  # fixtures


def test_a_cluster_finds_the_same(cluster: str, files: Callable[..., None], run) -> None:
    assert run("reproduce", "--quick").exit_code == 0
    result = run("reproduce", "--quick", "--dask", cluster, "--out", "there")
    assert result.exit_code == 0, result.output
    for name in ("fig-2-1", "table-4-3", "fig-2-9"):
        here, there = (read(f"{out}/{name}/result.json") for out in ("runs/experiments-quick", "there"))
        assert here["quantities"] == there["quantities"]
        assert (here["verdict"], here["hash"]) == (there["verdict"], there["hash"])
    # Weights came with the records.
    assert "0 of" in run("reproduce", "--quick", "--workers", 1, "--out", "there", "--reuse", "there").stdout


def test_one_of_the_two(cluster: str, files: Callable[..., None], fails) -> None:
    line = fails(2, "reproduce", "--quick", "--workers", 2, "--dask", cluster)
    assert line.startswith("--workers and --dask: one of them")
