"""Every planted bug is found, by a comparison with the golden model and not because something broke."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

from cocotb_tests import mutations
from cocotb_tests.harness import SimulationError
from cocotb_tests.mutations import Mutation

pytestmark = pytest.mark.timeout(120)

PASSING = sorted({(m.module, m.job) for m in mutations.MUTATIONS})


def _run(module: str, job: str, folder: Path, mutation: Mutation | None) -> dict | str:
    """The test's report, or what it failed with."""
    folder.mkdir()
    # Keep builds with bugs out of build/.
    os.environ["EQSPIKE_BUILD"] = str(folder / "build")
    try:
        return mutations.run(module, job, folder, mutation)
    except SimulationError as error:
        return str(error)


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Gives the outcome of (module, job, mutation). All that the selected tests need run beside each other."""
    folder = tmp_path_factory.mktemp("mutations")
    wanted = []
    for item in request.session.items:
        if item.path == request.path and hasattr(item, "callspec"):
            values = item.callspec.params
            mutation = values.get("mutation")
            wanted.append(
                (mutation.module, mutation.job, mutation) if mutation else (values["module"], values["job"], None)
            )
    workers = min(8, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures: dict[tuple, Future] = {
            key: pool.submit(_run, *key[:2], folder / str(number), key[2]) for number, key in enumerate(wanted)
        }
        try:
            yield lambda *key: futures[key].result()
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "-"))
def test_planted_bug_is_found(mutation, outcome):
    found = outcome(mutation.module, mutation.job, mutation)
    if mutation.module == mutations.CORE:
        assert found["mismatches"] > 0
        print(f"{mutation.name}: {found['first_mismatch']}")
        return
    assert isinstance(found, str), "the test passed"
    assert re.match(r"^cocotb_tests\.\w+ on icarus: \w+: Mismatch: ", found), found
    print(found.splitlines()[0])


@pytest.mark.parametrize(("module", "job"), PASSING)
def test_passes_without_a_bug(module, job, outcome):
    report = outcome(module, job, None)
    assert not isinstance(report, str), report
    assert sum(report["compared"].values()) > 300
    assert report.get("mismatches", 0) == 0


def test_names_are_unique():
    names = [mutation.name for mutation in mutations.MUTATIONS]
    assert len(names) == len(set(names))
