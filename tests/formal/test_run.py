"""The runner: what is proven, and what it finds wrong with a proof. The rate block's proofs, which take a second."""

from __future__ import annotations

import dataclasses

import pytest

from formal import plant, registry, trust
from formal.registry import Proof
from formal.run import check

PROOFS = registry.all_proofs()
RATE = next(proof for proof in PROOFS if proof.name == "rate.equals_golden[filter]")

HARMLESS = ("(self.delayed + self.leaving)", "(self.leaving + self.delayed)")


def without_cover(b: object, **sections: object) -> None:
    RATE.build(b, **sections)
    b.reach(b.first & ~b.first)


def of_nothing(b: object, **sections: object) -> None:
    b.assume(b.first & ~b.first)
    RATE.build(b, **sections)


def false(b: object, **sections: object) -> None:
    RATE.build(b, **sections)
    b.prove(b.inputs[0] == 0)


def changed(build: object = RATE.build, **changes: object) -> Proof:
    return dataclasses.replace(RATE, build=build, **changes)


@pytest.mark.parametrize(
    ("proof", "fault"),
    [
        (RATE, ""),
        (changed(false), "does not hold, says yices"),
        (changed(without_cover), "what it speaks of is not reached"),
        (changed(of_nothing), "what it speaks of is not reached"),
        (changed(bug=HARMLESS), "holds with its planted bug too"),
    ],
    ids=["proven", "false", "uncovered", "vacuous", "harmless bug"],
)
def test_a_proof_is_judged(proof: Proof, fault: str) -> None:
    assert check(proof)["fault"] == fault


def test_names_are_unique() -> None:
    names = [proof.name for proof in PROOFS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_each_bug_has_its_place(proof: Proof) -> None:
    plant.changed_text(proof)


def test_each_file_has_a_proof_or_a_reason() -> None:
    proven = {proof.file for proof in PROOFS}
    files = set(trust.files())
    assert proven <= files
    assert files - proven == set(trust.UNPROVEN)


def test_the_page_is_written_from_the_results() -> None:
    found = trust.recorded()
    assert trust.PAGE.read_text(encoding="utf-8") == trust.page(found)
    if trust.RESULTS.exists():
        assert [row["proof"] for row in found["proofs"]] == [proof.name for proof in PROOFS]
    assert not [row["proof"] for row in found["proofs"] if row["fault"]]
