"""Standard cells as a liberty file describes them: function, area, pins' capacitance, energy of a transition.

Units: capacitance in pF, energy in pJ, area in um2, times in ns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eqspike.asic.expression import Expression, parse
from eqspike.asic.liberty import Group, read_groups
from eqspike.base.errors import UsageProblem

LOAD = "total_output_net_capacitance"
FARADS = {"pf": 1.0, "ff": 1e-3}


@dataclass(frozen=True)
class Table:
    """Energy over an output's load, over an input's transition, or over both: `values[load, transition]`.

    An axis that the table does not have holds one place. Beyond its places the table keeps its last value.
    """

    loads: tuple[float, ...]
    transitions: tuple[float, ...]
    values: np.ndarray

    def at(self, load: float, transition: float) -> float:
        """The value, between its neighbours in proportion."""
        over_loads = [float(np.interp(transition, self.transitions, row)) for row in self.values]
        return float(np.interp(load, self.loads, over_loads))


@dataclass(frozen=True, kw_only=True)
class Power:
    """Energy inside a cell when a pin rises or falls; `related`: the input that made it do so, "" for its own."""

    related: str
    rise: Table
    fall: Table


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A pin of a cell."""

    name: str
    output: bool
    capacitance: float
    limit: float
    """Load that an output may drive, in pF; infinite where the file has none."""
    function: Expression | None
    powers: tuple[Power, ...]


@dataclass(frozen=True, kw_only=True)
class StandardCell:
    """A cell. `state` is None for logic, else "ff" or "latch"."""

    name: str
    area: float
    pins: dict[str, Pin]
    state: str | None
    plain: bool
    """Logic, or a flip-flop at the rising edge, or a latch that is open while its pin is high; no set, no reset."""
    clock: str = ""
    """Pin of the clock, or of what opens the latch."""
    data: Expression | None = None

    @property
    def outputs(self) -> list[str]:
        """Names of its outputs."""
        return [name for name, pin in self.pins.items() if pin.output]

    @property
    def inputs(self) -> list[str]:
        """Names of its inputs."""
        return [name for name, pin in self.pins.items() if not pin.output]

    def is_buffer(self) -> bool:
        """Whether its only output is its only input."""
        if self.state or len(self.pins) != 2 or len(self.outputs) != 1:
            return False
        function = self.pins[self.outputs[0]].function
        return function is not None and function.kind == "pin"


@dataclass(frozen=True)
class Library:
    """The cells of a file, and what is at its head."""

    path: Path
    name: str
    voltage: float
    farads: float
    """The file's unit of capacitance, in pF."""
    cells: dict[str, StandardCell]

    def flip_flop(self) -> StandardCell:
        """The smallest plain flip-flop."""
        return self._smallest((c for c in self.cells.values() if c.state == "ff" and c.plain), "rising-edge flip-flop")

    def latch(self) -> StandardCell:
        """The smallest plain latch, open while its clock is high."""
        return self._smallest((c for c in self.cells.values() if c.state == "latch" and c.plain), "latch")

    def buffer(self) -> StandardCell:
        """The strongest buffer that is not meant for clocks."""
        found = [c for c in self.cells.values() if c.is_buffer() and "CLK" not in c.name.upper()]
        if not found:
            raise UsageProblem(f"--liberty {self.path}: has no buffer; trees on flip-flops' outputs need one")
        return max(found, key=lambda c: (c.pins[c.outputs[0]].limit, -c.area))

    def clock_buffer(self) -> StandardCell:
        """The smallest buffer for clocks, or the one for everything."""
        found = [c for c in self.cells.values() if c.is_buffer() and "CLK" in c.name.upper()]
        return min(found, key=lambda c: c.area) if found else self.buffer()

    def gate(self, function: str, inputs: int) -> StandardCell:
        """The smallest cell of that kind ("and", "not") with so many inputs."""
        return self._smallest(
            (
                c for c in self.cells.values()
                if not c.state and len(c.outputs) == 1 and len(c.inputs) == inputs
                and (f := c.pins[c.outputs[0]].function) is not None and f.kind == function
                and all(part.kind == "pin" for part in f.parts)
            ),
            f"gate {function} of {inputs} inputs",
        )  # fmt: skip

    def _smallest(self, found: Iterable[StandardCell], what: str) -> StandardCell:
        cells = sorted(found, key=lambda c: (c.area, c.name))
        if not cells:
            raise UsageProblem(f"--liberty {self.path}: has no {what}; the core needs one")
        return cells[0]


