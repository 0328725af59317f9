"""`eqspike device`: a preset's memristor in curves, deviations and pulses, and what one write means in its numbers.

The laboratory is imported when there is something to show, and the simulator only for --timing: `--help` needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eqspike.base.errors import UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.device_fit import curves, fit
from eqspike.scripts.options import config_options

UNITS = {
    "conductance_min": ("", "Gmin; scales what is shown"),
    "conductance_max": ("", "Gmax"),
    "slope_up": ("x", "S+ over the nominal slope"),
    "slope_down": ("x", "S- over the nominal slope"),
    "slope_spread": ("of the slope", "deviation between devices"),
    "slope_symmetric": ("", "one draw for both directions"),
    "threshold_up": ("V", "Vth+, height of the first half of the pulse"),
    "threshold_down": ("V", "-Vth-, depth of the second half"),
    "threshold_spread": ("of Vth", "deviation between devices"),
    "threshold_symmetric": ("", "one draw for both thresholds"),
    "speed": ("of the range", "what 50 ns at 1 V over the threshold move"),
    "pulse_ns": ("ns", "length of each half"),
    "nonlinearity_up": ("", "eta+"),
    "nonlinearity_down": ("", "eta-"),
    "nonlinearity_form": ("", "where the steps are large"),
    "write_noise": ("of the range", "deviation of every write"),
    "stuck_on": ("of devices", "stay at Gmax"),
    "stuck_off": ("of devices", "stay at Gmin"),
    "states": ("", "conductance states"),
    "seed": ("", "of the chip; none: the training's"),
    "file": ("", "measured devices"),
    "file_spread": ("x", "of their spread"),
}


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)


def _cells(name: str, texts: Sequence[str]) -> str:
    return f"  {name:<34}" + "".join(f"{text:>14}" for text in texts)


def print_view(view: dict[str, Any]) -> None:
    """The parameters, and for each layer what one write is."""
    click.echo(
        f"device of {view['config']} ({view['number_format']}), chip seed {view['chip_seed']}"
        + (": ideal, every device makes the step it is given" if view["ideal"] else "")
    )
    for key, value in view["device"].items():
        unit, meaning = UNITS.get(key, ("", ""))
        click.echo(f"  device.{key:<20} {_plain(value):>12} {unit:<13} {meaning}")
    for write in view["writes"]:
        click.echo(
            f"one write of synapse layer {write['layer']} ({write['bits']} bits over +-{write['range']:g}, "
            f"{write['rounding']} rounding):"
        )
        click.echo(_cells("", ("weight", "part of range", "conductance", "volts", "LSBs")))
        for row in write["rows"]:
            numbers = (row[key] for key in ("weight", "share", "conductance", "volts", "lsbs"))
            click.echo(_cells(row["quantity"], ["-" if n is None else f"{n:.4g}" for n in numbers]))
    for entry in view["deviations"]:
        parts = [f"{name} {h['mean']:.4g} ± {h['deviation']:.2g}" for name, h in entry["histograms"].items()]
        click.echo(
            f"layer {entry['layer']}: {entry['devices']} devices, {entry['stuck_on']} stuck on, "
            f"{entry['stuck_off']} stuck off; {', '.join(parts)}"
        )
    if view["neurons"]:
        n = view["neurons"]
        click.echo(f"neuron gain {n['mean']:.4g} ± {n['deviation']:.2g}; {n['silent']} neurons never fire")
    if view["file"]:
        f = view["file"]
        click.echo(
            f"device.file: {f['devices']} devices, {f['drawn']} of {f['synapses']} synapses draw one of them; "
            f"spread times {f['spread']:g}"
        )
    if view["conductance"]["fixed"]:
        click.echo(f"fixed-point curves are within {100 * view['curve_error_bound']:.2f} % of eq 3.2")


class DeviceCommands(click.Group):
    """A group whose first argument may be a config: then it is that of `show`, whose options the help lists too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `show` before a config, or before its options."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [show.name, *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line for each way to call it."""
        for rest in ("CONFIG [OPTIONS]", "fit FILE [OPTIONS]", "curves CONFIG -o FILE [OPTIONS]"):
            formatter.write_usage(ctx.command_path, rest)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options with a CONFIG, then the commands."""
        with formatter.section("Options with CONFIG"):
            formatter.write_dl([o.get_help_record(ctx) for o in show.get_params(ctx) if isinstance(o, click.Option)])
        self.format_commands(ctx, formatter)


@click.group(
    "device",
    cls=DeviceCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  eqspike device digits-rram
  eqspike device digits-rram --timing
  eqspike device curves digits-rram -o pulses.csv
  eqspike device fit pulses.csv -o mine.yaml
\b
A config of the name of a command is given as a path: eqspike device ./fit
""",
)
def command() -> None:
    """Show the memristors of CONFIG: their curves, how they deviate, the pulses, and what one write is.

    Writes device.json and device.png. 'eqspike device fit' makes a preset from measured pulse-response curves.
    """


@command.command(
    "show",
    hidden=True,
    epilog="""\b
Examples:
  eqspike device digits-rram
  eqspike device digits-memristor --set device.threshold_spread=0.01 --set device.speed=1e-2
  eqspike device digits-memristor --set device.file=chip.csv --out runs/chip
  eqspike device digits-rram --timing
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the result [default: runs/<config>-device].")
@click.option("--points", type=click.IntRange(3, 100000), default=201, show_default=True, help="Points of a curve.")
@click.option("--timing", is_flag=True, help="Also draw the switches of the RTL, clock by clock (needs Icarus).")
@config_options
def show(
    config: str,
    out: Path | None,
    points: int,
    timing: bool,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
) -> None:
    """Show the memristors of CONFIG: their curves, how they deviate, the pulses, and what one write is.

    Curves are eq 3.2 of the thesis beside the steps that fixed point makes of it; deviations are those of the chip that
    the config's seed (or its device.file) makes. Writes device.json and device.png; docs/devices.md explains each key.

    With --timing, three operations of the crossbar are recorded from the RTL, clock by clock, and drawn with the roles
    of the thesis's switches: device-timing.json and device-timing.png.
    """
    from eqspike.base.files import write_json
    from eqspike.base.locks import locked
    from eqspike.lab.device import device_view
    from eqspike.lab.device_advice import device_advice
    from eqspike.lab.figures.device import device_panels
    from eqspike.lab.figures.timing import timing_panels
    from eqspike.lab.plots import save_png

    resolved = read_config(config, overrides, seed, None, dataset)
    if timing and resolved.number.format != "fixed":
        raise UsageProblem("--timing: number.format is real; the RTL computes in fixed point")
    out = out or Path("runs") / f"{resolved.name}-device"
    with locked(out):
        view = device_view(resolved, points) | {"advice": [advice._asdict() for advice in device_advice(resolved)]}
        print_view(view)
        write_json(out / "device.json", view)
        save_png(device_panels(view), out / "device.png")
        written = ["device.json", "device.png"]
        if timing:
            from eqspike.sim.timing import record

            recorded = record(resolved)
            write_json(out / "device-timing.json", recorded)
            save_png(timing_panels(recorded), out / "device-timing.png")
            written += ["device-timing.json", "device-timing.png"]
    for advice in view["advice"]:
        click.echo(f"warning: {advice['symptom']}; {advice['cure']}")
    click.echo(f"wrote {out}/{', '.join(written)}")


command.add_command(fit)
command.add_command(curves)
