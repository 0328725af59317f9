"""What the C program is compiled for, as the header shape.h, and the numbers that it is handed at run time.

Compiled in is what decides which code there is: sizes of layers, features, types. All else (learning rates, leaks,
lengths of phases) is handed over, so that most sweeps and all epochs share one program.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eqspike.golden import draw
from eqspike.golden.device_numbers import FACTOR_BITS
from eqspike.golden.fast.bounds import Types, fixed_types, real_types
from eqspike.golden.phases import Chip

LANES = 16
"""Neurons that are served together; layers are padded to whole groups."""

VALUES = ("low", "high", "leak", "rate_leak", "rate_gain", "nudge_gain", "tail_clip")
INTEGERS = (
    "depth", "input_threshold", "phase_step", "random_phase", "random_sign", "period", "leaving", "delayed",
    "delayed_leaving", "old", "window", "free_steps", "nudge_steps", "target", "skip_counts", "pulse_every",
    "pulse_limit", "pulse_from", "tail_half", "collision_limit", "bias_count", "rate_ones",
)  # fmt: skip
LAYER_VALUES = ("align", "align_down", "weight_low", "weight_high", "step_gain", "full", "least", "pulse", "noise")
LAYER_INTEGERS = ("step_factor", "step_shift", "write_shift", "curve_shift")
"""Fields of the C struct `Numbers`; values are integers in fixed point, else real numbers."""


def padded(size: int) -> int:
    """`size` in whole groups of `LANES`."""
    return -(-size // LANES) * LANES


@dataclass(frozen=True)
class Features:
    """Which parts of the kernels a network needs."""

    real: bool
    alike: bool
    noisy: bool
    curved: bool
    quantum: bool
    tails: bool
    shape: int
    naive: bool
    gathers: bool
    image_end: bool
    every: bool
    by_chance: bool
    leaks: bool
    filters: bool

    @property
    def shared_steps(self) -> bool:
        """Steps are rounded once a neuron, where draws are not a synapse's own."""
        return self.alike and not (self.gathers or self.naive or self.image_end)


@dataclass(frozen=True)
class Shape:
    """All that the program is compiled for."""

    features: Features
    types: Types
    sizes: tuple[int, ...]
    """Neurons of each layer, inputs first."""
    numbers: tuple[int, ...]
    """Number of each layer's first neuron among all."""
    bases: tuple[int, ...]
    """First row of each layer of synapses in golden's array, whose rows have `columns` places."""
    columns: int
    rounding: tuple[int, ...]
    per_synapse: tuple[bool, ...]
    """Of each layer of synapses."""
    parts: int
    """Of a curve of `golden.device.Devices`."""
    golden: str
    """C type of golden's weights."""
    pixel: str

    @property
    def synapses(self) -> int:
        """Layers of synapses."""
        return len(self.sizes) - 1

    @property
    def own(self) -> tuple[bool, ...]:
        """Which layers of synapses make a step of their own for each synapse."""
        return tuple(own or not self.features.shared_steps for own in self.per_synapse)


def shape_of(chip: Chip, pixel: np.dtype) -> Shape:
    """The `Shape` of a network whose images are of type `pixel`. Raises `bounds.TooWide`."""
    p, devices = chip.parameters, chip.devices
    real = chip.weights.dtype == np.float64
    features = Features(
        real=real,
        alike=bool(devices.alike),
        noisy=bool(devices.noisy),
        curved=bool(devices.curved),
        quantum=devices.quantum is not None,
        tails=bool(p.tails),
        shape=int(p.tail.shape),
        naive=bool(p.naive),
        gathers=bool(p.gathers),
        image_end=bool(p.image_end),
        every=p.pulse_every > 1,
        by_chance=p.pulse_limit != 1 << 16,
        leaks=real or p.membrane.leak >= 0,
        filters=p.ages.leaving > 1,
    )
    return Shape(
        features=features,
        types=real_types(p) if real else fixed_types(p, features.shared_steps),
        sizes=tuple(p.widths.tolist()),
        numbers=tuple(p.number.tolist()),
        bases=tuple(p.base.tolist()),
        columns=chip.weights.shape[1],
        rounding=tuple(p.rounding.tolist()),
        per_synapse=tuple(p.per_synapse.tolist()),
        parts=devices.curve.shape[2] if features.curved and not features.real else 1,
        golden=_C[chip.weights.dtype.name],
        pixel=_C[pixel.name],
    )


_C = {"int32": "int32_t", "int64": "int64_t", "float64": "double"}


