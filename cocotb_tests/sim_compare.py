"""cocotb: the core against the golden network, every state of every step of every image.

The job says which config, hardware, images, modes and epochs; the report counts what was compared and what differed.
"""

from __future__ import annotations

import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.utils import get_sim_time

from cocotb_tests import harness
from cocotb_tests.driver import CLOCK_NS, CoreDriver, integers, unpack_words
from golden.config import config_from_dict
from golden.network import LEARN, Network


class Comparison:
    """Counts compared words and keeps the first mismatch."""

    def __init__(self) -> None:
        self.compared: dict[str, int] = {}
        self.mismatches = 0
        self.first: dict[str, object] | None = None

    def check(self, image: int, step: int | None, name: str, rtl: object, golden: object) -> None:
        """Compare two arrays (or numbers) of the same shape. With `step` None, axis 0 is the step."""
        rtl, golden = np.asarray(rtl), np.asarray(golden)
        self.compared[name] = self.compared.get(name, 0) + max(rtl.size, golden.size)
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


class WeightShadow:
    """The weight memory as the trace's writes leave it, laid out as the golden model's array."""

    def __init__(self, driver: CoreDriver, network: Network) -> None:
        core = driver.core
        self.bits, self.lanes = core.crossbar.weight_bits, core.lanes
        self.memory = np.zeros((core.layout.words, self.lanes), np.int64)
        places = np.array(core.layout.places())
        bases = np.array([0, *np.cumsum([size + 1 for size in network.layers[:-1]])])
        self.word, self.lane = places[:, 3], places[:, 4]
        self.row, self.column = bases[places[:, 0]] + places[:, 1], places[:, 2]
        self.load(network.array)

    def load(self, array: np.ndarray) -> None:
        """Take the golden weights as the state of the memory."""
        self.memory[self.word, self.lane] = array[self.row, self.column]

    def apply(self, writes: list[tuple[int, int, int]]) -> None:
        """Apply writes (step, address, word)."""
        if writes:
            values = integers(unpack_words([w[2] for w in writes], self.bits, self.lanes), 0, self.bits, True)
            self.memory[[w[1] for w in writes]] = values

    def weights(self) -> np.ndarray:
        """All weights, one row, in the order of `Layout.places`."""
        return self.memory[self.word, self.lane]

    def golden(self, array: np.ndarray) -> np.ndarray:
        """The golden array's weights in the same order; works on (steps, rows, columns) too."""
        return array[..., self.row, self.column]


@cocotb.test()
async def compare(dut: object) -> None:
    """Present the job's images to both, compare everything."""
    job = harness.job()
    config = config_from_dict(job["config"])
    driver = CoreDriver(dut, config)
    driver.pause = job.get("pause", 0.0)
    network = Network(config)
    comparison = Comparison()
    began = time.monotonic()
    await driver.start()
    if job.get("key") is not None:
        network.key = job["key"]
    await driver.set_key(network.key)
    if job.get("initial_weights") is not None:
        network.load_weights(job["initial_weights"])
    await driver.write_weights(network.weights)
    shadow = WeightShadow(driver, network)
    driver.record()
    steps = config.learning.free_steps + config.learning.nudge_steps
    filters = "filtered" in driver.neuron_layout.members
    spikes_total = 0
    cycles = 0
    progress = job.get("progress")

    async def send_all() -> None:
        for image, label, mode in zip(job["images"], job["labels"], job["modes"], strict=True):
            await driver.send(image, int(label), int(mode))

    # Ahead: the next image is sent while one is being presented, and waits.
    ahead = job.get("ahead", False)
    network.set_epoch(job["epochs"][0])
    driver.set_epoch(job["epochs"][0])
    await driver.clear_counters()
    if ahead:
        cocotb.start_soon(send_all())
    for number, (image, label, mode, epoch) in enumerate(
        zip(job["images"], job["labels"], job["modes"], job["epochs"], strict=True)
    ):
        network.set_epoch(epoch)
        network.clear_counters()
        if not ahead:
            await driver.send(image, int(label), int(mode))
        # While the result waits, the core does not begin with the next image.
        await driver.offered()
        counters = await driver.counters()
        await driver.clear_counters()
        recording = driver.recording
        key = int(dut.key.value)
        driver.set_epoch(job["epochs"][min(number + 1, len(job["epochs"]) - 1)])
        result = await driver.take()

        trace = network.empty_trace(steps, weights=mode == LEARN)
        golden = network.present(image, int(label), int(mode), trace)
        expected = network.counter_values()
        done = expected["steps"]
        cycles += counters.pop("cycles")
        comparison.check(number, -1, "steps", len(recording.words), done)
        if len(recording.words) != done:
            break
        states = driver.states(recording)
        comparison.check(number, None, "state written", states["valid"], np.ones_like(states["valid"]))
        names = {"membrane": "membrane", "refractory": "refractory", "integrator": "integrator", "spikes": "spikes"}
        if filters:
            names["filtered"] = "filtered"
        for ours, theirs in names.items():
            comparison.check(number, None, ours, states[ours], getattr(trace, theirs)[:done])
        inputs = unpack_words(recording.inputs, 1, network.layers[0])[..., 0]
        comparison.check(number, None, "input spikes", inputs, trace.input_spikes[:done])
        comparison.check(number, None, "generator word", recording.words, trace.word[:done])
        count_bits = network.numbers.count_bits
        counts = integers(unpack_words(recording.counts, count_bits, network.outputs), 0, count_bits, False)
        comparison.check(number, None, "output counts", counts, trace.counts[:done])
        if mode == LEARN:
            weights = np.zeros((done, len(shadow.word)), np.int64)
            by_step: dict[int, list] = {}
            for write in recording.writes:
                by_step.setdefault(write[0], []).append(write)
            for step in range(done):
                shadow.apply(by_step.get(step, []))
                weights[step] = shadow.weights()
            comparison.check(number, None, "weights", weights, shadow.golden(trace.weights[:done]))
        else:
            comparison.check(number, -1, "weight writes", len(recording.writes), 0)
        for name, value in expected.items():
            comparison.check(number, -1, f"counter {name}", counters[name], value)
        comparison.check(number, -1, "prediction", result["prediction"], golden.prediction)
        comparison.check(number, -1, "first spike", result["first_spike"], golden.first_spike)
        comparison.check(number, -1, "first spike step", result["first_step"], golden.first_spike_step)
        comparison.check(number, -1, "nudged", result["nudged"], int(golden.nudged))
        comparison.check(number, -1, "result counts", result["counts"], golden.counts)
        comparison.check(number, -1, "key", key, network.key)
        spikes_total += sum(expected["spikes"])
        if progress:
            with Path(progress).open("a") as file:  # One byte an image, for the progress bar.
                file.write(".")
        if comparison.mismatches:
            break
    images_done = number + 1 if len(job["images"]) else 0
    # What the trace showed being written is what the memory holds.
    read_back = await driver.read_weights()
    for s, (ours, theirs) in enumerate(zip(read_back, network.weights, strict=True)):
        comparison.check(images_done - 1, -1, f"weights read back, layer {s}", ours, theirs)
    total_cycles = int(get_sim_time("ns")) // CLOCK_NS
    harness.report(
        {
            "images": images_done,
            "compared": comparison.compared,
            "mismatches": comparison.mismatches,
            "first_mismatch": comparison.first,
            "spikes": spikes_total,
            "cycles": cycles,
            "simulated_cycles": total_cycles,
            "seconds": time.monotonic() - began,
            "simulator": cocotb.SIM_NAME,
            "weights": [np.asarray(w) for w in read_back],
        }
    )
