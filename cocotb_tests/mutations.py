"""The planted bugs: each a change of the RTL's text that a test must find. `cocotb_tests.planting` plants them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from amaranth.lib import wiring

from cocotb_tests import networks
from cocotb_tests.bench import config_data
from eqspike.golden.configfile import config_from_dict, config_to_dict
from eqspike.golden.data import load_split
from eqspike.golden.modes import INFER, INFER_FIRST_SPIKE, LEARN

CORE = "eqspike.sim.jobs.compare"
WHOLE = (CORE, "sim_ports", "sim_link")
"""Modules that simulate whole cores: a simulator that holds many takes a minute to build."""
"""The module that compares whole cores."""


def _core_job(modes: list[int], **sections: object) -> dict:
    """A core of two lanes on a tiny network with short phases, and its images."""
    plain = config_data(**networks.TINY | sections)
    part = load_split(config_from_dict(plain))
    return {
        "config": plain,
        "images": part.train_images[: len(modes)],
        "labels": part.train_labels[: len(modes)],
        "modes": modes,
        "epochs": [0] * len(modes),
        "ahead": plain["hardware"]["prefetch"],
    }


def core_jobs() -> dict[str, dict]:
    """Jobs of `CORE`: with and without the rho-bar filter; with outputs that first spike when they are nudged; with
    rows in several banks, of few lanes and of many; on neurons of which every third spike programs and that differ in
    gain; with accumulators before devices; at the image's end; A-EqSpike."""
    modes = [LEARN, LEARN, LEARN, INFER, INFER_FIRST_SPIKE, LEARN]
    return {
        "core": _core_job(modes),
        "core_late": _core_job(modes, **networks.LATE),
        "core_filter": _core_job(modes, rate={"delay": 6, "filter": 4}),
        # A lane for each neuron, rows in three memories, the next image sent ahead.
        "core_banks": _core_job(
            modes,
            network={"layers": [13, 4, 3]},
            hardware={"lanes": 4, "input_lanes": 3, "banks": 3, "prefetch": True},
            synapses=[
                {"bits": 10, "range": 1, "learning_rate": "2^-8", "halve_at": [1], "init": 1.5, "draw": "synapse"},
                {"bits": 8, "range": 2, "learning_rate": "2^-6", "halve_at": [1], "init": 1.5},
            ],
        ),
        # As few chunks as layers, and input neurons that run ahead.
        "core_eager": _core_job(
            modes,
            network={"layers": [13, 4, 3]},
            hardware={"lanes": 4, "input_lanes": 2, "banks": 2, "prefetch": True, "eager": True},
        ),
        # Sums for the layer above come late.
        "core_deep": _core_job(modes, network={"layers": [7, 65, 3]}, hardware={"lanes": 65, "input_lanes": 3}),
        # More lanes than the host's is chosen among in a cycle.
        "core_wide_banks": _core_job(
            modes, network={"layers": [13, 18, 3]}, hardware={"lanes": 18, "input_lanes": 4, "banks": 2}
        ),
        # Several chunks of the first layer: rows of another bank begin elsewhere for each.
        "core_chunk_banks": _core_job(
            modes, network={"layers": [13, 7, 3]}, hardware={"lanes": 3, "input_lanes": 3, "banks": 2}
        ),
        "core_sparse": _core_job(modes, programming={"every": 3}, neuron={"gain_spread": 0.3}),
        **{
            name: _core_job(
                modes, synapses=[s | {"draw": "synapse", "init": 4} for s in networks.TINY["synapses"]], **sections
            )
            for name, sections in (
                (
                    "core_gather",
                    {"programming": {"accumulator": 3, "step": "2^-7"}, "device": {"slope_up": 0.8, "slope_down": 1.3}},
                ),
                # As many inputs as their number has values: that of the bias would be another's. Fewer and fewer lanes
                # from chunk to chunk: what belongs to the next chunk shows.
                ("core_sweep", {"network": {"layers": [8, 5, 1]}, "programming": {"when": "image_end"}}),
            )
        },
        **{
            f"pulse_{variant}": _core_job(
                modes,
                learning={"free_steps": 16, "nudge_steps": 14, "window": 8, "signal": "pulse"},
                # The tails of several pulses reach the clip, which is 4 units.
                pulse={"variant": variant, "length": 10, "amplitude": 0.25, "collision_probability": 0.5},
                synapses=[
                    {"bits": 10, "range": 1, "learning_rate": "2^-6", "halve_at": [1], "init": 1.5, "draw": "synapse"},
                    {"bits": 8, "range": 2, "learning_rate": "2^-4", "halve_at": [1], "init": 1.5, "draw": "synapse"},
                ],
            )
            for variant in ("desynch", "desynch_collision", "naive")
        },
    }


ODD_MODES = (LEARN, LEARN, INFER, LEARN, INFER_FIRST_SPIKE, LEARN)
ODD_EPOCHS = (0, 0, 0, 1, 1, 2)


