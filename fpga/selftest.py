"""Self-test: the core learns a few stored images on chip and compares a signature with the golden model's.

Images, labels and initial weights come with the bitstream. The test presents every image in mode LEARN, pass after
pass, and folds each result, then every weight (read back through the weight port), into a 32-bit signature. The golden
model computes the signature when the design is generated; the two are equal only if the chip learned to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from eqspike.golden.cells import cell_bits, to_cells
from eqspike.golden.config import Config
from eqspike.golden.data import load_split
from eqspike.golden.draw import MASK32
from eqspike.golden.modes import LEARN
from eqspike.golden.network import Network, Result
from eqspike.golden.sections import HardwareConfig
from eqspike.rtl.bits import Codec, ResultCodec
from eqspike.rtl.core import Core
from eqspike.rtl.layout import Layout
from eqspike.rtl.streams import Mode

SIGNATURE_BITS = 32
POLYNOMIAL = 0x04C11DB7
"""Feedback of the signature's shift register: CRC-32's polynomial, which is primitive."""


# ---------------------------------------------------------------------------------------------------------------------
# In Python: what the chip must find.


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a self-test learns and what must come out."""

    images: np.ndarray
    """Shape (images, inputs): integers 0..full_scale."""
    labels: np.ndarray
    passes: int
    weights: tuple[np.ndarray, ...]
    """Initial weights, one matrix a synapse layer."""
    signature: int
    """The golden model's."""
    right_first: int
    """Images predicted right in the first pass, each before it was learned."""
    right_last: int
    """The same in the last pass."""
    nudged: int
    """Presentations that took the nudge phase."""

    def summary(self) -> dict[str, int]:
        """Plain numbers for a report."""
        return {
            "images": len(self.images), "passes": self.passes, "right_first_pass": self.right_first,
            "right_last_pass": self.right_last, "nudged": self.nudged, "signature": self.signature,
        }  # fmt: skip

    def with_wrong_pixel(self, image: int, pixel: int) -> Plan:
        """The plan with one stored pixel a grey level off: the chip must fail it."""
        images = self.images.copy()
        images[image, pixel] += -1 if images[image, pixel] else 1
        return replace(self, images=images)

    def with_wrong_weight(self, synapses: int, row: int, column: int) -> Plan:
        """The plan with the lowest bit of one initial weight turned over: the chip must fail it."""
        weights = tuple(w.copy() for w in self.weights)
        weights[synapses][row, column] ^= 1
        return replace(self, weights=weights)

    def with_wrong_signature(self) -> Plan:
        """The plan with one bit of the expected signature turned over: the chip must fail it."""
        return replace(self, signature=self.signature ^ 1)


