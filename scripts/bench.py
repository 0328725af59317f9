"""`eqspike bench`: the golden model's speed on one core.

The laboratory is imported when there is something to measure: `--help` needs neither NumPy nor Numba.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from tqdm import tqdm

from eqspike.lab.configs import read_config
from eqspike.scripts.options import config_options


def _bar(epochs: range) -> Iterable[int]:
    return tqdm(epochs, unit="epoch", leave=False, disable=None)


@click.command(
    "bench",
    epilog="""\b
Examples:
  eqspike bench
  eqspike bench digits --epochs 3 --set number.format=real
""",
)
@click.argument("config", metavar="[CONFIG]", default="digits")
@click.option("--epochs", type=click.IntRange(1), help="In place of the config's number of epochs.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file [default: runs/<config>-bench.json].")
def command(
    config: str, epochs: int | None, seed: int | None, dataset: str | None, overrides: tuple[str, ...], out: Path | None
) -> None:
    """Measure how many images a second the golden model trains, on one core (CONFIG: digits).

    Over the whole schedule with the skip rule as the config has it, and with the nudge phase forced for every image.
    """
    from eqspike.base.files import write_json
    from eqspike.lab.bench import run_bench

    resolved = read_config(config, overrides, seed, None, dataset)
    result = run_bench(resolved, epochs, _bar)
    shown = (
        (
            "training",
            f"{result['training']['epochs']} epochs, {100 * result['training']['nudged_fraction']:.1f} % nudged",
        ),
        ("training_forced_nudge", "every image nudged"),
        ("inference", "free phase only, initial weights"),
    )
    click.echo(f"{resolved.name} {list(resolved.network.layers)}, {resolved.number.format}, seed {result['seed']}")
    for name, remark in shown:
        click.echo(f"  {name.replace('_', ' '):<22} {result[name]['images_per_second']:>9.0f} images/s   {remark}")
    path = out or Path("runs") / f"{resolved.name}-bench.json"
    write_json(path, result)
    click.echo(f"wrote {path}")
