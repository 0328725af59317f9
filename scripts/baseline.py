"""`eqspike baseline`: networks without spikes on the same sizes and images, for comparison (lab.baseline).

The laboratory is imported when there is something to train: `--help` needs neither NumPy nor Numba.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from eqspike.base.errors import Interrupted, UsageProblem
from eqspike.lab.configs import Changes, run_name, with_seed
from eqspike.lab.progress import Progress
from eqspike.scripts.options import config_options, validation_option
from eqspike.scripts.progress import image_bar, print_mean


class Bar(Progress):
    """A bar over the images of each epoch."""

    def seed(self, seed: int) -> None:
        """Note the seed, for the bar's title."""
        self.shown = seed

    def note(self, text: str) -> None:
        """Print it."""
        click.echo(f"note: {text}")

    @contextmanager
    def epoch(self, number: int, epochs: int, images: int) -> Iterator[Callable[[int, float], None]]:
        """A bar over the epoch's images."""
        with image_bar(f"seed {self.shown}, epoch {number}/{epochs}", images) as advance:
            yield advance


@click.command(
    "baseline",
    epilog="""\b
Examples:
  eqspike baseline bptt digits --seeds 5
  eqspike baseline continual-eqprop digits --set baseline.beta=0.2
  eqspike baseline bp-adam digits --set baseline.devices=false     without memristors
  eqspike baseline bp-sgd digits-memristor --set device.write_noise=1e-4
""",
)
@click.argument("name", metavar="NAME")
@click.argument("config", metavar="CONFIG")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Train K seeds, from --seed on.")
@click.option("--epochs", type=click.IntRange(0), help="In place of the config's number of epochs.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of the training part.")
@config_options
@validation_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: runs/<config>-<name>-seed<S>].")
@click.option("--force", is_flag=True, help="Begin anew where a run is in the way.")
def command(
    name: str,
    config: str,
    seeds: int,
    epochs: int | None,
    limit: int | None,
    seed: int | None,
    dataset: str | None,
    overrides: Sequence[str],
    validation: bool,
    out: Path | None,
    force: bool,
) -> None:
    """Train baseline NAME (bptt, continual-eqprop, bp-sgd, bp-adam) on the sizes, images and memristors of CONFIG.

    Keys of the baseline itself are set as baseline.KEY; docs/baselines.md lists them. The same command goes on with a
    run that was interrupted. summary.json is as that of 'eqspike train --seeds'.
    """
    from eqspike.base.files import write_json
    from eqspike.base.locks import locked
    from eqspike.golden.baselines.settings import PREFIX, read_settings, settings_to_dict
    from eqspike.lab.baseline import remove_run, run_baseline
    from eqspike.lab.seeds import Seeds, summary

    own = [text for text in overrides if not text.startswith(PREFIX)]
    changes = Changes(overrides=own, seed=seed, epochs=epochs, dataset=dataset, validation=validation)
    resolved = changes.read(config)
    resolved = resolved.replace(number=dataclasses.replace(resolved.number, format="real"))
    settings = read_settings(name, [text for text in overrides if text.startswith(PREFIX)], len(resolved.synapses))
    settings.rates(resolved, 0)
    first = resolved.training.seed
    chosen = range(first, first + seeds)
    if out is None:
        tail = f"seed{first}" if seeds == 1 else f"seeds{first}-{chosen[-1]}"
        out = Path("runs") / f"{run_name(resolved, config)}-{name}-{tail}"
    plan, done = Seeds(resolved, chosen, name, limit), {}
    with locked(out):
        if (out / "weights.npz").exists():
            raise UsageProblem(f"{out}: holds a run of 'eqspike train'; choose another --out")
        if force:
            remove_run(out)
        click.echo(f"training {name} on {resolved.name}, seeds {chosen[0]} to {chosen[-1]}, in {out}")
        try:
            for number in chosen:
                run = run_baseline(with_seed(resolved, number), settings, out / f"seed-{number}", limit, Bar())
                done[number] = run
                data = summary(plan, done).to_dict() | {"settings": settings_to_dict(settings)}
                write_json(out / "summary.json", data)
                accuracy = run.judged_test_accuracy
                shown = "no epochs" if accuracy is None else f"{run.judged}: {100 * accuracy:.2f} %"
                click.echo(f"seed {number}: {run.test_part} accuracy, {shown}")
        except KeyboardInterrupt:
            raise Interrupted("interrupted; the same command goes on") from None
    found = summary(plan, done)
    for key, title in found.titles.items():
        print_mean(title, found.spread(key))
    click.echo(f"wrote {out}/summary.json")
