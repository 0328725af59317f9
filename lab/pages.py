"""The one renderer: the pages of results (`PAGES` of docs/), the README's table and the gallery.

A table of these pages is a file of experiments/results; its rows come from what results/*.json hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eqspike.base.errors import CommandError
from eqspike.lab.experiments.spec import PAGES
from eqspike.lab.made_from import changed_presets
from eqspike.lab.tables import Claim, Found, markdown
from eqspike.lab.verdict import MET, MISSED

if TYPE_CHECKING:
    import jinja2

    from eqspike.lab.experiments.spec import Experiment

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
CLAIMS = 12
"""Lines of the README's table, at most."""


def environment(html: bool = False) -> jinja2.Environment:
    """The templates of this folder."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("eqspike.lab"), autoescape=html, undefined=jinja2.StrictUndefined,
        trim_blocks=not html, lstrip_blocks=not html, keep_trailing_newline=not html,
    )  # fmt: skip
    made.filters["markdown"] = lambda rows, head: markdown(head, rows)
    return made


def tables_page(page: str, tables: Sequence[Experiment], found: Found) -> str:
    """docs/PAGE.md: its tables; results.md also has the commands of all measurements."""
    sections = [
        {"header": table.header, "rows": table.kind.table(table.full, found)}
        for table in tables
        if table.header.page == page
    ]
    commands = [[name, f"`{entry['command']}`", f"{entry['seconds']:.0f}"] for name, entry in found.items()]
    changed = {name: presets for name, entry in found.items() if (presets := changed_presets(entry))}
    return environment().get_template(f"{page}.md.j2").render(sections=sections, commands=commands, changed=changed)


def all_claims(tables: Sequence[Experiment], found: Found) -> dict[str, list[Claim]]:
    """Table -> what it claims."""
    return {table.name: table.kind.claims(table.full, found) for table in tables}


def readme_table(tables: Sequence[Experiment], found: Found) -> str:
    """The claims that the tables' files name for the README, and how many of all are met.

    Raises `CommandError` when there are more than `CLAIMS`.
    """
    claims = all_claims(tables, found)
    shown = [claim for table in tables for claim in claims[table.name] if claim.what in table.header.readme]
    if len(shown) > CLAIMS:
        raise CommandError(f"experiments/results: readme: {len(shown)} claims for the README; at most {CLAIMS}")
    every = [claim for own in claims.values() for claim in own]
    met = [claim for claim in every if claim.status.startswith(MET)]
    missed = [claim.what for claim in every if claim.status.startswith(MISSED)]
    counts: dict[str, Any] = {"judged": len(met) + len(missed), "met": len(met), "missed": missed}
    return environment().get_template("readme.md.j2").render(claims=shown, **counts)


def write_results(tables: Sequence[Experiment], found: Found, root: Path) -> None:
    """Write `PAGES` of docs/, the README's table and lab/published.yaml in the project's folder."""
    from eqspike.base.files import write_text
    from eqspike.lab import published

    write_text(root / published.FILE, published.published_text(tables, found))

    for page in PAGES:
        write_text(root / "docs" / f"{page}.md", tables_page(page, tables, found))
    readme = root / "README.md"
    before, mark, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise CommandError(f"{readme.name}: the marks {BEGIN} and {END} are missing")
    write_text(readme, f"{before}{BEGIN}\n{readme_table(tables, found)}{END}{after}")


def write_upset_map(found: Found, root: Path) -> None:
    """Draw docs/upsets.png from results/upset-digits.json, where it is."""
    from eqspike.lab.figures.upset import upset_map
    from eqspike.lab.plots import save_png

    if kept := found.get("upset-digits"):
        save_png(upset_map(kept["result"]), root / "docs" / "upsets.png", dpi=70)


def write_pictures(root: Path) -> bool:
    """Draw the README's pictures from the first seed of the measured training; False when it is not there."""
    from eqspike.golden.configfile import load_config
    from eqspike.golden.data import load_split
    from eqspike.golden.network import Network
    from eqspike.lab.figures.network import present_one, raster, receptive_fields
    from eqspike.lab.plots import save_png
    from eqspike.lab.weights import load_weights

    folder = root / "runs" / "results" / "train-digits-fixed" / "seed-0"
    if not (folder / "weights.npz").exists():
        return False
    config = load_config(folder / "config.yaml")
    after = load_weights(folder / "weights.npz", config).weights
    part = load_split(config)
    shown = present_one(config, after, part.test_images, part.test_labels, 0)
    save_png(raster(shown), root / "docs" / "raster.png", dpi=90)
    lsb = Network(config).numbers.synapses[0].weight.lsb
    before = Network(config).weights[0] * lsb
    save_png(receptive_fields(before, after[0] * lsb), root / "docs" / "weights.png", dpi=80)
    return True
