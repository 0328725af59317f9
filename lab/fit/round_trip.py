"""Known devices, their pulse-response curves, and the preset that is fitted to those: both are to learn alike."""

from __future__ import annotations

from pathlib import Path

BASE = "digits-rram"
STEP = 0.012
"""Of a pulse of the curves, as a part of Gmax - Gmin."""
DEVICES, PULSES = 40, 100
"""How many devices take how many pulses up, and as many down."""
KNOWN = (
    "device.slope_down=0.8", "device.nonlinearity_up=0.8", "device.nonlinearity_down=1.1", "device.slope_spread=0.1",
    f"device.write_noise={0.05 * STEP}", "device.states=null", "device.compensate=nominal",
)  # fmt: skip
"""10 % spread, noise of 5 % of a pulse; all else is `BASE`'s."""
FOLDER = Path("runs") / "results"


def write_round_trip(folder: Path = FOLDER) -> tuple[Path, Path]:
    """Write known-devices.yaml, their curves and fitted-devices.yaml to the folder; returns the two presets' paths. The
    same bytes every time."""
    from eqspike.base.files import write_text
    from eqspike.golden.configfile import load_config, resolve_preset, save_config
    from eqspike.lab.fit.curves import read_curves
    from eqspike.lab.fit.fit import fit_curves
    from eqspike.lab.fit.made import curves_text, made_curves
    from eqspike.lab.fit.preset import Origin, preset_text

    known, curves, fitted = (folder / f"{name}" for name in ("known-devices.yaml", "curves.csv", "fitted-devices.yaml"))
    config = load_config(resolve_preset(BASE), [*KNOWN, "name=known-devices"])
    folder.mkdir(parents=True, exist_ok=True)
    save_config(config, known)
    write_text(curves, curves_text(made_curves(config, DEVICES, PULSES, STEP), "uS"))
    read = read_curves(curves)
    origin = Origin(curves.name, read.unit, str(known), "fitted-devices")
    write_text(fitted, preset_text(fit_curves(read), origin))
    return known, fitted
