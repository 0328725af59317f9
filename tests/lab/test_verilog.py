"""`eqspike verilog`: every port of every network is described, and the file is the module that the table tells of."""

from __future__ import annotations

import re

from eqspike.lab.verilog import MEANINGS, run_verilog


def test_every_port_is_described(make_config) -> None:
    for config in (make_config(), make_config(network={"layers": [9, 5, 4, 3]})):
        _, table = run_verilog(config)
        assert {row.name.replace("__", ".") for row in table} == set(MEANINGS)
        for row in table:
            assert sum(field.width for field in row.fields) in (0, row.width), row.name


def test_the_table_tells_of_the_module(make_config) -> None:
    text, table = run_verilog(make_config(), name="chip")
    header = re.search(r"^module chip\((.*?)\);(.*?)^endmodule", text, re.DOTALL | re.MULTILINE)
    assert {name.strip() for name in header[1].split(",")} == {row.name for row in table}
    for row in table:
        width = f"[{row.width - 1}:0] " if row.width > 1 else ""
        assert re.search(rf"^  {row.direction} {re.escape(width)}{row.name};", header[2], re.MULTILINE), row