def read_library(path: Path) -> Library:
    """The cells of a liberty file. Raises `UsageProblem`, one line with file, place and what is needed."""
    groups = read_groups(path)
    values = groups.attributes.get("capacitive_load_unit", [])
    if len(values) != 2 or values[1].lower() not in FARADS:
        raise UsageProblem(f"--liberty {path}: capacitive_load_unit: {values}: (number, pf) or (number, ff) is needed")
    farads = float(values[0]) * FARADS[values[1].lower()]
    if groups.one("voltage_unit", "1V").upper() != "1V":
        raise UsageProblem(f"--liberty {path}: voltage_unit: {groups.one('voltage_unit')}: 1V is needed")
    if groups.one("time_unit", "1ns").lower() != "1ns":
        raise UsageProblem(f"--liberty {path}: time_unit: {groups.one('time_unit')}: 1ns is needed")
    templates = {
        group.arguments[0]: group for group in groups.named("lu_table_template", "power_lut_template")
    }  # fmt: skip
    voltage = float(groups.one("nom_voltage", "nan"))
    if not voltage > 0:
        raise UsageProblem(f"--liberty {path}: nom_voltage: {voltage}: a positive number is needed")
    try:
        cells = {group.arguments[0]: _cell(group, templates, farads) for group in groups.named("cell")}
    except ValueError as error:
        raise UsageProblem(f"--liberty {path}: {error}") from None
    return Library(path, groups.arguments[0], voltage, farads, cells)


def _cell(group: Group, templates: dict[str, Group], farads: float) -> StandardCell:
    name = group.arguments[0]
    pins = {pin.arguments[0]: _pin(pin, templates, farads) for pin in group.named("pin")}
    states = [*group.named("ff", "latch")]
    area = float(group.one("area", "0"))
    if not states:
        known = all(not pin.output or pin.function is not None for pin in pins.values())
        return StandardCell(name=name, area=area, pins=pins, state=None, plain=known)
    state = states[0]
    wanted = ("next_state", "clocked_on") if state.kind == "ff" else ("data_in", "enable")
    others = {"clear", "preset", "clocked_on_also", "enable_also"} & set(state.attributes)
    data, clock = (parse(state.one(key)) if state.one(key) else None for key in wanted)
    outputs = [pin for pin in pins.values() if pin.output]
    plain = (
        not others and clock is not None and clock.kind == "pin" and data is not None and len(outputs) == 1
        and outputs[0].function == Expression("pin", state.arguments[0]) and data.kind == "pin"
    )  # fmt: skip
    return StandardCell(
        name=name, area=area, pins=pins, state=state.kind, plain=plain,
        clock=clock.name if clock is not None and clock.kind == "pin" else "", data=data,
    )  # fmt: skip


def _pin(group: Group, templates: dict[str, Group], farads: float) -> Pin:
    function = group.one("function")
    powers = []
    for power in group.named("internal_power"):
        tables = {table.kind: _table(table, templates, farads) for table in power.groups}
        both = tables.get("power")
        rise, fall = tables.get("rise_power", both), tables.get("fall_power", both)
        if rise is not None and fall is not None:
            powers.append(Power(related=power.one("related_pin"), rise=rise, fall=fall))
    return Pin(
        name=group.arguments[0],
        output=group.one("direction") == "output",
        capacitance=float(group.one("capacitance", "0")) * farads,
        limit=float(group.one("max_capacitance", "inf")) * farads,
        function=parse(function) if function else None,
        powers=tuple(powers),
    )


def _table(group: Group, templates: dict[str, Group], farads: float) -> Table:
    """A table of energy, in pJ: the unit is that of capacitance times a volt squared."""
    template = templates.get(group.arguments[0]) if group.arguments else None
    variables = [template.one(f"variable_{n}") for n in (1, 2) if template and f"variable_{n}" in template.attributes]
    axes = {}
    for n, variable in enumerate(variables, 1):
        own = group.attributes.get(f"index_{n}") or template.attributes.get(f"index_{n}")
        axes[variable] = tuple(_numbers(own))
    values = np.array(_numbers(group.attributes.get("values", []))) * farads
    shape = [len(places) for places in axes.values()]
    if values.size != int(np.prod(shape)):
        raise ValueError(f"{group.kind}: {values.size} values do not fill a table of {shape}")
    values = values.reshape(shape)
    loads = tuple(x * farads for x in axes.get(LOAD, (0.0,)))
    others = [variable for variable in axes if variable != LOAD]
    transitions = axes[others[0]] if others else (0.0,)
    if LOAD in axes and variables[0] != LOAD:
        values = values.T
    return Table(loads, transitions, values.reshape(len(loads), len(transitions)))


def _numbers(texts: Iterable[str]) -> list[float]:
    return [float(number) for text in texts for number in text.replace(",", " ").split()]


__all__ = ["Library", "Pin", "Power", "StandardCell", "Table", "read_library"]
