"""docs/host-link.md is what the description of the protocol makes of it, and the description is sound."""

from __future__ import annotations

from eqspike.fpga.link_page import PAGE, page
from eqspike.golden.counters import COUNTERS
from eqspike.rtl.link import protocol


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m fpga.link_page"


def test_the_sizes_of_a_frame() -> None:
    """What the page says of them, in figures."""
    assert "A frame has 6 bytes beside its payload." in page()
    assert "an answer's payload is 25 bytes at most" in page().replace("\n", " ")
    assert "never above 121." in page().replace("\n", " ")


def test_codes_and_numbers_are_unique() -> None:
    assert (
        len({c.code for c in protocol.COMMANDS}) == len({c.name for c in protocol.COMMANDS}) == len(protocol.COMMANDS)
    )
    assert [s.code for s in protocol.STATUSES] == list(range(len(protocol.STATUSES)))
    found = protocol.registers(9)
    assert len({r.number for r in found}) == len({r.name for r in found}) == len(found)
    assert set(COUNTERS) < {r.name for r in found}


def test_variable_fields_come_last() -> None:
    for command in protocol.COMMANDS:
        for fields in (command.request, command.reply):
            assert all(field.size is not None for field in fields[:-1])


def test_the_buffer_holds_two_of_the_longest_frames() -> None:
    for inputs, lanes in ((7, 2), (64, 32), (784, 300), (2000, 10)):
        sizes = protocol.Sizes(
            inputs=inputs, outputs=10, lanes=lanes, banks=1, words=100, weight_bits=12, result_bits=78, pixel_bits=9
        )
        sizes.check()
        assert sizes.buffer & (sizes.buffer - 1) == 0
        assert sizes.buffer > 2 * (sizes.frame + protocol.HEADER)
        assert sizes.result_bytes <= sizes.reply <= protocol.LARGEST_SLOT - 1 - protocol.OVERHEAD
