"""`eqspike device fit` and `eqspike device curves`: from pulse-response curves to a preset, and curves to try it."""

from __future__ import annotations

from pathlib import Path

import click

from eqspike.base.errors import UsageProblem
from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options

BASE = "digits-memristor"


@click.command(
    "fit",
    epilog="""\b
Examples:
  eqspike device fit pulses.csv
  eqspike device fit pulses.csv -o mine.yaml --preset digits-memristor
  eqspike device fit pulses.csv --range 10 100 --pulse 0.3 50
  eqspike device curves digits-rram -o pulses.csv     curves to try it with
\b
pulses.csv, a line for each reading:
  device,pulse,direction,conductance (uS)
  d1,0,,10.0
  d1,1,up,11.8
""",
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "preset", type=click.Path(path_type=Path), help="The preset [default: OUT/<name>.yaml].")
@click.option("--preset", "base", default=BASE, show_default=True, help="Whose other settings the preset takes.")
@click.option("--name", help="Of the preset [default: FILE's].")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the fit [default: runs/<name>-fit].")
@click.option("--range", "given", type=(float, float), metavar="GMIN GMAX", help="The devices' range, if it is known.")
@click.option("--pulse", type=(float, float), metavar="VOLTS NS", help="The set's pulse: volts over the threshold and "
              "length; they give device.speed.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="device.seed of the preset: which chip is drawn.")
def fit(
    file: Path,
    preset: Path | None,
    base: str,
    name: str | None,
    out: Path | None,
    given: tuple[float, float] | None,
    pulse: tuple[float, float] | None,
    seed: int | None,
) -> None:
    """Fit the devices of a preset to the pulse-response curves in FILE.

    FILE is CSV with the columns device, pulse, direction (up or down) and conductance (the one after the pulse).
    Range, slopes, eta, spread, write noise, stuck devices and states become the section 'device'; all else is that of
    --preset.

    Writes the preset, fit.json (with standard errors, and which devices were left out and why), fit.png (curves, fit,
    residuals) and devices.csv, a list of the devices for device.file. docs/devices.md tells more.
    """
    from eqspike.base.files import write_bytes, write_json, write_text
    from eqspike.base.locks import locked
    from eqspike.golden.configfile import resolve_preset
    from eqspike.golden.validation import require_name
    from eqspike.lab.figures.device_fit import fit_panels
    from eqspike.lab.fit.curves import read_curves
    from eqspike.lab.fit.fit import fit_curves
    from eqspike.lab.fit.preset import Origin, preset_text
    from eqspike.lab.fit.result import device_list, fit_data, summary_lines
    from eqspike.lab.plots import png_bytes

    if given and not 0 <= given[0] < given[1] < 1e12:
        raise UsageProblem(f"--range: {given[0]:g} {given[1]:g} is not valid; Gmin, then a greater Gmax")
    if pulse and not (1e-6 <= pulse[0] <= 1e3 and 1e-3 <= pulse[1] <= 1e9):
        raise UsageProblem(f"--pulse: {pulse[0]:g} {pulse[1]:g} is not valid; volts over the threshold, nanoseconds")
    name = file.stem if name is None else name
    require_name("--name", name)
    out = out or Path("runs") / f"{name}-fit"
    preset = preset or out / f"{name}.yaml"
    for taken, what in ((file, "the curves"), (resolve_preset(base), "the preset that it is made from")):
        if preset.resolve() == taken.resolve():
            raise UsageProblem(f"-o: {preset} is {what}; choose another name")
    curves = read_curves(file)
    try:
        found = fit_curves(curves, given)
    except UsageProblem as error:
        raise UsageProblem(f"{file}: {error}") from None
    origin = Origin(file.name, curves.unit, base, name, seed, pulse)
    text = preset_text(found, origin)
    picture = png_bytes(fit_panels(found, f"{file.name}: {len(found.sorted.used)} of {len(curves.trains)} devices"))
    with locked(out):
        write_json(out / "fit.json", fit_data(found, curves, origin))
        write_bytes(out / "fit.png", picture)
        write_text(out / "devices.csv", device_list(found))
        write_text(preset, text)
    for line in summary_lines(found, curves):
        click.echo(line)
    click.echo(f"wrote {preset}; {out}/fit.json, fit.png, devices.csv")


@click.command(
    "curves",
    epilog="""\b
Examples:
  eqspike device curves digits-rram -o pulses.csv
  eqspike device curves digits-memristor -o pulses.csv --set device.nonlinearity_up=0.8 --set device.slope_spread=0.1
""",
)
@click.argument("config", metavar="CONFIG")
@click.option("-o", "target", type=click.Path(path_type=Path), required=True, help="The file of curves (CSV).")
@click.option("--devices", type=click.IntRange(1), default=40, show_default=True, help="Devices of the first layer.")
@click.option("--pulses", type=click.IntRange(1, 10000), default=100, show_default=True, help="Up, and as many down.")
@click.option("--step", type=click.FloatRange(1e-6, 1), default=0.01, show_default=True, help="Part of the range "
              "that a pulse moves.")  # fmt: skip
@click.option("--unit", type=click.Choice(["", "S", "mS", "uS", "nS", "pS"]), default="uS", show_default=True)
@config_options
def curves(
    config: str,
    target: Path,
    devices: int,
    pulses: int,
    step: float,
    unit: str,
    seed: int | None,
    dataset: str | None,
    overrides: tuple[str, ...],
) -> None:
    """Write pulse-response curves of CONFIG's devices, made by the golden model, as 'device fit' reads them.

    So a fit can be tried on devices that are known. Each device starts at Gmin and takes --pulses up and as many down;
    the seed draws the noise.
    """
    from eqspike.base.files import write_text
    from eqspike.lab.fit.made import curves_text, made_curves

    resolved = read_config(config, overrides, seed, None, dataset)
    write_text(target, curves_text(made_curves(resolved, devices, pulses, step, resolved.training.seed), unit))
    click.echo(f"wrote {target}: {devices} devices, {pulses} pulses up and {pulses} down")
