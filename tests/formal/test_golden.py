"""Golden kernels as formulas: they compute what the kernels compute."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.sim import Simulator

from eqspike.golden import draw, neuron, number
from eqspike.golden.neuron import Membrane
from formal import golden


def value_of(m: Module, formula: object) -> int:
    """A formula's value, its signals at their first value."""
    found = []

    async def look(ctx: object) -> None:
        await ctx.delay(1e-6)
        found.append(formula if isinstance(formula, int) else ctx.get(formula))

    simulator = Simulator(m)
    simulator.add_testbench(look)
    simulator.run()
    return found[0]


@pytest.mark.parametrize("rounding", [number.TRUNCATE, number.NEAREST, number.STOCHASTIC])
def test_a_weight_step(rounding: int) -> None:
    rng = np.random.default_rng(rounding)
    for _ in range(10):
        v, chance = int(rng.integers(-300, 300)), int(rng.integers(0, 32))
        m = Module()
        formula = golden.run(m, number.weight_step, Signal(signed(10), init=v), 3, 2, 5, rounding, chance)
        assert value_of(m, formula) == number.weight_step(v, 3, 2, 5, rounding, chance)


def test_a_neuron_whose_branches_are_both_taken() -> None:
    seen = set()
    for start, current in ((0, 3), (30, 40), (-30, -40), (20, 5)):
        plain = [np.array([[x]]) for x in (start, 0, 0)]
        constants = Membrane(3, -32, 31, np.array([[16]]), 3)
        wanted = neuron.integrate_and_fire(0, 1, np.array([current]), constants, *plain)
        m = Module()
        arrays = [golden.array((1, 1), lambda *at, x=x: Signal(signed(8), init=x)) for x in (start, 0, 0)]
        drive = golden.array(1, lambda n, c=current: Signal(signed(8), init=c))
        made = golden.run(m, neuron.integrate_and_fire, 0, 1, drive, constants, *arrays)
        assert [value_of(m, f) for f in made] == list(wanted)
        assert [value_of(m, a[0, 0]) for a in arrays] == [int(p[0, 0]) for p in plain]
        seen.add(tuple(wanted))
    assert len(seen) > 2


def test_a_place_that_is_not_known() -> None:
    m = Module()
    word = Signal(32, init=0x12345678)
    assert value_of(m, golden.run(m, draw.mix, word)) == draw.mix(0x12345678)


def drive(pixels: list[int]) -> tuple[Module, np.ndarray, object]:
    m = Module()
    listed = golden.array(len(pixels) + 1)
    membrane = golden.array(len(pixels), lambda n: Signal(4, init=3))
    values = golden.array(len(pixels), lambda n: Signal(2, init=pixels[n]))
    fired = golden.run(m, neuron.drive_inputs, values, 4, membrane, golden.array(len(pixels)), listed)
    return m, listed, fired


def test_a_list_whose_length_is_not_known() -> None:
    m, listed, fired = drive([0, 2, 1, 3])
    assert value_of(m, fired) == 2
    assert [value_of(m, listed[j]) for j in range(2)] == [1, 3]


def test_a_kernel_that_uses_more_is_refused() -> None:
    with pytest.raises(TypeError, match="a kernel's With is not known"):
        golden._Machine(Module(), None).block(golden._Frame({}, {}, True), ast.parse("with a: pass").body)
