"""What the core shows of an image against what the golden model says of it: everything, word for word."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.golden.draw import WARM_UP
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network, Result
from eqspike.golden.state import Trace
from eqspike.rtl.core import Core
from eqspike.sim.recording import Recorded, Shown, states
from eqspike.sim.shadow import WeightShadow

RESULT_CYCLES = 2
"""For a result, beside one for each output that is judged."""


class Comparison:
    """Counts compared words and keeps the first mismatch."""

    def __init__(self) -> None:
        self.compared: dict[str, int] = {}
        self.mismatches = 0
        self.first: dict[str, object] | None = None

    def count(self, name: str, words: int) -> None:
        """So many words of that name were compared."""
        self.compared[name] = self.compared.get(name, 0) + words

    def check(self, image: int, step: int | None, name: str, rtl: object, golden: object) -> None:
        """Compare two arrays (or numbers) of the same shape. With `step` None, axis 0 is the step."""
        rtl, golden = np.asarray(rtl), np.asarray(golden)
        self.count(name, max(rtl.size, golden.size))
        if rtl.shape != golden.shape:
            self._miss(max(1, abs(rtl.size - golden.size)), image, step, f"{name}: shape", rtl.shape, golden.shape, ())
            return
        different = rtl != golden
        count = int(np.count_nonzero(different))
        if count:
            at = tuple(int(i) for i in np.argwhere(different)[0])
            when, index = (at[0], at[1:]) if step is None and at else (step, at)
            self._miss(count, image, when, name, rtl[at], golden[at], index)

    def _miss(
        self, count: int, image: int, step: int | None, name: str, rtl: object, golden: object, index: tuple
    ) -> None:
        self.mismatches += count
        if self.first is None:
            self.first = {
                "image": image, "step": step, "name": name, "index": list(index), "rtl": str(rtl), "golden": str(golden)
            }  # fmt: skip


@dataclass(frozen=True)
class Image:
    """What an image took: `cycles` of the core, `spikes` of all neurons."""

    cycles: int
    spikes: int


class Judge:
    """The golden network, which is given what the core is given: the same weights, images and learning rates."""

    def __init__(self, core: Core, network: Network, comparison: Comparison) -> None:
        self.core, self.network, self.comparison = core, network, comparison
        self.shadow = WeightShadow(core, network)
        self.images = self.cycles = self.spikes = 0
        """Judged so far, with what they took."""
        learning = network.config.learning
        self.steps = learning.free_steps + learning.nudge_steps

    @functools.cached_property
    def _trace(self) -> Trace:
        """Golden writes every step of it that is compared, so one serves all images."""
        return self.network.empty_trace(self.steps, weights=True)

    def judge(self, number: int, given: tuple[np.ndarray, int, int], epoch: int, shown: Shown) -> Image:
        """Compare an image (`given`: pixels, label, mode) of that epoch, which the core has finished."""
        network, check, mode = self.network, self.comparison.check, given[2]
        network.set_epoch(epoch)
        network.clear_counters()
        trace = self._trace
        if mode != LEARN:
            trace = trace._replace(weights=trace.weights[:0], accumulators=trace.accumulators[:0])
        golden = network.present(*given, trace)
        expected = network.counter_values()
        done = expected["steps"]
        recorded, counters = shown.recorded, dict(shown.counters)
        cycles = counters.pop("cycles")
        self._check_stages(number, shown.measured, cycles, done)
        check(number, -1, "steps", len(recorded.words), done)
        if len(recorded.words) == done:
            self._check_steps(number, recorded, trace, done)
            if mode == LEARN:
                self._check_weights(number, recorded, trace, done)
            else:
                check(number, -1, "weight writes", len(recorded.write_steps), 0)
            for name, value in expected.items():
                check(number, -1, f"counter {name}", counters[name], value)
            self._check_result(number, shown.result, golden)
            check(number, -1, "key", shown.key, network.key)
        spikes = sum(expected["spikes"])
        self.images, self.cycles, self.spikes = self.images + 1, self.cycles + cycles, self.spikes + spikes
        return Image(cycles, spikes)

    def _check_stages(self, number: int, measured: Mapping[str, Any], cycles: int, steps: int) -> None:
        """What the sequencer says that it spent an image's cycles on, as far as it follows from the image's steps."""
        core, stages = self.core, measured["stages"]
        busy = sum(stages.values()) - stages["idle"]
        # The next command, or image, finds the counters as they were left: an image is all that is not idle.
        exact = {
            "all": (sum(stages.values()), measured["elapsed"]),
            "cycles": (cycles, busy),
            "load": (stages["load"], steps * len(core.layout.chunks)),
            "serve": (stages["serve"], measured["row_cycles"]),
            "result": (stages["result"], RESULT_CYCLES + core.layers[-1]),
        }
        for name, (rtl, golden) in exact.items():
            self.comparison.check(number, -1, f"stage {name}", rtl, golden)
        # A chunk may end beside the last of its rows.
        self.comparison.check(number, -1, "stage update", stages["update"] <= steps * len(core.layout.chunks), True)
        # Warming up takes that long, and a step begins when the last one's neurons stand.
        self.comparison.check(number, -1, "stage fill", stages["fill"] > WARM_UP, True)
        self.comparison.check(number, -1, "stage begin", stages["begin"] > 0, True)
        self.comparison.check(number, -1, "stage drain", stages["drain"] > 0, True)

    def _check_steps(self, number: int, recorded: Recorded, trace: Trace, done: int) -> None:
        """Neurons, inputs, outputs' counts and the generator, after each of the `done` steps."""
        check, found = self.comparison.check, states(self.core, recorded)
        check(number, None, "state written", found["valid"], np.ones_like(found["valid"]))
        names = ["membrane", "refractory", "integrator", "spikes", "filtered", "rate_sum", "spike_count"]
        for name in (name for name in names if name in found):
            check(number, None, name, found[name], getattr(trace, name)[:done])
        check(number, None, "input spikes", recorded.inputs, trace.input_spikes[:done])
        check(number, None, "generator word", recorded.words, trace.word[:done])
        check(number, None, "output counts", recorded.counts, trace.counts[:done])

    def _check_weights(self, number: int, recorded: Recorded, trace: Trace, done: int) -> None:
        """All weights, and what accumulators hold, after each step's pass; with programming.when image_end, after the
        sweep behind the last one too."""
        passes = done + int(self.network.config.programming.image_end and done == self.steps)
        rtl, golden, equal, late = self.shadow.compared(recorded, trace, passes)
        self.comparison.check(number, -1, "writes after the last pass", late, 0)
        places = self.shadow.places
        if equal:
            self.comparison.count("weights", passes * len(places))
        else:
            self.comparison.check(number, None, "weights", rtl[:, places], golden[:, places])

    def _check_result(self, number: int, result: Mapping[str, Any], golden: Result) -> None:
        check = self.comparison.check
        check(number, -1, "prediction", result["prediction"], golden.prediction)
        check(number, -1, "first spike", result["first_spike"], golden.first_spike)
        check(number, -1, "first spike step", result["first_step"], golden.first_spike_step)
        check(number, -1, "nudged", result["nudged"], int(golden.nudged))
        check(number, -1, "result counts", result["counts"], golden.counts)

    def read_back(self, number: int, read: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compare the weights as they were read: what the trace showed being written is what the memory holds."""
        layers = len(self.network.weights)
        for s, (ours, theirs) in enumerate(zip(read, self.network.contents, strict=True)):
            what = "accumulators" if s >= layers else "weights"
            self.comparison.check(number, -1, f"{what} read back, layer {s % layers}", ours, theirs)
        return [np.asarray(layer) for layer in read]

    def report(self, kept: Sequence[Shown]) -> dict[str, Any]:
        """How many images were judged, what was compared, and what differed; `kept` where something was kept."""
        comparison = self.comparison
        return {
            "images": self.images,
            "compared": comparison.compared,
            "mismatches": comparison.mismatches,
            "first_mismatch": comparison.first,
            "spikes": self.spikes,
            "cycles": self.cycles,
            **({"shown": list(kept)} if kept else {}),
        }


__all__ = ["Comparison", "Image", "Judge"]
