"""Proofs of `rtl/emit.py`."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

from amaranth.hdl import Array, Const, Module, Mux, Value

from eqspike.golden import draw as golden_draw
from eqspike.golden.derived import neuron_numbers, pulse_limit
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.pulse import emit
from eqspike.rtl import draw
from eqspike.rtl.emit import Emitters
from eqspike.rtl.layout import Layout
from formal import configs, golden
from formal.bench import Bench
from formal.registry import proof
from formal.rtl.pulse import PULSES

NAIVE = {
    **PULSES, "pulse": {**PULSES["pulse"], "variant": "naive"}, "synapses": [
        {"bits": 8, "range": 1, "learning_rate": "2^-8", "draw": "synapse"}
    ],
}  # fmt: skip
ALL_SEND = {"rho_bar": {}, "naive": NAIVE}
DRAWN = {
    "sparse": {"programming": {"probability": 0.3}},
    "collision": {**PULSES, "pulse": {**PULSES["pulse"], "variant": "desynch_collision"}},
    "proba": {
        **PULSES, "pulse": {**PULSES["pulse"], "variant": "desynch_proba"}, "programming": {"probability": 0.15},
    },
}  # fmt: skip


def with_one_round(elaborate: Callable[[object], Module]) -> Callable[[object], Module]:
    """The component with one round in its hashes: of a round, `draw.hash_of_words` proves that it is golden's."""

    def short(platform: object) -> Module:
        with mock.patch.object(draw, "MIX_ROUNDS", 1):
            return elaborate(platform)

    return short


@proof("Who sends a programming pulse is as golden.draw.sends_pulse says, and what stands on the lines is "
       "golden.pulse.emit of the signals; with one round in the hashes, of which golden and the circuit make as many.",
       depth=3, any_state=True, cases=DRAWN, bug=("neuron_numbers(self.layout.layers), self.layout.chunks",
       "neuron_numbers(self.layout.layers), self.layout.chunks[:1]"))  # fmt: skip
@proof("Where all pulses are sent: who sends one, and what stands on the lines, in the naive variant the sum of both "
       "sides.", depth=3, any_state=True, cases=ALL_SEND,
       bug=("image_end else ~self.silent", "image_end else self.silent"))  # fmt: skip
def sends(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    layout = Layout(config, 2)
    p, limit = fixed_parameters(config, fixed_numbers(config), 0), pulse_limit(config)
    block = b.add(Emitters(config, layout))
    block.elaborate = with_one_round(block.elaborate)
    chunks, numbers, known = layout.chunks, neuron_numbers(layout.layers), b.since(1)
    b.assume(block.chunk < len(chunks))
    word, number = b.past(block.word), b.past(block.number)
    first = Array(Const(numbers[chunk.layer] + chunk.first, 8) for chunk in chunks)[b.past(block.chunk)]

    def sent(word: Value, number: Value) -> Value:
        return golden.run(b.m, golden_draw.sends_pulse, word, number, limit) if limit < 1 << 16 else Const(1)

    def on_line(signal: Value, pulse: Value, number: Value) -> Value:
        if not config.pulses:
            return signal
        out = golden.array((1, 1))
        signals, pulses = (golden.array((1, 1), lambda *at, v=value: v) for value in (signal, pulse))
        golden.run(b.m, emit, 0, 1, number, word, p.tail, signals, pulses, out)
        return out[0, 0]

    with mock.patch.object(golden_draw, "MIX_ROUNDS", 1):
        b.prove(block.sends == sent(block.word, block.number))
        row = sent(word, number)
        b.prove(~known | (block.pulses.row == (row if limit < 1 << 16 else ~block.silent)))
        b.prove(~known | (block.pulses.above == (block.post_pulse & row)))
        above = on_line(block.post_integrator, block.pulses.above, number)
        b.prove(~known | (block.post_signal == above))
        for lane in range(layout.lanes):
            pulse = block.lane_pulses[lane] & sent(word, first + lane)
            b.prove(~known | (block.pulses.lanes[lane] == pulse))
            signal = on_line(block.integrator[lane], block.pulses.lanes[lane], first + lane)
            signal = signal + Mux(block.pair, above, 0) if config.naive else signal
            b.prove(~known | (block.signals[lane] == signal))
    b.reach(known & block.pulses.lanes.all() & block.pulses.above & (block.signals[0] == 0))
    b.reach(known & (block.signals[1] == -3) & (b.past(block.chunk) == len(chunks) - 1))
