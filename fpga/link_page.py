"""Writes docs/host-link.md from `rtl.link.protocol`: `python -m eqspike.fpga.link_page`."""

from __future__ import annotations

import textwrap
from pathlib import Path

from eqspike.rtl.link import protocol
from eqspike.rtl.link.protocol import (
    COMMANDS,
    HEADER,
    LARGEST_SLOT,
    OVERHEAD,
    SLOTS,
    SMALLEST_SLOT,
    STATUSES,
    Field,
    registers,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "host-link.md"

INTRODUCTION = f"""# The host link

<!-- Written by `python -m eqspike.fpga.link_page` from rtl/link/protocol.py: change it there. -->

A board that was built with `eqspike build --top link` learns what a host sends it over a serial port: 8 data bits, no
parity, one stop bit, up to 3 Mbaud (2,000,000, of a Tang Nano 9K 1,000,000, unless `--baud` says otherwise). `eqspike
board` is such a host; this page is what another one needs. The same description makes the gateware's decoder and the
host's constants.

## Frames

Both sides send frames, which are stuffed by COBS (consistent overhead byte stuffing) and ended by a byte 0:

| bytes | request | answer |
|---|---|---|
| 1 | sequence number | the request's |
| 1 | command | status |
| any | payload | payload |
| {protocol.CRC_BYTES} | CRC | CRC |

The CRC is CRC-32/ISO-HDLC, that of zlib and Ethernet (polynomial 0x04C11DB7, reflected, start value 0xFFFFFFFF,
inverted at the end), of the bytes before it. It and the numbers in a payload have their lowest byte first. When up to
three bytes are lost or added at a frame's end, zeros too, that is seen, whatever they are; other damage stays unseen in
one frame of 2^32. (Version 2 of the protocol had 16 bits and no inversion: a zero behind a frame was not seen.)

**Nothing happens before a frame is known to be whole.** The chip keeps a frame's bytes in a buffer and looks at none
of them until length and CRC are right. After damage it begins again at the next byte 0; several of these in a row are
one, so a host may begin with one. What is no frame is answered by a refusal, unless nothing at all or no byte 0
comes.

**A request is executed once.** The chip waits for one sequence number (8 bits, one more each time). A frame with that
number is executed, also when it asks for what cannot be; a frame with one of the {SLOTS - 1} numbers before is not
executed again, its answer is sent again; any other is refused with `sequence`. So a host sends again what was not
answered, and may have up to {SLOTS - 1} requests on the way. They are answered in order. A refusal carries the number
that the chip waits for, from which the host goes on.

**Flow control.** A request takes its frame's bytes (before COBS), and {HEADER} more, of the chip's buffer until
it has been executed. The sum over unanswered requests must be less than `buffer` of the identity. While an
image is learned the next ones arrive, so neither waits for the other.

**Bytes lost by the UART** (a byte with a wrong stop bit, or one that comes while the buffer cannot even take a refusal)
damage the frame they belong to. At 8 clock cycles a bit and ±2 % between the clocks no bit is misread.

## Statuses

| code | name | meaning |
|---|---|---|
"""


def _size(field: Field) -> str:
    return "rest" if field.size is None else str(field.size)


def _fields(title: str, fields: tuple[Field, ...]) -> list[str]:
    if not fields:
        return [f"{title}: no payload.", ""]
    return [
        f"{title}:", "", "| bytes | field | |", "|---|---|---|",
        *(f"| {_size(f)} | `{f.name}` | {f.meaning} |" for f in fields), "",
    ]  # fmt: skip


def page() -> str:
    """The page."""
    lines = [f"| {s.code} | `{s.name}` | {s.meaning} |" for s in STATUSES]
    lines += [
        "", f"{', '.join(f'`{name}`' for name in protocol.REFUSED)}: the frame was refused. `command` and `argument` "
        "answer a whole frame, whose number is then used up; nothing else of the chip has changed. All numbers of a "
        "request are looked at before the first of them is used: one weight, pixel or register value that is out of "
        "range, and nothing is written, no image begins.", "",
        "## Commands", "",
    ]  # fmt: skip
    for command in COMMANDS:
        lines += [f"### 0x{command.code:02X} {command.name}", "", command.meaning, ""]
        lines += _fields("Request", command.request) + _fields("Answer", command.reply)
    lines += [
        "## Registers", "", "32 bits each. A counter that has counted 2^32 - 1 goes on from 0.", "",
        "| number | name | access | after reset | meaning |", "|---|---|---|---|---|",
        *(f"| {r.number} | `{r.name}` | {r.access} | {r.reset} | {r.meaning} |" for r in registers()), "",
        "## Self-test", "",
        "`echo` tests line, framing and both memories of the link; reading back what was written tests the weights. "
        "The test of the whole core is a top of its own (`eqspike build` without `--top`).", "",
        "## Sizes", "",
        f"A frame has {OVERHEAD} bytes beside its payload. The longest that the chip takes is `frame` of the identity; "
        f"an answer's payload is {SMALLEST_SLOT - 1 - OVERHEAD} bytes at most, or what a result needs where that is "
        f"more, and never above {LARGEST_SLOT - 1 - OVERHEAD}. An echo may be as long as an answer.", "",
    ]  # fmt: skip
    return INTRODUCTION + "\n".join(
        line if line.startswith(("|", "#")) else textwrap.fill(line, 120, break_on_hyphens=False) for line in lines
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