def choose_images(config: Config, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` training images whose labels go round: 0, 1, 2, ..."""
    split = load_split(config)
    waiting = [list(np.flatnonzero(split.train_labels == label)) for label in np.unique(split.train_labels)]
    order: list[int] = []
    while len(order) < count and any(waiting):
        order += [int(members.pop(0)) for members in waiting if members]
    order = order[:count]
    return split.train_images[order], split.train_labels[order]


def make_plan(config: Config, layout: Layout, count: int, passes: int) -> Plan:
    """Choose images, learn them on the golden model and note the signature that a core of this layout must reach."""
    images, labels = choose_images(config, count)
    network = Network(config)
    weights = tuple(w.copy() for w in network.weights)
    signature, nudged, codec = MASK32, 0, ResultCodec(config)
    right = []
    for _ in range(passes):
        right.append(0)
        for image, label in zip(images, labels, strict=True):
            result = network.present(image, int(label), LEARN)
            right[-1] += int(result.prediction == label)
            nudged += int(result.nudged)
            signature = fold(signature, result_word(codec, result))
    stored = Codec(signed(max(cell_bits(config))))
    for word in weight_words(layout, to_cells(config, network.contents)):
        for weight in word:
            signature = fold(signature, stored.pack(weight))
    return Plan(
        images=images, labels=labels, passes=passes, weights=weights, signature=signature,
        right_first=right[0], right_last=right[-1], nudged=nudged,
    )  # fmt: skip


def fold(signature: int, bits: int) -> int:
    """The signature after one more observation, a number of any width."""
    feedback = POLYNOMIAL if signature >> (SIGNATURE_BITS - 1) else 0
    signature = ((signature << 1) & MASK32) ^ feedback
    while bits:
        signature ^= bits & MASK32
        bits >>= SIGNATURE_BITS
    return signature


def result_word(codec: ResultCodec, result: Result) -> int:
    """A result's bits, as the circuit `observed` has them."""
    return codec.pack(
        {
            "prediction": result.prediction,
            "first_spike": result.first_spike,
            "first_step": result.first_spike_step,
            "nudged": int(result.nudged),
            "counts": result.counts,
        }
    )


def observed(result: data.View) -> Value:
    """Circuit of `result_word`: the first spike's fields mean nothing when there was none."""
    spiked = result.first_valid
    return Cat(
        result.prediction,
        spiked,
        Mux(spiked, result.first_spike, 0),
        Mux(spiked, result.first_step, 0),
        result.nudged,
        result.counts.as_value(),
    )


def weight_words(layout: Layout, weights: tuple[np.ndarray, ...]) -> list[list[int]]:
    """The words of the weight memory, each a list of its lanes' weights (cells, where there are accumulators).

    A lane without a neuron holds 0, and learning leaves it so: its rho-bar is 0.
    """
    words = [[0] * layout.lanes for _ in range(layout.words)]
    for synapses, row, column, word, lane in layout.places():
        words[word][lane] = int(weights[synapses][row, column])
    return words


# ---------------------------------------------------------------------------------------------------------------------
# The circuit


class SelfTest(wiring.Component):
    """The core and what tests it. `running` from reset on; then `passed` or `failed`. `beat` changes while it runs.

    A bitstream is good for one run: the weights it brings are learned over. Configure the chip again to run it again.
    """

    def __init__(
        self, config: Config, hardware: HardwareConfig | None = None, count: int = 8, passes: int = 16
    ) -> None:
        self.core = Core(config, hardware)
        self.config = config
        self.plan = make_plan(config, self.core.layout, count, passes)
        super().__init__({"running": Out(1, init=1), "passed": Out(1), "failed": Out(1), "beat": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core, plan, layout = self.core, self.plan, self.core.layout
        m.submodules.core = core
        bits = core.crossbar.cell_bits
        codec = Codec(core.crossbar.word_layout)
        core.crossbar.initial = [codec.pack(word) for word in weight_words(layout, to_cells(self.config, plan.weights))]

        inputs, count = self.config.network.layers[0], len(plan.images)
        place_bits = ceil_log2(max(2, inputs))
        m.submodules.pixels = pixels = self._pixels(1 << place_bits)
        pixel, pixel_bits = pixels.read_port(), len(core.images.payload.pixel)

        image = Signal(range(max(2, count)))
        passed = Signal(range(max(2, plan.passes)))
        place = Signal(range(max(2, inputs)))
        given, offered, offer = Signal(), Signal(), Signal(pixel_bits)
        """The pixel at `place` stands at the memory's output; in the register behind it, which takes a block RAM's slow
        output on its way to every input neuron."""
        word, lane = Signal(range(max(2, layout.words))), Signal(range(max(2, layout.lanes)))
        asked = Signal()
        observation = Signal(max(bits, Shape.cast(observed(core.results.payload).shape()).width))
        observe = Signal()
        signature = self._signature(m, observation, observe)

        m.d.comb += [
            pixel.addr.eq(Cat(place[:place_bits], image)),
            core.images.payload.pixel.eq(offer),
            core.images.payload.label.eq(Array(int(label) for label in plan.labels)[image]),
            core.images.payload.mode.eq(Mode.LEARN),
            core.weights.payload.word.eq(word),
            core.weights.payload.lane.eq(lane),
            self.beat.eq(passed[max(0, len(passed) - 4)]),
        ]
        with m.FSM():
            with m.State("PIXELS"):
                m.d.comb += core.images.valid.eq(offered)
                m.d.sync += [given.eq(1), offered.eq(given), offer.eq(pixel.data)]
                with m.If(offered & core.images.ready):
                    m.d.sync += [place.eq(place + 1), given.eq(0), offered.eq(0)]
                    with m.If(place == inputs - 1):
                        m.d.sync += place.eq(0)
                        m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += [
                    core.results.ready.eq(1),
                    observation.eq(observed(core.results.payload)),
                    observe.eq(core.results.valid),
                ]
                with m.If(core.results.valid):
                    m.d.sync += image.eq(image + 1)
                    m.next = "PIXELS"
                    with m.If(image == count - 1):
                        m.d.sync += [image.eq(0), passed.eq(passed + 1)]
                        with m.If(passed == plan.passes - 1):
                            m.next = "WEIGHTS"
            with m.State("WEIGHTS"):
                m.d.comb += [
                    core.weights.valid.eq(~asked),
                    core.weight_data.ready.eq(1),
                    observation.eq(core.weight_data.payload.as_unsigned()),
                    observe.eq(core.weight_data.valid),
                ]
                with m.If(core.weights.valid & core.weights.ready):
                    m.d.sync += asked.eq(1)
                with m.If(core.weight_data.valid):
                    m.d.sync += [asked.eq(0), lane.eq(lane + 1)]
                    with m.If(lane == layout.lanes - 1):
                        m.d.sync += [lane.eq(0), word.eq(word + 1)]
                        with m.If(word == layout.words - 1):
                            m.next = "JUDGE"
            with m.State("JUDGE"):
                right = signature == plan.signature
                m.d.sync += [self.passed.eq(right), self.failed.eq(~right), self.running.eq(0)]
                m.next = "DONE"
            with m.State("DONE"):
                pass
        return m

    def _pixels(self, stride: int) -> Memory:
        """The images, pixel after pixel; each begins at a multiple of `stride`, a power of two, so that addresses are
        wiring."""
        images = self.plan.images
        content = np.zeros((len(images), stride), np.int64)
        content[:, : images.shape[1]] = images
        shape = self.core.images.payload.pixel.shape()
        return Memory(shape=shape, depth=content.size, init=content.ravel().tolist())

    def _signature(self, m: Module, observation: Signal, observe: Signal) -> Signal:
        """The signature of what was observed, as `fold` makes it; it takes the `observation` when `observe` is high."""
        signature = Signal(SIGNATURE_BITS, init=MASK32)
        folded = Const(0, SIGNATURE_BITS)
        for at in range(0, len(observation), SIGNATURE_BITS):
            folded = folded ^ observation[at : at + SIGNATURE_BITS]
        feedback = Mux(signature[-1], POLYNOMIAL, 0)
        with m.If(observe):
            m.d.sync += signature.eq(Cat(Const(0, 1), signature[:-1]) ^ feedback ^ folded)
        return signature


__all__ = ["Plan", "SelfTest", "choose_images", "fold", "make_plan"]