def odd_job(name: str) -> dict:
    """A job of `CORE` as cocotb_tests/test_core.py has it: an odd network, with idle cycles on every stream."""
    config = networks.odd(name)
    part = load_split(config)
    count = 6 if config.device.ideal else 2
    return {
        "config": config_to_dict(config), "images": part.train_images[:count], "labels": part.train_labels[:count],
        "modes": list(ODD_MODES[:count]), "epochs": list(ODD_EPOCHS[:count]), "pause": 0.3,
        "ahead": config.hardware.prefetch,
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """In `file`, the one place that reads `old` becomes `new`; `module` finds it with `job`."""

    name: str
    file: str
    old: str
    new: str
    module: str
    job: str


def _in(file: str, module: str, *rows: tuple[str, str, str, str]) -> list[Mutation]:
    return [Mutation(name=name, file=file, old=old, new=new, module=module, job=job) for name, job, old, new in rows]


MUTATIONS = [
    *_in(
        "number.py",
        "sim_number",
        ("stochastic rounding truncates", "mixed", "STOCHASTIC: (ones, 0, 0)", "STOCHASTIC: (0, 0, ones)"),
        ("draw one bit short", "mixed", "STOCHASTIC: (ones, 0, 0)", "STOCHASTIC: (ones >> 1, 0, 0)"),
        ("draw turned by a bit more", "mixed", "word.rotate_right(offset) for", "word.rotate_right(offset + 1) for"),
        ("nearest rounding truncates", "mixed", "NEAREST: (0, half, max(half - 1, 0))", "NEAREST: (0, 0, ones)"),
        ("nearest rounds ties up", "mixed", "NEAREST: (0, half, max(half - 1, 0))", "NEAREST: (0, half, half)"),
        ("truncation rounds down", "mixed", "TRUNCATE: (0, 0, ones)", "TRUNCATE: (0, 0, 0)"),
        ("second halving ignored", "mixed", "self._offset(s, h)\n", "self._offset(s, min(h, 1))\n"),
        ("saturation one short", "single", "value < low, value > high", "value < low, value >= high"),
        ("saturates to the other end", "single", "(~negative).replicate(bits)", "negative.replicate(bits)"),
        ("overflow's lowest bit ignored", "single", "(value[bits:-1] ^", "((value[bits:-1] & ~1) ^"),
        (
            "compensation dropped",
            "fifteenth",
            "scaled = value * self.factor if self.factor > 1 else value",
            "scaled = value",
        ),
        (
            "G- one state too low",
            "single",
            "saturate(value, -(1 << (size - 1)), (1 << (size - 1)) - 1)",
            "saturate(value, -(1 << (size - 1)) + 1, 1 << (size - 1))",
        ),
    ),
    *_in(
        "draw.py",
        "sim_draw",
        ("xorshift constant", "words", "word ^ (word >> 17)", "word ^ (word >> 16)"),
        ("row key constant", "words", "(number * WEYL)[:32]", "(number * (WEYL + 2))[:32]"),
        ("rotation of a draw by layer", "words", "ROTATE_LAYER * layer", "ROTATE_NEURON * layer"),
        (
            "two entries of the S-box exchanged",
            "words",
            "table(SUBSTITUTION, word",
            "table((*SUBSTITUTION[:14], 2, 1), word",
        ),
        (
            "two places of the permutation exchanged",
            "words",
            "range(4) for nibble in nibbles)",
            "range(4) for nibble in (*nibbles[:6], nibbles[7], nibbles[6]))",
        ),
        ("hash a round short", "words", "for index in range(MIX_ROUNDS)", "for index in range(MIX_ROUNDS - 1)"),
        ("a number's upper bits not spread", "words", "range(min(16, len(number)))", "range(min(8, len(number)))"),
        ("noise not of mean zero", "words", "word[:8]) - 510", "word[:8]) - 500"),
        (
            "deviates of both halves alike",
            "words",
            "[16 * half + 4 * i : 16 * half + 4 * i + 4]",
            "[4 * i : 4 * i + 4]",
        ),
    ),
    *_in(
        "draw.py",
        "sim_crossbar",
        ("draw rotation off by one", "neurons", "+ ROTATE_LAYER * layer) % 32", "+ ROTATE_LAYER * layer + 1) % 32"),
    ),
    *_in(
        "number.py",
        "sim_neuron",
        ("membrane leak's sign", "lif", "else value - (value >> shift)", "else value + (value >> shift)"),
        ("leak where there is none", "if_neuron", "value if shift < 0", "value - (value >> 7) if shift < 0"),
    ),
    *_in(
        "number.py",
        "sim_rate",
        ("integrator leak's sign", "no_filter", "value - ((value + ones)", "value + ((value + ones)"),
        ("integrator leak rounds down", "no_filter", "((value + ones) >> shift)", "(value >> shift)"),
    ),
    *_in(
        "adder.py",
        "sim_crossbar",
        ("adder tree drops a lane", "tree_5", "for i in range(self.inputs)]", "for i in range(self.inputs - 1)]"),
        ("adder tree adds a pair twice", "tree_5", "b = values[place : place + 2]", "b = values[:2]"),
    ),
    *_in(
        "number.py",
        "sim_device",
        ("devices' draw one bit short", "all", "else draw_word[:shift]", "else draw_word[: shift - 1]"),
        ("devices round ties up", "thresholds", "Mux(negative, half - 1, half)", "Mux(negative, half, half)"),
        ("devices truncate downward", "all", "term = negative.replicate(shift)", "term = Const(0)"),
    ),
    *_in(
        "number.py",
        "sim_crossbar",
        (
            "weights wrap",
            "neurons",
            "new, outside = saturate(value, -(1 << (formats[0] - 1)), (1 << (formats[0] - 1)) - 1)",
            "new, outside = value, Const(0)",
        ),
        (
            "weights saturate in another layer's format",
            "neurons",
            "Mux(chosen, wide, new), Mux(chosen, wide_outside, outside)",
            "new, outside",
        ),
    ),
    *_in(
        "neuron.py",
        "sim_neuron",
        ("fires at the threshold", "lif", "(exact[bit] & exact[:bit].any())", "exact[bit]"),
        ("membrane wraps", "lif", "membrane.eq(clamped)", "membrane.eq(exact)"),
        ("refractory off by one", "if_neuron", "Mux(spike, self.period - 1,", "Mux(spike, self.period,"),
        ("refractory period ignored", "lif", "above & (refractory_3 == 0)", "above"),
        ("reset to zero", "lif", "Mux(spike, membrane - threshold,", "Mux(spike, 0,"),
        (
            "own threshold not taken off",
            "gains",
            "membrane - threshold, membrane",
            "membrane - numbers.threshold, membrane",
        ),
        ("threshold of the next neuron", "gains", "threshold.eq(threshold_2)]", "threshold.eq(threshold_1)]"),
        ("drive of the next neuron", "lif", "driven.eq(leaked + drive)", "driven.eq(leaked + self.drive)"),
    ),
    *_in(
        "inputs.py",
        "sim_inputs",
        (
            "every N-th input spike off by one",
            "every_third",
            "pulse_count == self.every - 1)",
            "pulse_count == self.every - 2)",
        ),
        ("input spikes counted in the free phase", "every_third", "fired & self.counting", "fired"),
        ("input phase dropped", "inputs", "membrane.eq(phase + rest_state)", "membrane.eq(rest_state)"),
        ("input phase kept on restart", "inputs", "[count.eq(0), phase.eq(first),", "[count.eq(0),"),
        ("input fires at the threshold", "inputs", "- 1 - numbers.input_threshold", "- numbers.input_threshold"),
        ("spikes listed backwards", "inputs", "Mux(valid, word.fired, 0)", "Mux(valid, word.fired[::-1], 0)"),
        ("filling slips at gaps", "inputs", "accepted = self.pixels.valid & self", "accepted = self"),
        ("a word's spikes lost behind others", "inputs", "ready.eq(take | ~self.holds)", "ready.eq(1)"),
        ("two spikes taken for one", "inputs", "many_a | many_b | (a & b)", "many_a | many_b"),
        ("spikes held unseen", "inputs", "valid & word.fired.any()", "valid & word.fired[1:].any()"),
        ("a word written before its last pixel", "inputs", "self.write.eq(fill & full)", "self.write.eq(fill)"),
        ("a word begins with the last one's", "inputs", "Mux(place == 0, 0, filling.as_value())", "filling.as_value()"),
    ),
    *_in(
        "input_store.py",
        "sim_inputs",
        ("next image in the present one's place", "prefetch", "Mux(half, 0, self.words)", "Mux(half, self.words, 0)"),
        ("prefetched image keeps the last one's membranes", "prefetch", "first.eq(~begun)", "first.eq(0)"),
    ),
    *_in(
        "rate.py",
        "sim_rate",
        ("delayed spikes forgotten", "no_filter", "self.spike - self.delayed)", "self.spike)"),
        (
            "delay and filter exchanged",
            "filter_4",
            "(self.spike + self.delayed_leaving) - (self.delayed + self.leaving)",
            "(self.spike + self.leaving) - (self.delayed + self.delayed_leaving)",
        ),
        ("rho-bar gain", "filter_4", "<< numbers.rate_gain", "<< numbers.rate_gain - 1"),
    ),
    *_in(
        "crossbar.py",
        "sim_crossbar",
        ("currents cleared too early", "neurons", "clears.eq(op_e.kind ==", "clears.eq(op_r.kind =="),
        (
            "rows and columns swapped, reading",
            "neurons",
            "cg_lanes.eq((is_row & ~op_e.silent) | (is_pair & post_spike_e))",
            "cg_lanes.eq((is_row & ~op_e.silent) | (is_pair & spikes_e.any()))",
        ),
        (
            "columns read without a spike",
            "neurons",
            "cg_lanes.eq((is_row & ~op_e.silent) | (is_pair & post_spike_e))",
            "cg_lanes.eq((is_row & ~op_e.silent) | is_pair)",
        ),
        (
            "forward sum without regard to spikes",
            "neurons",
            "Mux(spikes_e[lane], weights_e[lane], 0)",
            "weights_e[lane]",
        ),
        ("row programs without a pulse", "chance", "op_r.program & (~row_r | pulses.row | alone_r)", "op_r.program"),
        (
            "PG of both sides exchanged",
            "devices_slopes",
            "(row_r & pulses.row) | (pair_r & pulses.above)",
            "(row_r & pulses.row) | (pair_r & pulses.lanes.any())",
        ),
        ("devices of one row for all", "devices_slopes", "program.number.eq(op_a.number)", "program.number.eq(0)"),
    ),
    *_in(
        "current.py",
        "sim_crossbar",
        (
            "currents of all layers aligned alike",
            "neurons",
            "Mux(self.layer == s, word << align, aligned)",
            "aligned",
        ),
        ("feedback of all layers as strong", "neurons", "if align != aligns[s]:", "if False:"),
        (
            "weak feedback on the way up too",
            "neurons",
            "Mux(self.down & (self.layer == s), word",
            "Mux(self.layer == s, word",
        ),
        ("currents not cleared", "neurons", "current.eq(0)", "current.eq(current)"),
    ),
    *_in(
        "program.py",
        "sim_crossbar",
        ("stage F has the next operation", "neurons", "[op.eq(op_e), word", "[op.eq(op_r), word"),
        (
            "rows and columns swapped, drawing",
            "synapses",
            "Mux(pulses.lanes[lane], signal_above, 0) + Mux(pulses.above, signals[lane], 0)",
            "Mux(pulses.above, signal_above, 0) + Mux(pulses.lanes[lane], signals[lane], 0)",
        ),
        (
            "columns programmed without a spike",
            "neurons",
            "(is_pair & (pulses.above | is_drawn | self.naive))",
            "is_pair",
        ),
        ("minus is the complement", "neurons", "Cat(negative, step)", "Cat(Const(0, 1), step)"),
        ("draw of the neuron above", "neurons", "neuron_rotation(s + 1, k)", "neuron_rotation(s, k)"),
        ("draws of all rows alike", "synapses", "key.eq(row_key(self.number))]", "key.eq(0)]"),
        ("written though not programmed", "neurons", "Mux(op.program, new, word[lane])", "new"),
        ("rows of a pair not programmed", "both", "Mux(is_pair & ~is_drawn, rounded, 0)", "0"),
    ),
    *_in(
        "emit.py",
        "sim_crossbar",
        (
            "rows and columns swapped",
            "neurons",
            "pulses.lanes.eq(self.lane_pulses),\n                pulses.above.eq(self.post_pulse),",
            "pulses.lanes.eq(self.post_pulse.replicate(len(self.lane_pulses))),\n"
            "                pulses.above.eq(self.lane_pulses.any()),",
        ),
        ("pulse limit off", "chance", "[16:] < limit", "[16:] < limit - 1024"),
        (
            "pulses drawn without their key",
            "chance",
            "self.word ^ key ^ spread(number)",
            "self.word ^ spread(number)",
        ),
        (
            "pulses of all chunks drawn alike",
            "chance",
            "numbers[c.layer] + c.first + lane for",
            "numbers[c.layer] + lane for",
        ),
    ),
    *_in(
        "crossbar.py",
        "sim_crossbar",
        (
            "every spike programs",
            "neurons",
            "emitters.lane_pulses.eq(self.pulses),\n            emitters.post_pulse.eq(self.post_pulse)",
            "emitters.lane_pulses.eq(self.spikes),\n            emitters.post_pulse.eq(self.post_spike)",
        ),
    ),
    *_in(
        "device.py",
        "sim_crossbar",
        (
            "host writes a stuck device",
            "devices_stuck",
            "(self.kind == Kind.POKE) & (on | off)",
            "Const(0) & (on | off)",
        ),
    ),
    *_in(
        "device.py",
        "sim_device",
        ("G- drifts by the noise", "noise", "Mux(acts_5, new, word[4])", "new"),
        ("conductance without G-", "saturating", " ^ (1 << (bits - 1 - d.curve_shift))", " ^ 0"),
        ("threshold of one half only", "thresholds", "under.eq(x + offsets[1])", "under.eq(x)"),
        ("threshold for one rho-bar of both", "thresholds", "under.eq(x + offsets[1])", "under.eq(x - offsets[0])"),
        (
            "hash repeats in every row",
            "slopes",
            "getattr(seeds, name) ^ spread(self.number)",
            "Const(getattr(seeds, name), 32)",
        ),
        (
            "hash repeats in every lane",
            "slopes",
            "numbers[c.layer] + c.first + lane), 32)",
            "numbers[c.layer] + c.first), 32)",
        ),
        ("noise of all rows alike", "noise", "NOISE_KEY ^ spread(self.number_r)", "NOISE_KEY"),
        ("noise without the step's word", "noise", "self.step_word_r ^ NOISE_KEY ^", "NOISE_KEY ^"),
        ("noise of all layers aligned alike", "noise", "d.noise_gain << (self.fraction - d.fraction)", "d.noise_gain"),
        ("compensation dropped in devices", "all", "held) * self.rounder.factor", "held)"),
        ("slopes and thresholds exchanged", "all", 'shared["slopes"], self', 'shared["thresholds"], self'),
        ("deviates of up and down exchanged", "slopes", "0 if symmetric else half)", "0 if symmetric else 1 - half)"),
        ("one deviate for both", "slopes", "0 if symmetric else half)", "0)"),
        ("curve of the other direction", "saturating", "lookup([d.curves[half]]", "lookup([d.curves[1 - half]]"),
        ("slope times curve not rounded", "all_alike", "curve + (1 << (FACTOR_BITS - 1))", "curve"),
        ("stuck device programmed", "stuck", "self.pg_lanes[lane] & exists & ~stuck", "self.pg_lanes[lane] & exists"),
        ("stuck on and off exchanged", "stuck", "Mux(on, high, low)", "Mux(on, low, high)"),
        (
            "rho-bars of both sides exchanged",
            "slopes",
            '[(own[2], x_own, "own"), (other[2],',
            '[(other[2], x_own, "own"), (own[2],',
        ),
        ("halvings ignored in devices", "slopes", "rounder.amount(s, self.halvings[s])", "rounder.amount(s, Const(0))"),
        ("image's sign ignored in devices", "slopes", "Mux(self.negative, -held, held)", "held"),
        (
            "offsets of all layers aligned alike",
            "thresholds",
            "align = [self.fraction - d.fraction for",
            "align = [0 for",
        ),
        ("draws of all lanes alike", "slopes", "neuron_rotation(0, lane))\n", "neuron_rotation(0, 0))\n"),
        (
            "measured thresholds exchanged",
            "measured",
            "(word.offset_up, word.offset_down)]",
            "(word.offset_down, word.offset_up)]",
        ),
        ("devices that do not exist saturate", "noise", "acts_5 & outside", "outside"),
    ),
    *_in(
        "nudge.py",
        "sim_nudge",
        ("tie goes to the last", "chunks", "count > best", "count >= best"),
        ("skip rule inverted", "chunks", "with m.If(far):", "with m.If(~far):"),
        ("tolerance off by one", "chunks", "(far_by > numbers.skip_counts)", "(far_by >= numbers.skip_counts)"),
        (
            "first spike is the last of its step",
            "chunks",
            "for lane in reversed(range(chunk.count)):",
            "for lane in range(chunk.count):",
        ),
        (
            "first spike is the latest",
            "chunks",
            "with m.If(~self.first_valid & spikes.any()):",
            "with m.If(spikes.any()):",
        ),
        ("nudge without the image's sign", "chunks", "Mux(self.negative, difference, -difference)", "-difference"),
        ("spikes never leave the window", "chunks", "self.leaving[lane].replicate(", "Const(0, 1).replicate("),
        ("every target is zero", "one_chunk", "count - Mux(right, numbers.target, 0)", "count"),
    ),
    *_in(
        "pulse.py",
        "sim_pulse",
        ("half-window off by one", "saw", "Mux(self.delayed, self.half, 0)", "Mux(self.delayed, self.half - 1, 0)"),
        (
            "spikes never leave the tail",
            "saw",
            "self.filtered + self.leaving - self.old",
            "self.filtered + self.leaving",
        ),
        ("square without its end", "square", "(self.spike + self.old)", "self.spike"),
        ("square's middle counted once", "square", "(self.delayed + self.delayed_leaving)", "self.delayed"),
        ("programming pulse at the start", "saw", "self.pulse.eq(self.delayed)", "self.pulse.eq(self.spike)"),
    ),
    *_in(
        "emit.py",
        CORE,
        ("clip missing", "pulse_desynch", "saturate(value, -clip, clip)[0]", "value"),
        ("clip one short", "pulse_desynch", "saturate(value, -clip, clip)[0]", "saturate(value, -clip, clip - 1)[0]"),
        ("tail left under the pulse", "pulse_desynch", "Mux(gone, 0, clipped)", "clipped"),
        (
            "pulses always collide",
            "pulse_desynch_collision",
            "gone = pulse & collides",
            "gone = pulse",
        ),
        ("pulses never collide", "pulse_desynch_collision", "gone = pulse & collides", "gone = Const(0)"),
        ("naive pulse on one side's tail", "pulse_naive", "signal + Mux(self.pair, above, 0)", "signal"),
    ),
    *_in(
        "current.py",
        CORE,
        (
            "current of a bank dropped",
            "core_banks",
            "for bank in range(self.banks - 1))",
            "for bank in range(1, self.banks - 1))",
        ),
    ),
    *_in(
        "crossbar.py",
        CORE,
        (
            "saturations of a bank not counted",
            "core_banks",
            "Cat(self.program.saturated, *(other.saturated for other in banks))",
            "self.program.saturated",
        ),
    ),
    *_in(
        "bank.py",
        CORE,
        ("a bank's word not written", "core_banks", "programmed.eq(programs)", "programmed.eq(0)"),
    ),
    *_in(
        "link/uart.py",
        "sim_uart",
        ("UART bits read at their edge", "receiver_fast", "timer.eq(self.divider // 2 - 1)", "timer.eq(0)"),
        (
            "UART bit a cycle long",
            "receiver_slow",
            "[timer.eq(self.divider - 1), shift.eq(Cat",
            "[timer.eq(self.divider), shift.eq(Cat",
        ),
        (
            "UART byte overwritten",
            "receiver_exact",
            "with m.If(~self.bytes.valid | self.bytes.ready):",
            "with m.If(1):",
        ),
        (
            "UART sends a bit a cycle short",
            "transmitter_8",
            "[shift.eq(shift[1:]), timer.eq(self.divider - 1)]",
            "[shift.eq(shift[1:]), timer.eq(self.divider - 2)]",
        ),
    ),
    *_in(
        "link/cobs.py",
        "sim_cobs",
        ("COBS code off by one", "decoder", "left.eq(byte - 1)", "left.eq(byte)"),
        ("COBS block of 254 bytes brings a zero", "decoder", "zero.eq(byte != 0xFF)", "zero.eq(1)"),
        ("COBS cut block not noticed", "decoder", "frames.payload.error.eq(left != 0)", "frames.payload.error.eq(0)"),
        ("COBS sent code off by one", "encoder", "place - begin + 1", "place - begin"),
        ("COBS last byte not sent", "encoder", "past = place > length", "past = place >= length"),
    ),
    *_in(
        "link/frame.py",
        "sim_frame",
        ("CRC ignored", "fed", "with m.Elif(~check.whole):", "with m.Elif(check.low != check.low):"),
        ("frame too long taken", "fed", "(count < OVERHEAD) | (count > self.longest)", "count < OVERHEAD"),
        (
            "refused frame keeps its bytes",
            "fed",
            'start.eq(Mux(code == STATUS["ok"], tail, start + 1))',
            "start.eq(tail)",
        ),
        ("frame overwritten while it is looked at", "fed", "with m.If(self.free):", "with m.If(1):"),
        ("frame looked at is not begun anew", "fed", "Mux(self.again, kept, begin", "Mux(self.again, begin, begin"),
        (
            "bytes leave before the frame is checked",
            "fed",
            "self.bytes.valid.eq(after != start)",
            "self.bytes.valid.eq(after != tail)",
        ),
        ("overflow not noticed", "flooded", "m.d.sync += full.eq(1)", "m.d.sync += full.eq(0)"),
    ),
    *_in(
        "link/check_sum.py",
        "sim_frame",
        # As version 2 of the protocol was: from a sum without inversion, zeros lead nowhere.
        (
            "zeros behind a frame are not seen",
            "fed",
            "processor.valid.eq(self.bytes.valid)",
            "processor.valid.eq(self.bytes.valid & ~(self.whole & (self.bytes.payload == 0)))",
        ),
        ("CRC without its inversion", "fed", "crc.catalog.CRC32_ISO_HDLC", "crc.catalog.CRC32_JAMCRC"),
    ),
    *_in(
        "link/check_sum.py",
        "sim_check_sum",
        ("CRC begins with the last frame's", "sum", "ResetInserter(self.start)", "ResetInserter(self.own)"),
        ("CRC's own bytes are those of the answer", "sum", "Mux(self.own, ~self.low", "Mux(self.own, self.low"),
    ),
    *_in(
        "link/numbers.py",
        "sim_numbers",
        ("pixel one too bright", "two", "pixel > self.full_scale", "pixel > self.full_scale + 1"),
        ("upper byte of a pixel not looked at", "banks", "pixel > self.full_scale", "pixel[:8] > self.full_scale"),
        ("weight one bit too wide", "two", "weight[bits - 1 :]", "weight[bits:]"),
        ("weight in a lane without a neuron", "two", "(lane < lanes) |", "(lane <= lanes) |"),
        ("word taken for one of the kind before", "banks", "left < words", "left <= words"),
        ("wrong number forgotten", "two", "self.wrong.eq(self.wrong | outside)", "self.wrong.eq(outside)"),
    ),
    *_in(
        "link/executor.py",
        "sim_link",
        ("repeated frame executed again", "mixed", "with m.Elif(back == 0):", "with m.Elif(back <= self.kept):"),
        (
            "frame executed out of turn",
            "mixed",
            "with m.Elif(back == 0):",
            "with m.Elif((back == 0) | (back > self.kept)):",
        ),
        (
            "answer overwritten while it is sent",
            "rushed",
            'with m.If(self.replies.ready):\n                    m.next = "HEAD"',
            'with m.If(1):\n                    m.next = "HEAD"',
        ),
        (
            "refused request executed",
            "mixed",
            'with m.If(self.status == STATUS["ok"]):',
            'with m.If(self.status != STATUS["command"]):',
        ),
        ("answer's CRC counts itself", "mixed", "check.own.eq(1)", "check.own.eq(0)"),
        ("answer's CRC not inverted", "mixed", "self.put_data.eq(check.low)", "self.put_data.eq(~check.low)"),
        ("numbers out of range taken", "mixed", "(self.checked & self.numbers.wrong)", "(self.checked & 0)"),
        ("identify with a payload begins", "mixed", "& (self.left == 0)),", "& (self.left == self.left)),"),
        (
            "identify with a payload out of turn uses up a number",
            "mixed",
            'with m.Elif(self.command == COMMAND["identify"].code):\n                m.d.sync += [self.refused.eq(1)',
            'with m.Elif(self.command == COMMAND["identify"].code):\n'
            "                m.d.sync += [self.refused.eq(1), self.expected.eq(self.sequence + 1)",
        ),
    ),
    *_in(
        "link/commands.py",
        "sim_link",
        ("weights past the word's end", "mixed", "<= sizes.lanes)", "<= 2 * sizes.lanes)"),
        ("label past the outputs taken", "mixed", "< sizes.outputs)", "<= sizes.outputs)"),
        ("halvings past the schedule taken", "mixed", "<= most for", "<= most + 1 for"),
        ("halvings of layers that are not there", "mixed", "* len(halved) :].any()", "* len(halved) :].all()"),
        ("bits of control that are none", "mixed", "protocol.RESET)).any()", "protocol.RESET)).all()"),
        (
            "reset leaves the learning rates",
            "mixed",
            "m.d.sync += self.halvings.eq(0)",
            "m.d.sync += self.halvings.eq(self.halvings)",
        ),
    ),
    *_in(
        "forward.py",
        CORE,
        (
            "host reads another bank's weight of the group before",
            "core_wide_banks",
            "passes[1].post >>",
            "passes[2].post >>",
        ),
    ),
    *_in(
        "inputs.py",
        "sim_inputs",
        ("pixels of another bank's neurons", "gatherer", "table([*chosen[1:], 0]", "table([*chosen]"),
        ("bright words of the last image kept", "eager", "m.d.sync += bright.eq(0)", "pass"),
        ("a bright word passed over", "eager_prefetch", "m.d.sync += left.eq(shown)", "m.d.sync += left.eq(shown[1:])"),
        ("a step ends before its last spike", "eager", "(self.spikes.valid & (pending.step == step))", "0"),
        ("a step ends with the spikes of the next", "eager", "pending.step.eq(held.step)", "pending.step.eq(0)"),
        ("steps start into each other", "eager", "~(running | given_valid | valid) &", "(under_way < 3) &"),
    ),
    *_in(
        "input_steps.py",
        "sim_input_steps",
        ("one list too many made ahead", "steps", "SpikeQueue.LISTS - 1", "SpikeQueue.LISTS"),
        ("a step started for the last image", "steps", "& room & ~self.restart", "& room"),
        ("a step of the next phase made ahead", "steps", "Mux(self.nudging, all_steps,", "Mux(1, all_steps,"),
        ("steps made ahead of the first spike", "steps", "m.Elif(self.start & self.alone)", "m.Elif(0)"),
    ),
    *_in(
        "spike_list.py",
        "sim_spike_list",
        ("a list begins behind the last one", "queue", "at = Mux(self.close, 0, filled)", "at = filled"),
        ("the last entry told too late", "queue", "final.eq(counts[first] - 1)", "final.eq(counts[first])"),
        ("the length of another list", "queue", "count.eq(counts[first])", "count.eq(counts[made])"),
        ("fired inputs of the newest step", "fired_ahead", "self.served.eq(made[first])", "self.served.eq(made[0])"),
    ),
    *_in(
        "streams.py",
        CORE,
        (
            "first step as wide as the free phase",
            "core_late",
            "range(learning.free_steps + learning.nudge_steps)",
            "range(learning.free_steps + 1)",
        ),
        ("delay off by one", "core", "[ages.delayed]\n", "[ages.delayed + 1]\n"),
        (
            "filter off by one",
            "core_filter",
            "ages.delayed, ages.leaving,",
            "ages.delayed, ages.leaving - 1,",
        ),
        ("half a pulse off by one", "pulse_desynch", "[ages.delayed, ages.old]", "[ages.delayed + 1, ages.old]"),
        ("whole pulse off by one", "pulse_desynch", "ages.old]", "ages.old - 1]"),
    ),
    *_in(
        "chunk_state.py",
        CORE,
        (
            "window off by one",
            "core",
            "[*tap_ages(config), config.learning.window]",
            "[*tap_ages(config), config.learning.window - 1]",
        ),
        ("spikes of the last image in the delay line", "core", "Mux(seen, history_read.data, 0)", "history_read.data"),
        ("state of the last image", "core", "Mux(begun, state_read.data, 0)", "state_read.data"),
    ),
    *_in(
        "spike_list.py",
        CORE,
        (
            "spike list's bank swapped",
            "core",
            "self.place[:half_bits], serving",
            "self.place[:half_bits], filling",
        ),
    ),
    *_in(
        "bias.py",
        CORE,
        ("bias dropped", "core", "self.spike.eq(phase == 0)", "self.spike.eq(0)"),
        (
            "bias counts in the free phase",
            "core_sparse",
            "self.end_step & (phase == 0) & self.counting",
            "self.end_step & (phase == 0)",
        ),
    ),
    *_in(
        "generator.py",
        CORE,
        ("image's sign never drawn", "core", "sign = self.word[0] if self.random_sign else 0", "sign = 0"),
        ("stream key stands still", "core", "self.key.eq(self.key + WEYL)", "self.key.eq(self.key)"),
    ),
    *_in(
        "image_port.py",
        CORE,
        (
            "first spike of the last image",
            "core",
            "m.d.sync += first_step_known.eq(0)",
            "m.d.sync += first_step_known.eq(first_step_known)",
        ),
        ("first spike a step late", "core_banks", "first_step.eq(late_step)", "first_step.eq(self.steps_done)"),
        ("label of the next image", "core_banks", "self.label.eq(label)", "self.label.eq(image.label)"),
    ),
    *_in(
        "pairs.py",
        CORE,
        ("rows of two-way synapses skipped", "core", "Mux(fired, everyone, acts", "(acts"),
        ("two-way words chosen before the spikes are in", "core_banks", "known.eq(self.settled)", "known.eq(1)"),
        (
            "late pulses not served",
            "pulse_desynch",
            "Mux(self.learns, self.pulses[layer_name(n)], 0)",
            "Mux(self.learns, 0, 0)",
        ),
    ),
    *_in(
        "sums.py",
        CORE,
        (
            "sums from below never cleared",
            "core",
            "[sums[k].eq(0) for k",
            "[sums[k].eq(sums[k]) for k",
        ),
    ),
    *_in(
        "lane.py",
        CORE,
        ("pulse with the spike", "pulse_desynch", "self.pulse.eq(signal.pulse)", "self.pulse.eq(self.spike)"),
        ("every N-th spike off by one", "core_sparse", "(count == self.every - 1)", "(count == self.every - 2)"),
        ("spikes counted in the free phase", "core_sparse", "self.spike & self.counting", "self.spike"),
    ),
    *_in(
        "neurons.py",
        CORE,
        ("nudged in the free phase", "core", "nudged = self.nudging & is_output", "nudged = is_output"),
        (
            "gain of the chunk's first neuron",
            "core_sparse",
            "thresholds[c.layer][c.first + number])",
            "thresholds[c.layer][c.first])",
        ),
        (
            "gain of the layer's first chunk",
            "core_sparse",
            "thresholds[c.layer][c.first + number])",
            "thresholds[c.layer][number])",
        ),
    ),
    *_in(
        "pipeline.py",
        CORE,
        ("step's word too early", "core", "self.begins_step_a.eq((op_a.kind", "self.begins_step_a.eq((op_b.kind"),
        (
            "rows of a bank drawn by their place",
            "core_banks",
            "row_a.number.eq(found.number)",
            "row_a.number.eq(found.place)",
        ),
        ("every input spike programs", "core_sparse", "~listed_b | found.pulse if", "1 if"),
    ),
    *_in(
        "sequencer.py",
        CORE,
        (
            "learns a step too early",
            "core",
            "self.step > self.config.learning.free_steps)",
            "self.step >= self.config.learning.free_steps)",
        ),
        ("naive programs only rows that fired", "pulse_naive", "self.learns & own.any()", "Const(0)"),
        ("naive reads silent rows", "pulse_naive", "~self.inputs_served.bit_select(self.list_place, 1)", "0"),
        ("every bias spike programs", "core_sparse", "self._programs & self.bias_pulse", "self._programs"),
        ("state read before it is written", "core_banks", "with m.If(~waits)", "with m.If(Const(1))"),
        (
            "rows of a bank programmed in the free phase",
            "core_banks",
            "row.program.eq(more & self._programs)",
            "row.program.eq(more)",
        ),
    ),
    *_in(
        "core.py",
        CORE,
        (
            "image's sign ignored in programming",
            "core",
            "crossbar.negative.eq(self.generator.negative)",
            "crossbar.negative.eq(0)",
        ),
        (
            "neuron above of the operation before",
            "core",
            "registers.operation_a.eq(pipeline.operation_a)",
            "registers.operation_a.eq(pipeline.operation_r)",
        ),
    ),
    *_in(
        "weight_port.py",
        "sim_weight_port",
        ("weight read over one that waits", "one_bank", "& ~peeking & ~self.weight_data.valid", "& ~peeking"),
        ("second read before the first is done", "banks", "valid & ~peeking &", "valid &"),
        (
            "command of another bank's word",
            "banks",
            "word - self.layout.bank_first[bank]",
            "word - self.layout.bank_first[bank - 1]",
        ),
    ),
    *_in(
        "image_port.py",
        "sim_image_port",
        (
            "image offered by its first bank",
            "images_prefetch",
            "self.offered.eq(self.loaded.all())",
            "self.offered.eq(self.loaded[0])",
        ),
        ("pixels taken before they are asked for", "images", "ready & self.fill", "ready"),
        (
            "result taken twice",
            "results",
            "m.d.sync += self.results.valid.eq(0)",
            "m.d.sync += self.results.valid.eq(1)",
        ),
    ),
    *_in(
        "generator.py",
        "sim_generator",
        ("key 0 not replaced", "random_sign", "Mux(self.key == 0, MASK32, self.key)", "self.key"),
    ),
    *_in(
        "generator.py",
        "sim_ports",
        ("key 0 not replaced in the core", "reset", "Mux(self.key == 0, MASK32, self.key)", "self.key"),
        ("key loaded at an image's end lost", "reset", "with m.Elif(self.next_key)", "with m.If(self.next_key)"),
    ),
    *_in(
        "sequencer.py",
        "sim_ports",
        (
            "image begins while a key is loaded",
            "reset",
            "& ~self.result_valid & ~self.key_load",
            "& ~self.result_valid",
        ),
        (
            "image begins before the last result is taken",
            "reset",
            "& ~self.result_valid & ~self.key_load",
            "& ~self.key_load",
        ),
    ),
    *_in(
        "counters.py",
        "sim_counters",
        ("cycles counted while idle", "counters", "(counters.cycles, busy)", "(counters.cycles, 1)"),
        ("cycles not cleared", "counters", "counters.as_value().eq(0)", "counters.as_value()[32:].eq(0)"),
    ),
    *_in(
        "core.py",
        CORE,
        (
            "cycles counted while idle in the core",
            "core",
            "events.result_valid.eq(self.results.valid)",
            "events.result_valid.eq(0)",
        ),
        (
            "cycles never cleared in the core",
            "core",
            "self.measurements.clear.eq(self.clear_counters)",
            "self.measurements.clear.eq(0)",
        ),
    ),
    *_in(
        "sequencer.py",
        CORE,
        ("row base of another bank dropped", "core_chunk_banks", "row.address.eq(base)", "row.address.eq(0)"),
        ("stage: waiting counts as serving", "core", "m.d.comb += self.stage.eq(Stage.WAIT)", "pass"),
        (
            "stage: loading counts as beginning",
            "core",
            "[self.stage.eq(Stage.LOAD), self._op.kind.eq(Kind.LOAD)]",
            "self._op.kind.eq(Kind.LOAD)",
        ),
        ("stage: filling counts as idle", "core", "self.stage.eq(Stage.FILL), self.fill", "self.fill"),
        (
            "stage: a step's beginning counts as loading",
            "core",
            "self.stage.eq(Stage.BEGIN), self.begin_step",
            "self.stage.eq(Stage.LOAD), self.begin_step",
        ),
        (
            "stage: updating counts as serving",
            "core",
            "m.d.comb += self.stage.eq(Stage.UPDATE)",
            "pass",
        ),
        ("a chunk's state never taken again", "core_eager", "m.d.sync += self._stale.eq(still)", "pass"),
        ("a chunk's state taken too early", "core_eager", "reload.eq(self._stale & ~still)", "reload.eq(self._stale)"),
        ("pairs chosen before spikes stand", "core_eager", "& (self._recent == 0))", ")"),
        (
            "a chunk ends before its taps are read",
            "core_filter",
            "return ~self._stale & (~left | (self._tap == after))",
            "return ~self._stale",
        ),
        (
            "a chunk ends before another bank's rows",
            "core_eager",
            "(~self.list_more | self.list_last)[1:].all()",
            "Const(1)",
        ),
        ("a chunk ends before the last pair", "core", "served.eq(self.pairs_last &", "served.eq(self.pairs_left &"),
        ("a chunk ends before sums from below", "core_deep", "Sums.LATENCY - others)", "Sums.LATENCY - 2 * others)"),
        (
            "stage: judging counts as idle",
            "core",
            "m.d.comb += self.stage.eq(Stage.RESULT)\n        with m.If(self.scanned &",
            "with m.If(self.scanned &",
        ),
    ),
    *_in(
        "accumulator.py",
        "sim_accumulator",
        (
            "a full accumulator's pulse the other way",
            "program",
            "Mux(up, pulse, Mux(down, -pulse, 0))",
            "Mux(up, -pulse, Mux(down, pulse, 0))",
        ),
        ("pulses of up only", "program", "Mux(up, pulse, Mux(down, -pulse, 0))", "Mux(up | down, pulse, 0)"),
        ("less than a whole step taken off", "program", "Mux(over, -self.full,", "Mux(over, 1 - self.full,"),
        ("nothing taken off below", "alone", "Mux(under, self.full, 0)", "0"),
        (
            "what does not fit wraps",
            "program",
            "kept, _ = saturate(left, 1 - self.full, self.full - 1)",
            "kept = left",
        ),
        (
            "what does not fit wraps at the image's end",
            "image_end",
            "self.new[lane].eq(kept)",
            "self.new[lane].eq(left)",
        ),
        ("full only above a step", "two_bits", "exact >= self.full, exact", "exact > self.full, exact"),
        ("layer of the word behind", "program", "layer = layers[-1]", "layer = layers[-2]"),
        ("gathered draws of all rows alike", "program", "key.eq(row_key(self.number)),", "key.eq(0),"),
        (
            "gathered draws of all lanes alike",
            "alone",
            "lane_word(drawn, lane), control",
            "lane_word(drawn, 0), control",
        ),
        (
            "gathered signals of both sides exchanged",
            "program",
            "Mux(self.pulses.lanes[lane], self.post_integrator, 0) + Mux(self.pulses.above, own, 0)",
            "Mux(self.pulses.lanes[lane], own, 0) + Mux(self.pulses.above, self.post_integrator, 0)",
        ),
        ("gathered without a pulse", "program", "Mux(programs, rounded, 0)", "rounded"),
        (
            "image's sign ignored in accumulators",
            "image_end",
            "rounded, 0)), self.negative)",
            "rounded, 0)), Const(0))",
        ),
    ),
    *_in(
        "device.py",
        CORE,
        ("device rounds by the accumulator's draw", "core_gather", "high=bool(self.rest_bits)", "high=False"),
        ("gathered pulses of one sign", "core_gather", "Mux(down, -size, size)", "size"),
    ),
    *_in(
        "products.py",
        "sim_products",
        ("lowest bit first", "long", "place.eq(left - 1)", "place.eq(self.bits - left)"),
        ("neuron above left out of products", "long", "(one + other)", "one"),
        ("own side left out of products", "long", "(one + other)", "other"),
        ("products on the last ones", "long", "m.d.sync += product.eq(0)", "m.d.sync += product.eq(product)"),
        ("products said to stand a bit early", "long", "last.eq(left == 1)", "last.eq(left == 2)"),
    ),
    *_in(
        "input_counts.py",
        "sim_input_counts",
        ("counts not cleared", "many", "read.data + 1, 0)", "read.data + 1, read.data)"),
        ("count lost behind another", "many", "counts | ~self.cleared", "(counts & ~self.serves) | ~self.cleared"),
        (
            "count of the input before",
            "many",
            "Mux(self.cleared, counted, clearing)",
            "Mux(self.cleared, self.served, clearing)",
        ),
        (
            "last count not cleared",
            "many",
            "self.cleared.eq(clearing == self.inputs)",
            "self.cleared.eq(clearing >= self.inputs - 1)",
        ),
    ),
    *_in(
        "sweep.py",
        "sim_sweep",
        ("sweep without biases", "one_hidden", "Mux(is_bias, self.bias_count,", "Mux(is_bias, 0,"),
        ("sweep a row short", "one_hidden", "[Const(layers[0] - 1),", "[Const(layers[0] - 2),"),
        ("rows of inputs without spikes programmed", "one_hidden", "(self.count == 0) & (self.above == 0)", "Const(0)"),
        ("columns without spikes left out", "one_hidden", "(self.count == 0) & (self.above == 0)", "self.count == 0"),
        ("input's count before it stands", "one_hidden", "NEXT = 1\n", "NEXT = 0\n"),
        ("neuron above before it stands", "one_hidden", "SETTLE = Pipeline.TO_R\n", "SETTLE = Pipeline.TO_R - 1\n"),
        ("number of the neuron above", "two_hidden", "numbers[min(c.layer + 1, last)] for", "numbers[c.layer] for"),
        ("columns take the sum of rows", "two_hidden", "Mux(self.part == 2, self.above_sum, 0)", "self.above_sum"),
        ("sweep ends before its last word is written", "one_hidden", "Pipeline.LATENCY + write_stage", "write_stage"),
    ),
    *_in(
        "lane.py",
        "sim_lane",
        (
            "sum of the present step",
            "image_end",
            "Mux(self.summing, passed.integrator, 0)",
            "Mux(self.summing, signal.next_integrator, 0)",
        ),
        (
            "spikes of the present step",
            "image_end",
            "(self.summing & passed.last_spike)",
            "(self.summing & self.spike)",
        ),
        ("sums of all steps", "image_end", "Mux(self.summing, passed.integrator, 0)", "passed.integrator"),
    ),
    *_in(
        "neurons.py",
        CORE,
        ("sums a step too early", "core_sweep", "self.steps_done > self.config", "self.steps_done >= self.config"),
    ),
    *_in(
        "image_end.py",
        CORE,
        (
            "inputs counted while they are swept",
            "core_sweep",
            "(operation.chunk == 0) & ~operation.silent",
            "(operation.chunk == 0)",
        ),
        ("inputs counted in every chunk", "core_sweep", "& (operation.chunk == 0) &", "&"),
        ("biases counted for inputs", "core_sweep", "(operation.number < first)", "(operation.number < 64)"),
        (
            "inputs counted in the free phase",
            "core_sweep",
            "(self.step_a > self.config.learning.free_steps)",
            "(self.step_a > 0)",
        ),
        ("lanes without a neuron are programmed", "core_sweep", "acts[lane].eq(exist[lane] & (", "acts[lane].eq(("),
        ("who acts is not kept", "core_sweep", "with m.If(sweep.multiply):", "with m.If(1):"),
    ),
    *_in(
        "sequencer.py",
        CORE,
        ("no sweep", "core_sweep", 'm.next = "SWEEP" if self.image_end else "RESULT"', 'm.next = "RESULT"'),
    ),
]


def target(module: str, job: str) -> tuple[wiring.Component, dict]:
    """(component, job) of a name."""
    if module == CORE:
        from eqspike.rtl.core import Core

        odd = job.removeprefix("odd_")
        plain = odd_job(odd) if odd != job else core_jobs()[job]
        return Core(config_from_dict(plain["config"])), plain
    sim = importlib.import_module(f"cocotb_tests.{module}")
    return sim.make(sim.JOBS[job]), sim.JOBS[job]
