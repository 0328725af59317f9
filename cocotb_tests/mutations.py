"""Planted bugs: each a change of the RTL's text that a test must find.

`plant` puts a changed copy of the package `rtl` into a folder. `python -m cocotb_tests.mutations MODULE JOB FILE`, run
there, writes the Verilog of the component that this module tests with this job. The cocotb module itself then runs as
ever: ports and golden model are those of the unchanged project.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from amaranth.lib import wiring

from cocotb_tests import bench, harness, networks
from cocotb_tests.bench import config_data
from golden.config import config_from_dict
from golden.data import load_split
from golden.network import INFER, INFER_FIRST_SPIKE, LEARN

PROJECT = Path(__file__).resolve().parent.parent

CORE = "sim_compare"
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
    """Jobs of `CORE`: with and without the rho-bar filter; with rows in several banks, of few lanes and of many;
    on neurons of which every third spike programs and that differ in gain; A-EqSpike."""
    modes = [LEARN, LEARN, LEARN, INFER, INFER_FIRST_SPIKE, LEARN]
    return {
        "core": _core_job(modes),
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
        # More lanes than the host's is chosen among in a cycle.
        "core_wide_banks": _core_job(
            modes, network={"layers": [13, 18, 3]}, hardware={"lanes": 18, "input_lanes": 4, "banks": 2}
        ),
        "core_sparse": _core_job(modes, programming={"every": 3}, neuron={"gain_spread": 0.3}),
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
        ("xorshift constant", "single", "word ^ (word >> 17)", "word ^ (word >> 16)"),
        ("row key constant", "single", "(number * WEYL)[:32]", "(number * (WEYL + 2))[:32]"),
        ("rotation of a draw by layer", "single", "ROTATE_LAYER * layer", "ROTATE_NEURON * layer"),
        ("stochastic rounding truncates", "mixed", "STOCHASTIC: (ones, 0, 0)", "STOCHASTIC: (0, 0, ones)"),
        ("draw one bit short", "mixed", "STOCHASTIC: (ones, 0, 0)", "STOCHASTIC: (ones >> 1, 0, 0)"),
        ("draw turned by a bit more", "mixed", "rotate_right(word, offset) for", "rotate_right(word, offset + 1) for"),
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
        (
            "two entries of the S-box exchanged",
            "single",
            "table(SUBSTITUTION, word",
            "table((*SUBSTITUTION[:14], 2, 1), word",
        ),
        (
            "two places of the permutation exchanged",
            "single",
            "range(4) for nibble in nibbles)",
            "range(4) for nibble in (*nibbles[:6], nibbles[7], nibbles[6]))",
        ),
        ("hash a round short", "single", "for index in range(MIX_ROUNDS)", "for index in range(MIX_ROUNDS - 1)"),
        ("a number's upper bits not spread", "single", "range(min(16, len(number)))", "range(min(8, len(number)))"),
        ("noise not of mean zero", "single", "word[:8]) - 510", "word[:8]) - 500"),
        (
            "deviates of both halves alike",
            "single",
            "[16 * half + 4 * i : 16 * half + 4 * i + 4]",
            "[4 * i : 4 * i + 4]",
        ),
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
        ("devices' draw one bit short", "all", "term = draw_word[:shift]", "term = draw_word[: shift - 1]"),
        ("devices round ties up", "thresholds", "Mux(negative, half - 1, half)", "Mux(negative, half, half)"),
        ("devices truncate downward", "all", "term = negative.replicate(shift)", "term = Const(0)"),
    ),
    *_in(
        "number.py",
        "sim_crossbar",
        ("draw rotation off by one", "neurons", "+ ROTATE_LAYER * layer) % 32", "+ ROTATE_LAYER * layer + 1) % 32"),
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
        (
            "every N-th input spike off by one",
            "every_third",
            "pulse_count == self.every - 1)",
            "pulse_count == self.every - 2)",
        ),
        ("input spikes counted in the free phase", "every_third", "fired[lane] & self.counting", "fired[lane]"),
        ("input phase dropped", "inputs", "membrane.eq(phase + rest_state)", "membrane.eq(rest_state)"),
        ("input phase kept on restart", "inputs", "[count.eq(0), phase.eq(0),", "[count.eq(0),"),
        ("input fires at the threshold", "inputs", "- 1 - numbers.input_threshold", "- numbers.input_threshold"),
        ("spikes listed backwards", "inputs", "held.eq(Mux(valid, fired, 0))", "held.eq(Mux(valid, fired[::-1], 0))"),
        ("filling slips at gaps", "inputs", "accepted = self.pixels.valid & self", "accepted = self"),
        ("a word's spikes lost behind others", "inputs", "go.eq(take | ~waits)", "go.eq(1)"),
        ("two spikes taken for one", "inputs", "many_a | many_b | (a & b)", "many_a | many_b"),
        ("spikes held unseen", "inputs", "waits.eq(valid & fired.any())", "waits.eq(valid & fired[1:].any())"),
        ("next image in the present one's place", "prefetch", "Mux(half, 0, self.words)", "Mux(half, self.words, 0)"),
        ("prefetched image keeps the last one's membranes", "prefetch", "first.eq(~begun)", "first.eq(0)"),
        ("a word written before its last pixel", "inputs", "write_filled.eq(fill & full)", "write_filled.eq(fill)"),
        ("a word begins with the last one's", "inputs", "Mux(place == 0, 0, filling.as_value())", "filling.as_value()"),
        ("drive of the next neuron", "lif", "driven.eq(leaked + drive)", "driven.eq(leaked + self.drive)"),
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
        ("currents cleared too early", "neurons", "self.clears.eq(op_e.kind ==", "self.clears.eq(op_r.kind =="),
        ("stage F has the next operation", "neurons", "[op.eq(op_e), word", "[op.eq(op_r), word"),
        (
            "rows and columns swapped",
            "neurons",
            "Pulses(~op_r.silent, self.pulses, self.post_pulse)",
            "Pulses(~op_r.silent, self.post_pulse.replicate(len(self.pulses)), self.pulses.any())",
        ),
        (
            "rows and columns swapped, drawing",
            "synapses",
            "Mux(pulses.lanes[lane], signal_above, 0) + Mux(pulses.above, signals[lane], 0)",
            "Mux(pulses.above, signal_above, 0) + Mux(pulses.lanes[lane], signals[lane], 0)",
        ),
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
            "columns programmed without a spike",
            "neurons",
            "(is_pair & (pulses.above | is_drawn | self.naive))",
            "is_pair",
        ),
        ("minus is the complement", "neurons", "Cat(self.negative, turned)", "Cat(Const(0, 1), turned)"),
        (
            "currents of all layers aligned alike",
            "neurons",
            "Mux(op_e.synapses == s, word[lane] << align, aligned)",
            "aligned",
        ),
        ("currents not cleared", "neurons", "current.eq(0)", "current.eq(current)"),
        ("draw of the neuron above", "neurons", "neuron_rotation(s + 1, k)", "neuron_rotation(s, k)"),
        ("draws of all rows alike", "synapses", "key.eq(row_key(op_a.number))", "key.eq(0)"),
        ("written though not programmed", "neurons", "Mux(op_e.program, new, word[lane])", "new"),
        ("rows of a pair not programmed", "both", "Mux(is_pair & ~is_drawn, rounded, 0)", "0"),
        ("forward sum without regard to spikes", "neurons", "Mux(spikes_e[lane], word_e[lane], 0)", "word_e[lane]"),
        (
            "every spike programs",
            "neurons",
            "self.pulses, self.post_pulse), Const(1)",
            "self.spikes, self.post_spike), Const(1)",
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
        ("row programs without a pulse", "chance", "op_r.program & (~row_r | pulses.row | alone_r)", "op_r.program"),
        (
            "PG of both sides exchanged",
            "devices_slopes",
            "(row_r & pulses.row) | (pair_r & pulses.above)",
            "(row_r & pulses.row) | (pair_r & pulses.lanes.any())",
        ),
        (
            "host writes a stuck device",
            "devices_stuck",
            "devices.pokes.eq(op_r.kind == Kind.POKE)",
            "devices.pokes.eq(0)",
        ),
        ("devices of one row for all", "devices_slopes", "devices.number.eq(op_a.number)", "devices.number.eq(0)"),
    ),
    *_in(
        "device.py",
        "sim_device",
        ("G- drifts by the noise", "noise", "Mux(written, new, word[4])", "new"),
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
        ("noise without the step's word", "noise", "self.step_word ^ NOISE_KEY ^", "NOISE_KEY ^"),
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
            '((own[2], x_own, "own"), (other[2],',
            '((other[2], x_own, "own"), (own[2],',
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
        ("devices that do not exist saturate", "noise", "written & outside", "outside"),
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
        "crossbar.py",
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
        (
            "current of a bank dropped",
            "core_banks",
            "*(b.word[lane] << aligns[0] for b in others)",
            "*(b.word[lane] << aligns[0] for b in others[1:])",
        ),
        (
            "saturations of a bank not counted",
            "core_banks",
            "popcount(Cat(saturated, *(b.saturated for b in others)))",
            "popcount(saturated)",
        ),
        ("a bank's word not written", "core_banks", "programmed.eq(self.programs_late)", "programmed.eq(0)"),
        ("naive pulse on one side's tail", "pulse_naive", "lane + Mux(op_r.kind == Kind.PAIR, above, 0)", "lane"),
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
        ("CRC ignored", "fed", "with m.Elif(~check.match_detected):", "with m.Elif(check.crc != check.crc):"),
        ("frame too long taken", "fed", "(count < OVERHEAD) | (count > self.longest)", "count < OVERHEAD"),
        ("refused frame keeps its bytes", "fed", "[at.eq(start + HEADER), count.eq(0)]", "[count.eq(0)]"),
        (
            "bytes leave before the frame is checked",
            "fed",
            "self.bytes.valid.eq(after != start)",
            "self.bytes.valid.eq(after != at)",
        ),
        ("overflow not noticed", "flooded", "m.d.sync += full.eq(1)", "m.d.sync += full.eq(0)"),
    ),
    *_in(
        "link/executor.py",
        "sim_link",
        ("repeated frame executed again", "mixed", "with m.Elif(back == 0):", "with m.Elif(back <= kept):"),
        ("frame executed out of turn", "mixed", "with m.Elif(back == 0):", "with m.Elif((back == 0) | (back > kept)):"),
        (
            "answer overwritten while it is sent",
            "rushed",
            'with m.If(self.replies.ready):\n                        m.next = "HEAD"',
            'with m.If(1):\n                        m.next = "HEAD"',
        ),
        ("weights past the word's end", "mixed", "<= sizes.lanes)", "<= 2 * sizes.lanes)"),
        (
            "refused request executed",
            "mixed",
            'with m.If(status == STATUS["ok"]):',
            'with m.If(status != STATUS["command"]):',
        ),
        ("label past the outputs taken", "mixed", "< sizes.outputs)", "<= sizes.outputs)"),
        (
            "reset leaves the learning rates",
            "mixed",
            "m.d.sync += self.halvings.eq(0)",
            "m.d.sync += self.halvings.eq(self.halvings)",
        ),
        (
            "answer's CRC halves exchanged",
            "mixed",
            "Mux(index == 0, check.crc[8:], low)",
            "Mux(index == 0, check.crc[:8], check.crc[8:])",
        ),
    ),
    *_in(
        "crossbar.py",
        CORE,
        (
            "host reads another bank's weight of the group before",
            "core_wide_banks",
            "passes[1].post >>",
            "passes[2].post >>",
        ),
    ),
    *_in(
        "neuron.py",
        CORE,
        ("pixels of another bank's neurons", "core_banks", "table([*all_mine[1:], 0]", "table([*all_mine]"),
    ),
    *_in(
        "core.py",
        CORE,
        ("delay off by one", "core", "[config.rate.delay]\n", "[config.rate.delay + 1]\n"),
        (
            "filter off by one",
            "core_filter",
            "[config.rate.delay, config.rate.filter,",
            "[config.rate.delay, config.rate.filter - 1,",
        ),
        (
            "window off by one",
            "core",
            "[*self.taps, self.config.learning.window]",
            "[*self.taps, self.config.learning.window - 1]",
        ),
        ("spikes of the last image in the delay line", "core", "Mux(seen, history_read.data, 0)", "history_read.data"),
        ("state of the last image", "core", "Mux(begun, state_read.data, 0)", "state_read.data"),
        (
            "spike list's bank swapped",
            "core",
            "self.place[:half], ~filling",
            "self.place[:half], filling",
        ),
        ("bias dropped", "core", "self.serves_bias.eq(self.bias_phase == 0)", "self.serves_bias.eq(0)"),
        ("learns a step too early", "core", "self.step > learning.free_steps)", "self.step >= learning.free_steps)"),
        (
            "image's sign ignored in programming",
            "core",
            "crossbar.negative.eq(self.negative)",
            "crossbar.negative.eq(0)",
        ),
        ("image's sign never drawn", "core", "sign = self.word[0] if learning.random_sign else 0", "sign = 0"),
        ("nudged in the free phase", "core", "nudged = self.nudging & is_output", "nudged = is_output"),
        (
            "rows of two-way synapses skipped",
            "core",
            "Mux(acts[chunk.layer][mine].any(), (1 << above) - 1, acts",
            "(acts",
        ),
        (
            "first spike of the last image",
            "core",
            "m.d.sync += self.first_step_known.eq(0)",
            "m.d.sync += self.first_step_known.eq(self.first_step_known)",
        ),
        ("stream key stands still", "core", "self.key.eq(self.key + WEYL)", "self.key.eq(self.key)"),
        ("first spike a step late", "core_banks", "first_step.eq(late_step)", "first_step.eq(self.steps_done)"),
        (
            "sums from below never cleared",
            "core",
            "[total.eq(0) for total in sums]",
            "[total.eq(total) for total in sums]",
        ),
        ("half a pulse off by one", "pulse_desynch", "[config.pulse.half, 2 *", "[config.pulse.half + 1, 2 *"),
        ("whole pulse off by one", "pulse_desynch", "2 * config.pulse.half + 1]", "2 * config.pulse.half]"),
        ("pulse with the spike", "pulse_desynch", "pulses[lane].eq(rho.pulse),", "pulses[lane].eq(spikes[lane]),"),
        ("late pulses not served", "pulse_desynch", "Mux(learns, p, 0)", "Mux(learns, 0, 0)"),
        (
            "naive programs only rows that fired",
            "pulse_naive",
            "learns & self.pulses[chunk.layer][mine].any()",
            "Const(0)",
        ),
        ("naive reads silent rows", "pulse_naive", "~self.inputs_served.bit_select(self.list_place, 1)", "0"),
        (
            "gain of the chunk's first neuron",
            "core_sparse",
            "thresholds[c.layer][c.first + lane])",
            "thresholds[c.layer][c.first])",
        ),
        (
            "gain of the layer's first chunk",
            "core_sparse",
            "thresholds[c.layer][c.first + lane])",
            "thresholds[c.layer][lane])",
        ),
        ("every N-th spike off by one", "core_sparse", "(count == self.every - 1)", "(count == self.every - 2)"),
        ("spikes counted in the free phase", "core_sparse", "spikes[lane] & self.counting", "spikes[lane]"),
        (
            "bias counts in the free phase",
            "core_sparse",
            "(self.bias_phase == 0) & self.counting",
            "self.bias_phase == 0",
        ),
        ("every bias spike programs", "core_sparse", "learns & self.bias_pulse", "learns"),
        ("step's word too early", "core", "self.new_word.eq((op_a.kind", "self.new_word.eq((op_b.kind"),
        (
            "two-way words chosen before the spikes are in",
            "core_banks",
            "with m.If(~known & self.settled)",
            "with m.If(~known)",
        ),
        ("state read before it is written", "core_banks", "with m.If(~still)", "with m.If(Const(1))"),
        (
            "rows of a bank drawn by their place",
            "core_banks",
            "row_a.number.eq(found.number)",
            "row_a.number.eq(found.place)",
        ),
        (
            "neuron above of the operation before",
            "core",
            "self.rhobar[s + 1][op_a.post]",
            "self.rhobar[s + 1][op_r.post]",
        ),
        ("label of the next image", "core_banks", "self.label.eq(label)", "self.label.eq(images.label)"),
        (
            "rows of a bank programmed in the free phase",
            "core_banks",
            "row.program.eq(more & learns)",
            "row.program.eq(more)",
        ),
        ("every input spike programs", "core_sparse", "~listed_b | listed.pulse if", "Const(1) if"),
    ),
]


def target(module: str, job: str) -> tuple[wiring.Component, dict]:
    """(component, job) of a name."""
    if module == CORE:
        from rtl.core import Core

        plain = core_jobs()[job]
        return Core(config_from_dict(plain["config"])), plain
    sim = importlib.import_module(f"cocotb_tests.{module}")
    return sim.make(sim.JOBS[job]), sim.JOBS[job]


def plant(mutation: Mutation | None, folder: Path) -> None:
    """Copy the package `rtl` into `folder`, with the mutation when there is one."""
    shutil.copytree(PROJECT / "rtl", folder / "rtl", ignore=shutil.ignore_patterns("__pycache__"))
    if mutation:
        path = folder / "rtl" / mutation.file
        text = path.read_text(encoding="utf-8")
        found = text.count(mutation.old)
        assert found == 1, f"{mutation.name}: {mutation.old!r} stands {found} times in rtl/{mutation.file}, not once"
        path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def run(module: str, job: str, folder: Path, mutation: Mutation | None = None) -> dict:
    """Run the test of `module` with `job` on Icarus, on RTL with the mutation; `folder` is for scratch.

    Returns the test's report; raises `harness.SimulationError` when it fails.
    """
    plant(mutation, folder)
    text = folder / "top.v"
    subprocess.run(
        [sys.executable, "-m", "cocotb_tests.mutations", module, job, str(text)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)])},
        check=True,
    )
    build = harness.Build(text.read_text(encoding="utf-8"), "top", "icarus")
    return bench.run(build, f"cocotb_tests.{module}", target(module, job)[1])


def _main(module: str, job: str, path: str) -> None:
    import rtl

    assert Path(rtl.__file__).is_relative_to(Path.cwd()), f"{rtl.__file__} is not the changed copy"
    Path(path).write_text(harness.to_verilog(target(module, job)[0], "top"), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
