"""`eqspike boards`: the boards that bitstreams are built for.

The boards are read when they are asked for: `--help` needs no Amaranth.
"""

from __future__ import annotations

import click


@click.command(
    "boards",
    epilog="\b\nExamples:\n  eqspike boards\n  eqspike build digits --board icebreaker\n  eqspike board --help",
)
def command() -> None:
    """List the boards: what each has, and the presets that say how they are built for it (any other may be tried)."""
    from eqspike.lab.presets import read_boards

    boards = read_boards()
    name, title = max(len(board.name) for board in boards), max(len(board.title) for board in boards)
    for board in boards:
        has = ", ".join(f"{count:,} {kind}" for kind, count in board.totals.items())
        click.echo(f"{board.name:{name}}  {board.title:{title}}  {has}; {board.clock:g} MHz")
        click.echo(f"{'':{name}}  {', '.join(board.presets) or 'no preset yet'}")