def _macros(shape: Shape) -> dict[str, Any]:
    sizes, found = shape.sizes, shape.features
    widths = [padded(size) for size in sizes]
    places = [0, *np.cumsum([0, *widths[1:-1]]).tolist()]
    matrices = np.cumsum([0, *((sizes[s] + 1) * widths[s + 1] for s in range(shape.synapses))]).tolist()
    total = sum(widths[1:])
    return {
        "LAYERS": len(sizes), "INPUTS": sizes[0], "TOTAL": total, "WORDS": -(-total // 64), "LAST": widths[-1],
        "WIDEST": max(widths[1:]), "SYNAPSES": matrices[-1], "COLUMNS": shape.columns,
        "LANES": LANES, "DRIVEN": -(-sizes[0] // 64) * 64,
        "SIZES": _list(sizes), "PADDEDS": _list(widths), "PLACES": _list(places), "NUMBERS": _list(shape.numbers),
        "MATRICES": _list(matrices[:-1]), "BASES": _list(shape.bases), "ROUNDINGS": _list(shape.rounding),
        "OWN_DRAW": _list(shape.own), "ANY_OWN": int(any(shape.own)),
        "REAL": int(found.real), "ALIKE": int(found.alike), "NOISY": int(found.noisy), "CURVED": int(found.curved),
        "QUANTUM": int(found.quantum), "PULSE_TAILS": int(found.tails), "SHAPE": found.shape,
        "NAIVE": int(found.naive), "GATHERS": int(found.gathers), "IMAGE_END": int(found.image_end),
        "EVERY": int(found.every), "BY_CHANCE": int(found.by_chance), "LEAKS": int(found.leaks),
        "FILTERS": int(found.filters), "SHARED_STEPS": int(not all(shape.own)), "FACTOR_BITS": FACTOR_BITS,
        "BLOCK": shape.types.block, "COUNT_BITS": shape.types.number, "INPUT_BITS": shape.types.input,
    }  # fmt: skip


def _each(name: str, items: Iterable[int]) -> str:
    return f"#define {name}(DO) " + " ".join(f"DO({item})" for item in items)


def _list(values: Iterable[Any]) -> str:
    return "{" + ", ".join(str(int(value)) for value in values) + "}"


def _typedefs(shape: Shape) -> dict[str, str]:
    types, real = shape.types, shape.features.real
    integers = {"count_t": types.number, "tally_t": types.weight, "input_t": types.input}
    numbers = {"weight_t": types.weight, "partial_t": types.partial, "number_t": types.number} | {
        "product_t": types.product, "volt_t": 64, "golden_volt_t": 64, "gain_t": 32, "leak_t": 32,
    }  # fmt: skip
    return (
        {"pixel_t": shape.pixel, "golden_t": shape.golden}
        | {name: f"int{bits}_t" for name, bits in integers.items()}
        | {name: "double" if real else f"int{bits}_t" for name, bits in numbers.items()}
    )


def _draws() -> list[str]:
    """What golden/fast/draw.h takes from `golden.draw`."""
    words = ("WEYL", "PULSE_KEY", "NOISE_KEY", "COLLISION_KEY")
    counts = ("WARM_UP", "MIX_ROUNDS", "ROTATE_NEURON", "ROTATE_LAYER")
    tables = ", ".join("{" + ", ".join(f"{int(v)}u" for v in row) + "}" for row in draw._TABLES)
    return [
        *(f"#define {name} {getattr(draw, name)}u" for name in words),
        *(f"#define {name} {getattr(draw, name)}" for name in counts),
        f"static const uint32_t TABLES[4][256] = {{{tables}}};",
    ]


def _fields(shape: Shape) -> list[tuple[str, Any, str]]:
    """Of the C struct `Numbers`: name, ctypes type, C declaration."""
    count = shape.synapses
    value, c = (ctypes.c_double, "double") if shape.features.real else (ctypes.c_int64, "int64_t")
    return [
        *((name, value, f"{c} {name};") for name in VALUES),
        *((name, ctypes.c_int64, f"int64_t {name};") for name in INTEGERS),
        *((name, value * count, f"{c} {name}[{count}];") for name in LAYER_VALUES),
        *((name, ctypes.c_int64 * count, f"int64_t {name}[{count}];") for name in LAYER_INTEGERS),
        ("curve", ctypes.c_int64 * (2 * count * shape.parts), f"int64_t curve[{2 * count}][{shape.parts}];"),
        ("exponents", ctypes.c_double * (4 * count), f"double exponents[{2 * count}][2];"),
        ("quantum", ctypes.c_double * count, f"double quantum[{count}];"),
    ]


@functools.cache
def header(shape: Shape) -> str:
    """shape.h."""
    layers = range(1, len(shape.sizes))
    return "\n".join(
        [
            "/* What this program is compiled for: written by golden/fast/shape.py. */",
            "#pragma once",
            "#include <stdint.h>",
            *(f"#define {name} {value}" for name, value in _macros(shape).items()),
            _each("EACH_MATRIX", [layer - 1 for layer in layers]),
            _each("EACH_LAYER", layers),
            _each("EACH_HIDDEN", layers[:-1]),
            *(f"typedef {c} {name};" for name, c in _typedefs(shape).items()),
            *_draws(),
            "typedef struct {",
            *(f"    {declaration}" for _, _, declaration in _fields(shape)),
            "} Numbers;",
            "",
        ]
    )


@functools.cache
def _struct(shape: Shape) -> type[ctypes.Structure]:
    return type("Numbers", (ctypes.Structure,), {"_fields_": [(name, kind) for name, kind, _ in _fields(shape)]})


def numbers(chip: Chip, shape: Shape) -> ctypes.Structure:
    """The C struct `Numbers` of this network at this epoch."""
    p, devices = chip.parameters, chip.devices
    values: dict[str, Any] = p._asdict() | p.ages._asdict() | {
        "low": p.membrane.low, "high": p.membrane.high, "leak": p.membrane.leak, "period": p.membrane.period,
        "tail_clip": p.tail.clip, "tail_half": p.tail.half, "collision_limit": p.tail.collision_limit,
        "rate_ones": 0 if shape.features.real else (1 << p.rate_leak) - 1, "depth": chip.state.history.shape[0],
        "noise": devices.noise, "curve_shift": devices.curve_shift, "curve": devices.curve[:, :, : shape.parts].ravel(),
        "exponents": devices.exponents.ravel(), "quantum": [] if devices.quantum is None else devices.quantum,
    }  # fmt: skip
    filled = _struct(shape)()
    for name, kind in filled._fields_:
        value = values[name].tolist() if isinstance(values[name], np.ndarray) else values[name]
        setattr(filled, name, kind(*value) if issubclass(kind, ctypes.Array) else value)
    return filled
