"""Proofs of `rtl/nudge.py`."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux

from eqspike.golden import nudge as golden_nudge
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout
from eqspike.rtl.nudge import OutputRates
from formal import configs, golden
from formal.bench import Bench
from formal.registry import INDUCTION, proof

OUTPUTS = 3


def rates(b: Bench, leave: tuple[str, ...] = ()) -> tuple:
    """(config, the component, its counts as the kernels take them)."""
    config = configs.small(network={"layers": [2, 2, OUTPUTS]}, learning={
        "free_steps": 16, "nudge_steps": 14, "window": 8, "skip_tolerance": 0.3})  # fmt: skip
    block = b.add(OutputRates(config, Layout(config, 2)), leave=leave)
    b.assume((block.label < OUTPUTS) & (block.part < 2) & (block.part_drive < 2))
    return config, block, golden.array(OUTPUTS, lambda k: block.counts[k])


@proof("Spikes that come and go change the counts as golden.nudge.count_step does, chunk by chunk.", depth=2,
       method=INDUCTION, cover_depth=6, bug_depth=4,
       bug=("self.spikes[lane] ^ self.leaving[lane]", "self.spikes[lane]"))  # fmt: skip
def counts(b: Bench) -> None:
    _, block, counted = rates(b)

    def history(row: int, layer: int, k: int) -> object:
        here = block.update & (block.part == k // 2)
        return (block.leaving if row else block.spikes)[k % 2] & here

    golden.run(b.m, golden_nudge.count_step, 0, 1, 0, golden.array((2, 1, OUTPUTS), history), counted)
    for k in range(OUTPUTS):
        after = Mux(block.restart, 0, counted[k])[: len(block.counts[k])]
        b.prove(b.first | (block.counts[k] == b.past(after)))
    b.reach((block.counts[2] == 2) & (block.counts[0] == 1))


@proof("The drive of every output is golden.nudge.nudge_current, for all counts, labels and signs.", depth=1,
       any_state=True,
       bug=("Mux(self.negative, difference, -difference)", "Mux(self.negative, -difference, difference)"))  # fmt: skip
def drives(b: Bench) -> None:
    config, block, counted = rates(b)
    numbers = fixed_numbers(config)
    current = golden.array(OUTPUTS)
    golden.run(
        b.m, golden_nudge.nudge_current, block.label, numbers.target, counted, Mux(block.negative, -1, 1),
        numbers.nudge_shift, current,
    )  # fmt: skip
    for k in range(OUTPUTS):
        b.assume(block.counts[k] <= numbers.target)
        b.prove((block.part_drive != k // 2) | (block.drive[k % 2] == current[k]))
    b.reach((block.part_drive == 1) & (block.drive[0] < 0))


@proof("The first spike is golden.nudge.first_spike of the first step in which an output spiked.", depth=2,
       method=INDUCTION,
       bug=("for lane in reversed(range(chunk.count)):", "for lane in range(chunk.count):"), cover_depth=3,
       bug_depth=3)  # fmt: skip
def first_spike(b: Bench) -> None:
    _, block, _ = rates(b)
    here = block.update & ~block.restart & ~block.first_valid
    spiked = Mux(block.part == 0, block.spikes, block.spikes & 1).any()
    lowest = Mux(block.part == 0, Mux(block.spikes[0], 0, 1), 2)
    b.prove(b.first | ~b.past(here & spiked) | (block.first_valid & (block.first_spike == b.past(lowest))))
    b.prove(b.first | ~b.past(block.first_valid & ~block.restart) | (block.first_valid & (
        block.first_spike == b.past(block.first_spike))))  # fmt: skip
    b.prove(b.first | ~b.past(block.restart) | ~block.first_valid)
    b.reach(block.first_valid & (block.first_spike == 1))


@proof("The evaluation ends after as many cycles as there are outputs, with golden.nudge.highest and "
       "within_tolerance of "
       "the counts.", depth=OUTPUTS + 4, any_state=True, bug=("count > best", "count >= best"))  # fmt: skip
def scans(b: Bench) -> None:
    config, block, counted = rates(b)
    label = b.past(block.label)
    b.assume(b.first | (block.label == label))
    b.assume(~block.restart & ~block.update & (block.scan == b.first))
    b.assume(Cat(count <= fixed_numbers(config).target for count in block.counts).all())
    numbers = fixed_numbers(config)
    highest = golden.run(b.m, golden_nudge.highest, counted)
    within = golden.run(
        b.m, golden_nudge.within_tolerance, block.label, numbers.target, counted, numbers.skip_counts
    )  # fmt: skip
    done = b.cycle > OUTPUTS
    b.prove(~done | (block.scanned & (block.prediction == highest) & (block.within == within)))
    b.reach(done & block.within & (block.prediction == 1))
