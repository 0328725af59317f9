"""Every planted bug is found, by a comparison with the golden model and not because something broke."""

import pytest

from cocotb_tests import mutations, planting
from cocotb_tests.mutations import MUTATIONS, Mutation

BATCHES = planting.batches()
EVERY = [
    pytest.param(batch, marks=pytest.mark.soak if batch.module in mutations.WHOLE else (), id=str(batch))
    for batch in BATCHES
]


@pytest.fixture(autouse=True)
def _own_builds(tmp_path, monkeypatch):
    """Keep builds with bugs out of build/."""
    monkeypatch.setenv("EQSPIKE_BUILD", str(tmp_path / "build"))


def _objections(batch, said):
    """What is not as it must be: bugs that no comparison found, and components without a bug that did not pass."""
    return {
        instance.mutation.name if instance.mutation else instance.name: said[instance.name]
        for instance in batch.instances
        if (said[instance.name] is not None if instance.mutation is None else not _mismatch(said[instance.name]))
    }


def _mismatch(message):
    return message is not None and message.startswith("Mismatch: ")


@pytest.mark.slow
@pytest.mark.parametrize("batch", EVERY)
def test_planted_bugs_are_found(batch, tmp_path):
    said = planting.outcomes(batch, tmp_path)
    for instance in batch.instances:
        print(f"{instance.mutation.name if instance.mutation else instance.name}: {said[instance.name]}")
    assert _objections(batch, said) == {}


RATE = {"file": "rate.py", "module": "sim_rate", "job": "filter_4"}
HARMLESS = Mutation(name="harmless", old="(self.delayed + self.leaving)", new="(self.leaving + self.delayed)", **RATE)
BUG = Mutation(name="bug", old="(self.delayed + self.leaving)", new="(self.delayed - self.leaving)", **RATE)


def test_a_change_without_effect_is_not_found(tmp_path):
    batch = planting.Batch("sim_rate", (HARMLESS, BUG))
    assert _objections(batch, planting.outcomes(batch, tmp_path)) == {"harmless": None}


def test_only_a_mismatch_finds_a_bug():
    batch = planting.Batch("sim_rate", (HARMLESS, BUG))
    broke = {"plain_filter_4": "Mismatch: pulse", "bug_0": "no attribute 'pulse'", "bug_1": "Mismatch: pulse"}
    assert _objections(batch, broke) == {"plain_filter_4": "Mismatch: pulse", "harmless": "no attribute 'pulse'"}


def test_each_bug_is_in_one_batch():
    names = [mutation.name for mutation in MUTATIONS]
    assert len(names) == len(set(names))
    assert sorted(m.name for batch in BATCHES for m in batch.mutations) == sorted(names)


@pytest.mark.parametrize("file", sorted({mutation.file for mutation in MUTATIONS}))
def test_each_bug_has_its_place(file):
    """Its text stands in the file once, and the bug changes it."""
    for mutation in MUTATIONS:
        if mutation.file == file:
            assert mutation.new not in (mutation.old, "")
            planting.changed_text(mutation)


@pytest.mark.parametrize("text", ["nowhere", "self.spike"])
def test_a_place_that_is_not_unique_is_refused(text):
    with pytest.raises(AssertionError, match=rf"^bug: '{text}' stands \d times in rtl/rate.py, not once$"):
        planting.changed_text(Mutation(name="bug", old=text, new="0", **RATE))
