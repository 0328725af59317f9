"""Proofs of `rtl/adder.py`."""

from __future__ import annotations

from eqspike.rtl.adder import AdderTree
from formal.bench import Bench
from formal.registry import INDUCTION, proof


@proof("The tree gives the exact sum of all its words, AdderTree.latency cycles later.", depth=5, method=INDUCTION,
       cases={str(n): {"inputs": n} for n in (5, 7, 9)},
       bug=("b = values[place : place + 2]", "b = values[:2]"))  # fmt: skip
def tree(b: Bench, inputs: int) -> None:
    adder = b.add(AdderTree(inputs, 4))
    exact = b.past(sum((adder.words[i] for i in range(1, inputs)), adder.words[0] + 0), adder.latency)
    b.prove(~b.since(adder.latency) | (adder.sum == exact))
    b.reach(adder.sum == -8 * inputs)
