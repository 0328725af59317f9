"""A liberty file of eight cells that nobody makes, whose numbers are easy to reckon with."""

from __future__ import annotations

from eqspike.asic.library import Library, read_library
from eqspike.asic.netlist import Gate, Netlist, Port

HEAD = """
/* a comment
   of two lines */
library(simple) {
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V";
  capacitive_load_unit (10, ff);
  nom_voltage : 2.0;
  power_lut_template(plane) { variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;
    index_1 ("1, 2"); index_2 ("0.1, 0.3"); }
  power_lut_template(line) { variable_1 : input_transition_time; index_1 ("0.1, 0.3"); }
"""


def _input(name: str, capacitance: float, more: str = "") -> str:
    return f"pin({name}) {{ direction : input; capacitance : {capacitance}; {more} }}\n"


def _flat(value: float) -> str:
    return f'values ("{value}, {value}", \\\n "{value}, {value}");'


def _output(name: str, function: str, rise: float, fall: float, related: str) -> str:
    powers = "".join(
        f"internal_power() {{ related_pin : {pin}; rise_power(plane) {{ {_flat(rise)} }} fall_power(plane) "
        f"{{ {_flat(fall)} }} }}\n"
        for pin in related.split()
    )
    return f'pin({name}) {{ direction : output; max_capacitance : 20; function : "{function}"; {powers} }}\n'


def _cell(name: str, area: float, body: str) -> str:
    return f"cell ({name}) {{ area : {area};\n{body}}}\n"


CLOCKED = """internal_power() { rise_power(line) { values ("10, 10"); } fall_power(line) { values ("20, 20"); } }"""
TEXT = HEAD + "".join(
    [
        _cell("INV", 10, _input("A", 1) + _output("Y", "!A", 5, 7, "A")),
        _cell("NAND2", 20, _input("A", 1) + _input("B", 1) + _output("Y", "(A B)'", 5, 7, "A B")),
        _cell("NOR2", 20, _input("A", 1) + _input("B", 1) + _output("Y", "!(A + B)", 5, 7, "A B")),
        _cell("AND2", 25, _input("A", 1) + _input("B", 1) + _output("Y", "A * B", 5, 7, "A B")),
        _cell("BUF", 15, _input("A", 1) + _output("Y", "A", 6, 8, "A")),
        _cell("CLKBUF", 30, _input("A", 2) + _output("Y", "A", 6, 8, "A")),
        _cell(
            "DFF", 60,
            'ff (S, T) { next_state : "D"; clocked_on : "CK"; }\n' + _input("CK", 2, CLOCKED) + _input("D", 1)
            + _output("Q", "S", 30, 40, "CK"),
        ),
        _cell(
            "LATCH", 0,
            'latch (S, T) { data_in : "D"; enable : "G"; }\n' + _input("G", 1) + _input("D", 1)
            + _output("Q", "S", 30, 40, "G"),
        ),
    ]
) + "}\n"  # fmt: skip


def simple(folder) -> Library:
    """The library, read from a file in this folder."""
    path = folder / "simple.lib"
    path.write_text(TEXT, encoding="utf-8")
    return read_library(path)


CLOCK, HELD, INVERTED, SHOWN = 2, 3, 4, 5
"""Nets of `toggler`."""


def toggler() -> Netlist:
    """A flip-flop that takes the inverse of what it holds, and a buffer that shows it: three cells."""
    return Netlist(
        ports={"clk": Port(False, [CLOCK]), "shown": Port(True, [SHOWN])},
        gates={
            "state": Gate("DFF", {"CK": CLOCK, "D": INVERTED, "Q": HELD}),
            "inverter": Gate("INV", {"A": HELD, "Y": INVERTED}),
            "buffer": Gate("BUF", {"A": HELD, "Y": SHOWN}),
        },
        free=6,
    )
