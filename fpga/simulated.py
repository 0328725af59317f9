"""A board in a program: the top with its UART, compiled by Verilator, behind a pseudo-terminal (fpga/simulated.cpp)."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from eqspike.base import tools
from eqspike.base.errors import UsageProblem
from eqspike.base.places import build_root
from eqspike.golden.config import Config
from eqspike.golden.sections import HardwareConfig
from eqspike.rtl.link.link import SerialLink
from eqspike.sim import harness

DIVIDER = 8
"""Clock cycles a bit: the fewest that the UART takes, as 3 Mbaud at 24 MHz, so that the fewest are simulated."""
ARGUMENTS = [*harness.VERILATOR_ARGS, "-CFLAGS", "-O2"]
MAIN = Path(__file__).with_name("simulated.cpp")


def build(config: Config, hardware: HardwareConfig | None = None, divider: int = DIVIDER) -> Path:
    """Compile the board; the program. One that was compiled from the same sources is used again."""
    text = harness.to_verilog(SerialLink(config, hardware, divider), "board")
    main = MAIN.read_text(encoding="utf-8")
    digest = hashlib.sha256(repr((text, main, ARGUMENTS, tools.versions())).encode()).hexdigest()[:16]
    folder = build_root() / "sim" / f"board-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    program, log = folder / "board", folder / "build.log"
    with (folder / "lock").open("w") as lock:
        # Two processes that want the same board compile it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return program
        (folder / "board.v").write_text(text, encoding="utf-8")
        (folder / "main.cpp").write_text(main, encoding="utf-8")
        command = [
            "verilator", "--cc", "--exe", "--build", *ARGUMENTS, "--top-module", "board", "--Mdir", "obj",
            "-o", "../board.new", "board.v", "../main.cpp",
        ]  # fmt: skip
        with tools.environment(PATH=tools.simulator_path(), MAKEFLAGS=harness.MAKEFLAGS):
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True,
            )  # fmt: skip
        log.write_text(done.stdout, encoding="utf-8")
        if done.returncode != 0:
            raise harness.SimulationError(f"verilator cannot build the simulated board: see {log}")
        (folder / "board.new").rename(program)
    return program


class SimulatedBoard:
    """The running board; `port` is its pseudo-terminal. `baud_error`: how much slower the host's clock is."""

    def __init__(
        self,
        config: Config,
        hardware: HardwareConfig | None = None,
        divider: int = DIVIDER,
        baud_error: float = 0.0,
    ) -> None:
        program = build(config, hardware, divider)
        # It ends with its standard input, so it cannot outlive this process.
        self.process = subprocess.Popen(
            [str(program), f"{divider * (1 + baud_error):.6f}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            self.close()
            raise harness.SimulationError("the simulated board did not start")

    def close(self) -> None:
        """End the program."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> SimulatedBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def linked(link: Path, port: str) -> Iterator[None]:
    """A symbolic link to the board's terminal, for its time. One that a killed board left, which leads nowhere, is
    replaced. Raises `UsageProblem` where anything else has the name."""
    if link.is_symlink() and not link.exists():
        link.unlink()
    try:
        link.symlink_to(port)
    except FileExistsError:
        what = f"a link to {link.readlink()}" if link.is_symlink() else "there already"
        raise UsageProblem(f"--link {link}: is {what}; another board's, or remove it") from None
    try:
        yield
    finally:
        with suppress(OSError):
            if link.readlink() == Path(port):
                link.unlink()


__all__ = ["DIVIDER", "SimulatedBoard", "build", "linked"]
