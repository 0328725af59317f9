"""Layouts: what is drawn of a DEF file, and nets that are not routed."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspike.asic.layout import Placed, Wire, cell_sizes, read_layout
from eqspike.asic.place import blif, require_routed
from eqspike.asic.tools import FlowFailed, Tools
from tests.asic import cells

DEF = """VERSION 5.6 ;
UNITS DISTANCE MICRONS 100 ;
DIEAREA ( -300 -200 ) ( 1700 800 ) ;
COMPONENTS 2 ;
- a INV + PLACED ( 100 200 ) FS ;
- b DFF + PLACED ( 500 200 ) N ;
END COMPONENTS
NETS 1 ;
- n1
  ( a Y )
  ( b D )
+ ROUTED metal1 ( 100 300 ) M2_M1
  NEW metal2 ( 100 300 ) ( * 500 ) M3_M2
  NEW metal3 ( 100 500 ) ( 400 * ) ( * 700 ) ;
END NETS
SPECIALNETS 1 ;
- n1
+ ROUTED metal1 40 ( 0 0 ) ( 200 * ) ;
END SPECIALNETS
"""


def test_layout() -> None:
    """From the die's corner on, in um; wires of all nets, a star is the value before."""
    layout = read_layout(DEF)
    assert (layout.width, layout.height) == (20, 10)
    assert layout.cells == (Placed("INV", 4, 4), Placed("DFF", 8, 4))
    assert [wire.layer for wire in layout.wires] == ["metal2", "metal3", "metal3", "metal1"]
    assert layout.wires[0] == Wire("metal2", 4, 5, 4, 7)
    assert layout.wires[2] == pytest.approx(("metal3", 7, 7, 7, 9))
    assert layout.length == pytest.approx(2 + 3 + 2 + 2)


@pytest.mark.parametrize(
    "text", ["", DEF.partition("NETS")[0], DEF.replace("PLACED", "UNPLACED"), DEF.replace("DIEAREA", "")]
)
def test_no_layout(text: str) -> None:
    """Nothing is drawn of half a file."""
    with pytest.raises(ValueError, match=r"DIEAREA|cells"):
        read_layout(text)


def test_sizes() -> None:
    lef = "MACRO INV\n  ORIGIN 0 0 ;\n  SIZE 1.600 BY 10.000 ;\nEND INV\nMACRO DFF\n  SIZE 9.6 BY 10 ;\nEND DFF\n"
    assert cell_sizes(lef) == {"INV": (1.6, 10.0), "DFF": (9.6, 10.0)}


@pytest.mark.parametrize("said", ["Final: Failed net routes: 3\n", "", "No failed routes!\n"])
def test_unrouted_nets_fail(tmp_path: Path, said: str) -> None:
    """Only the router's last word counts."""
    with pytest.raises(FlowFailed, match="qrouter"):
        require_routed(said, Tools(folder=tmp_path, out=tmp_path))
    require_routed("Final: No failed routes!\n", Tools(folder=tmp_path, out=tmp_path))


def test_blif() -> None:
    """Gates by their pins; nets have names that are no words."""
    assert blif(cells.toggler()).splitlines() == [
        ".model part", ".inputs n2", ".outputs n5", ".gate DFF CK=n2 D=n4 Q=n3", ".gate INV A=n3 Y=n4",
        ".gate BUF A=n3 Y=n5", ".end",
    ]  # fmt: skip
