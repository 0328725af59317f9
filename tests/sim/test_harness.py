"""What builds and runs simulations, without a simulator."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from eqspike.sim import harness

RESULTS = """<testsuites><testsuite>
  <testcase name="one"/>
  <testcase name="two"><failure message="Mismatch: spike: RTL 1, golden 0"/></testcase>
  <testcase name="three"><skipped/></testcase>
  <testcase name="four"><error error_msg="no such port"/></testcase>
</testsuite></testsuites>"""


class Inverter(wiring.Component):
    """Says whether garbage is collected while it is elaborated."""

    def __init__(self, breaks: bool = False) -> None:
        super().__init__({"a": In(1), "b": Out(1)})
        self.breaks, self.collected = breaks, True

    def elaborate(self, platform: object) -> Module:
        self.collected = gc.isenabled()
        if self.breaks:
            raise RuntimeError("broken")
        m = Module()
        m.d.comb += self.b.eq(~self.a)
        return m


@pytest.fixture(params=[True, False], ids=["collecting", "not collecting"])
def collecting(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether garbage is collected before."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_failures_by_name(tmp_path: Path) -> None:
    (tmp_path / "results.xml").write_text(RESULTS)
    failures, ran = harness._results(tmp_path / "results.xml")
    assert failures == {"two": "Mismatch: spike: RTL 1, golden 0", "four": "no such port"}
    assert ran == 3


def test_no_garbage_is_collected_while_elaborating(collecting: bool) -> None:
    component, broken = Inverter(), Inverter(breaks=True)
    assert "module \\top" in harness.to_rtlil(component, "top")
    assert not component.collected
    assert gc.isenabled() == collecting
    with pytest.raises(RuntimeError, match="broken"):
        harness.to_rtlil(broken, "top")
    assert gc.isenabled() == collecting


def test_two_designs_in_one_text() -> None:
    text = harness.rtlil_to_verilog("\n".join(harness.to_rtlil(Inverter(), name) for name in ("one", "two")))
    assert text.count("assign b = ~ a") + text.count("assign b = ~a") == 2
    assert "module one(" in text
    assert "module two(" in text
