"""A table of measured devices as a wafer might have them, for measurements of memristors that are read from a file."""

from __future__ import annotations

from pathlib import Path

PRESET = "digits-memristor"
MEASURED = Path("runs") / "results" / "measured-devices.csv"
"""The table that the measurements name."""


def write_measured(path: Path = MEASURED) -> None:
    """Write the devices of `PRESET`: deviation 0.05 of slopes and 0.01 of thresholds, 1 % stuck on and 1 % off, drawn.
    The same bytes every time."""
    import numpy as np

    from eqspike.base.files import write_text
    from eqspike.golden.configfile import load_config, resolve_preset

    layers = load_config(resolve_preset(PRESET)).network.layers
    draw = np.random.default_rng(1)
    lines = ["layer,row,column,slope_up,slope_down,threshold_up,threshold_down,stuck"]
    for layer in range(len(layers) - 1):
        for row in range(layers[layer] + 1):
            for column in range(layers[layer + 1]):
                slopes = np.maximum(1 + 0.05 * draw.standard_normal(2), 0)
                thresholds = 1 + 0.01 * draw.standard_normal(2)
                stuck = draw.choice((0, 1, 2), p=(0.98, 0.01, 0.01))
                numbers = (f"{value:.4f}" for value in (*slopes, *thresholds))
                lines.append(f"{layer},{row},{column},{','.join(numbers)},{stuck}")
    write_text(path, "\n".join(lines) + "\n")
