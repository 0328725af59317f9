"""Proofs of `rtl/pair.py`: a whole step of two neurons and their synapse."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Value

from eqspike.golden.crossbar import neuron_steps, program_two_way
from eqspike.golden.derived import history_depth
from eqspike.golden.draw import xorshift32
from eqspike.golden.neuron import integrate_and_fire
from eqspike.golden.number import fixed_numbers
from eqspike.golden.parameters import fixed_parameters
from eqspike.golden.pulse import emit
from eqspike.golden.state import HistoryRows, Moment
from eqspike.golden.step import update_signal
from eqspike.golden.synapses import synapses_of
from eqspike.rtl.operation import Kind
from eqspike.rtl.pair import Pair
from formal import configs, golden
from formal.bench import Bench
from formal.network import Ideal, one_state
from formal.registry import proof
from formal.rtl.pulse import PULSES

ONE = {"network": {"layers": [1, 1, 1]}, "hardware": {"lanes": 1}}
DRAWING = [{"bits": 6, "range": 2, "learning_rate": "2^-6", "draw": "synapse"}]
CASES = {
    "rho_bar": ONE,
    "filter": ONE | {"rate": {"delay": 5, "filter": 2}},
    "drawing": ONE | {"synapses": DRAWING},
    "desynch": ONE | PULSES,
    "naive": ONE | PULSES | {"synapses": DRAWING, "pulse": {"variant": "naive", "length": 8, "amplitude": 0.25}},
}


@proof("A whole step of two neurons and the synapse between them: membranes, refractory periods, spikes, signals, the "
       "generator's word and the weight are those of the golden kernels, from every state and for all currents; and it "
       "ends in Pair.step_cycles.", depth=12, any_state=True, cases=CASES,
       bug=("m.d.comb += [op.kind.eq(Kind.PAIR), op.program.eq(1)]",
            "m.d.comb += [op.kind.eq(Kind.PAIR), op.program.eq(self.spikes[0])]"))  # fmt: skip
def whole_step(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    numbers, p = fixed_numbers(config), fixed_parameters(config, fixed_numbers(config), 0)
    p = p._replace(padded=p.widths)
    pair = b.add(Pair(config), leave=("restart", "drives"))
    place = pair.crossbar.layout.place(1, 0, 0)[0]
    memory = b.peek(f"dut.crossbar.weights.memory[{place}]", pair.weight.shape())
    history = [b.peek(f"dut.history_{n}", history_depth(config)) for n in (0, 1)]
    pulses = [b.peek(f"dut.pulse_{n}", 1) for n in (0, 1)]
    started, busy = b.peek("dut.started", 1), b.peek("dut.fsm_state", 2)

    # It begins between two steps, with nothing on its way.
    begin = b.first
    b.m.d.comb += [
        pair.drives.valid.eq(begin),
        pair.drives.payload.eq(b.free(len(Value.cast(pair.drives.payload)), "c")),
    ]
    b.assume(~begin | (busy == 0))
    for stage in "rex":
        b.assume(~begin | (b.peek(f"dut.crossbar.op_{stage}.kind", len(Value.cast(Kind.NOP))) == Kind.NOP.value))
        b.assume(~begin | (b.peek(f"dut.crossbar.op_{stage}.program", 1) == 0))
    weight_format = numbers.synapses[1].weight
    b.assume(~begin | ((pair.weight == memory) & (memory >= weight_format.low) & (memory <= weight_format.high)))
    b.assume(~begin | Cat(pair.refractory[n] < config.neuron.refractory for n in (0, 1)).all())

    # The golden step, from the state as it is at the beginning.
    state = one_state(config, 1)
    for n in (0, 1):
        ages = Cat(history[n])
        state.membrane[n + 1, 0], state.refractory[n + 1, 0] = pair.membrane[n], pair.refractory[n]
        state.integrator[n + 1, 0], state.spikes[n + 1, 0] = pair.integrator[n], pair.spikes[n]
        state.filtered[n + 1, 0] = pair.filtered[n]
        state.pulses[n + 1, 0] = pulses[n] if config.pulses else pair.spikes[n]
        for row, age in enumerate(p.ages):
            state.history[row + 1, n + 1, 0] = ages[age - 1] if age else 0
        if config.rate.filter == 1 and not config.pulses:
            # So it always is: the block leaves out what cancels (rtl/rate.py).
            b.assume(~begin | (pair.filtered[n] == state.history[1, n + 1, 0] - state.history[3, n + 1, 0]))
        # The last programming pulse is that of the last spike, or of the spike half a pulse's length before it.
        b.assume(~begin | (pulses[n] == (state.history[3, n + 1, 0] if config.pulses else pair.spikes[n])))
    weights, word = golden.array((4, 1)), golden.run(b.m, xorshift32, pair.word)
    weights[p.base[1], 0] = pair.weight
    synapses = synapses_of(p, 1)
    for layer, steps in ((1, state.steps_backward), (2, state.steps_forward)):
        if p.tails:
            golden.run(
                b.m, emit, layer, 1, p.number[layer], word, p.tail, state.integrator, state.pulses, state.emitted
            )
        golden.run(b.m, neuron_steps, layer, 1, state.emitted, word, synapses.programming, steps)
    golden.run(b.m, program_two_way, weights, synapses, p.naive, Moment(1, 1, word), state, Ideal())
    # In the first step after a restart nothing is served.
    weight = Mux(started, weights[p.base[1], 0], pair.weight)
    rows = HistoryRows(0, 1, 2, 3, 4)
    for layer, drive in ((1, pair.drives.payload.pre), (2, pair.drives.payload.post)):
        golden.run(
            b.m, integrate_and_fire, layer, 1, golden.array(1, lambda n, drive=drive: drive), p.membrane,
            state.membrane,
            state.refractory, state.spikes,
        )  # fmt: skip
        state.history[0, layer, 0] = state.spikes[layer, 0]
        golden.run(b.m, update_signal, layer, 1, rows, p, state)
        b.assume(~begin | ((state.integrator[layer, 0] >= numbers.signal.low)
                           & (state.integrator[layer, 0] <= numbers.signal.high)))  # fmt: skip
        low = 0 if config.pulses else numbers.filter.low
        high = (1 << numbers.tail_count_bits) - 1 if config.pulses else numbers.filter.high
        b.assume(~begin | ((state.filtered[layer, 0] >= low) & (state.filtered[layer, 0] <= high)))

    ends = b.cycle == pair.step_cycles
    wanted = [(pair.word, word), (memory, weight), (pair.done, 1)]
    for n in (0, 1):
        wanted += [
            (pair.membrane[n], state.membrane[n + 1, 0]), (pair.refractory[n], state.refractory[n + 1, 0]),
            (pair.integrator[n], state.integrator[n + 1, 0]), (pair.filtered[n], state.filtered[n + 1, 0]),
            (pair.spikes[n], state.spikes[n + 1, 0]), (history[n], Cat(state.spikes[n + 1, 0], history[n])),
            (pulses[n], state.pulses[n + 1, 0]),
        ]  # fmt: skip
    for made, formula in wanted:
        b.prove(~ends | (made == b.as_of_first(formula, Value.cast(made).shape())))
    b.prove(~ends | (pair.weight == memory))
    b.reach(ends & (memory != b.as_of_first(pair.weight, pair.weight.shape())) & pair.spikes.all())
