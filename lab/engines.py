"""The engines that train, by name: the golden model, the RTL in a simulator, and a board, real or simulated.

The simulator and the boards bring Amaranth, cocotb and pyserial: each is imported when it is asked for, so that the
golden model trains without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspike.base.errors import CommandError, UsageProblem
from eqspike.golden.config import Config
from eqspike.golden.engine import Engine, GoldenEngine
from eqspike.golden.fast.engine import plain
from eqspike.lab.configs import for_simulator

if TYPE_CHECKING:
    from eqspike.fpga.engine import BoardEngine


@dataclass(frozen=True)
class Connection:
    """Where the board is: a serial port, or None for the simulated one; and its baud rate, None for the usual."""

    port: str | None = None
    baud: int | None = None


@contextmanager
def open_engine(name: str, config: Config, connection: Connection | None = None) -> Iterator[Engine]:
    """The engine of that name ("golden", "golden-plain", "rtl" or "board"), for the time of a run. The second is the
    golden model without its fast engine, in evaluations too: the same bits, from the kernels that specify them.

    Raises `UsageProblem` for a config that it cannot be, `CommandError` when a package that it needs is missing.
    """
    if name == "golden":
        yield GoldenEngine(config)
        return
    if name == "golden-plain":
        with plain():
            yield GoldenEngine(config)
        return
    if name == "board":
        with board_engine(config, connection or Connection()) as engine:
            yield engine
        return
    try:
        from eqspike.sim.engine import RtlEngine
    except ModuleNotFoundError as error:
        raise CommandError(f"--engine rtl is not available: {error.name} is missing") from None
    if config.number.format != "fixed":
        raise UsageProblem("--engine rtl computes in fixed point; number.format is real")
    with RtlEngine(for_simulator(config)) as engine:
        yield engine


def board_engine(config: Config, connection: Connection) -> BoardEngine:
    """A `fpga.engine.BoardEngine`, not connected yet."""
    try:
        from eqspike.fpga.engine import BAUD, BoardEngine
    except ModuleNotFoundError as error:
        raise CommandError(f"boards are not available: {error.name} is missing") from None
    if config.number.format != "fixed":
        raise UsageProblem("a board computes in fixed point; number.format is real")
    return BoardEngine(for_simulator(config), connection.port, connection.baud or BAUD)


__all__ = ["Connection", "board_engine", "open_engine"]
