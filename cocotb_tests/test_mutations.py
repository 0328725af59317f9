"""Every planted bug is found, by a comparison with the golden model and not because something broke."""

import pytest

from cocotb_tests import mutations
from cocotb_tests.harness import SimulationError

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _own_builds(tmp_path, monkeypatch):
    """Keep builds with bugs out of build/."""
    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "build"))


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "-"))
def test_planted_bug_is_found(mutation, tmp_path):
    if mutation.module == mutations.CORE:
        report = mutations.run(mutation.module, mutation.job, tmp_path, mutation)
        assert report["mismatches"] > 0
        print(f"{mutation.name}: {report['first_mismatch']}")
        return
    with pytest.raises(SimulationError, match=r"^cocotb_tests\.\w+ on icarus: \w+: Mismatch: ") as caught:
        mutations.run(mutation.module, mutation.job, tmp_path, mutation)
    print(str(caught.value).splitlines()[0])


@pytest.mark.soak  # The components' own tests run the same benches without a bug.
@pytest.mark.parametrize(("module", "job"), sorted({(m.module, m.job) for m in mutations.MUTATIONS}))
def test_passes_without_a_bug(module, job, tmp_path):
    report = mutations.run(module, job, tmp_path)
    assert sum(report["compared"].values()) > 300
    assert report.get("mismatches", 0) == 0


def test_names_are_unique():
    names = [mutation.name for mutation in mutations.MUTATIONS]
    assert len(names) == len(set(names))
