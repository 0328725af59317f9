"""Proofs of `rtl/chunk_state.py`."""

from __future__ import annotations

from amaranth.hdl import Mux, Value

from eqspike.rtl.chunk_state import ChunkState
from eqspike.rtl.layout import Layout
from eqspike.rtl.operation import Kind
from eqspike.rtl.streams import layer_name
from formal import configs
from formal.bench import Bench
from formal.registry import proof


@proof("A LOAD, or a reload, takes the state that the chunk's last step made, or 0 in an image's first step, and the "
       "spikes of its neurons; a tap is the chunk's spikes of so many steps ago, or 0 before the image's first step.",
       depth=7, any_state=True, cases={"rho_bar": {}, "every": {"programming": {"every": 3}}},
       bug=("seen.eq(self.step_a >= ages)", "seen.eq(self.step_a > ages)"))  # fmt: skip
def loads(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    layout = Layout(config, 2)
    block = b.add(ChunkState(config, layout), leave=("operation_r", "tap_r"))
    update, kind = block.update, Value.cast(block.operation_a.kind)
    b.m.d.sync += [block.operation_r.eq(block.operation_a), block.tap_r.eq(block.tap_a)]
    count = len(layout.chunks)
    b.assume((update.chunk < count) & (block.operation_a.chunk < count) & (block.tap_a < len(block.ages)))
    chunk, step = b.held(range(count), "chunk"), b.held(block.step.shape(), "number")
    here = update.valid & (update.chunk == chunk)
    # What one chunk's last step made, and its spikes of one step, until a step takes their place in the delay line.
    state, state_known = b.register(block.state_layout.size, "state"), b.register(1, "state_known")
    spikes, spikes_known = b.register(layout.lanes, "spikes"), b.register(1, "spikes_known")
    with b.m.If(here):
        b.m.d.sync += [state.eq(update.state), state_known.eq(1)]
        with b.m.If((block.step ^ step)[: block.depth_bits] == 0):
            b.m.d.sync += [spikes.eq(update.spikes), spikes_known.eq(block.step == step)]
    asked, loaded = block.operation_a.chunk == chunk, (kind == Kind.LOAD.value) | block.operation_a.reload
    late, known = block.LATENCY, b.since(block.LATENCY)

    def then(value: object, cycles: int = late) -> Value:
        return b.past(value, cycles)

    b.prove(~known | ~then(loaded & (block.step_a == 0)) | (block.state.as_value() == 0))
    kept = then(loaded & asked & (block.step_a != 0) & state_known)
    b.prove(~known | ~kept | (block.state.as_value() == then(state)))
    taken = loaded | block.operation_a.tap
    for i, age in enumerate(block.ages):
        tapped = taken & (block.tap_a == i)
        b.prove(~known | ~then(tapped & (block.step_a < age)) | (block.taps[i] == 0))
        old = then(tapped & asked & spikes_known & (block.step_a == step + age))
        b.prove(~known | ~old | (block.taps[i] == then(spikes)))
    for part in layout.chunks:
        neurons = slice(part.first, part.first + part.count)
        mine = then(loaded & (block.operation_a.chunk == part.index))
        for made, given in ((block.lane_spikes, block.spikes), (block.lane_pulses, block.pulses)):
            given = given if block.own_pulses else block.spikes
            b.prove(~known | ~mine | (made == then(given[layer_name(part.layer)][neurons], 1)))
    b.reach(known & kept & (state == 77) & (then(block.operation_a.chunk) == 2))
    b.reach(known & old & (block.taps[len(block.ages) - 1] == 2))
    b.reach(known & then(Mux(loaded, 0, taken)) & (block.taps[0] == 1))
