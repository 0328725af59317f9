"""`eqspike presets`: the networks that come with the program.

The presets are read when they are asked for: `--help` needs no NumPy.
"""

from __future__ import annotations

import click


@click.command(
    "presets", epilog="\b\nExamples:\n  eqspike presets\n  eqspike train digits\n  eqspike train digits-rram"
)
def command() -> None:
    """List the presets: name, layers, data set, and what it is.

    Each is a YAML file. A copy of one, with another `name:`, is a network of your own.
    """
    from eqspike.base.places import package_folder
    from eqspike.lab.presets import read_presets

    presets = read_presets()
    layers = {p.name: "-".join(map(str, p.config.network.layers)) for p in presets}
    name, size = max(map(len, layers)), max(map(len, layers.values()))
    for preset in presets:
        click.echo(
            f"{preset.name:{name}}  {layers[preset.name]:{size}}  {preset.config.dataset.name:13}  {preset.says}"
        )
    click.echo(f"the files: {package_folder('configs')}")
