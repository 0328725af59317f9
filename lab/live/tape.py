"""A recorded session: what was done to the chip, in order, and what it then held. The page reads the same file.

JSON: `format`, `name` and `seed` of the config, `circuit` (a hash of the config), `done`, a list of [seconds, what,
fields], and `digest` of weights and key at the end. `train` stands for one training image, or for as many as `images`
says. Seconds are for the eye: the order alone decides what the chip holds. `origin` says whose training images are
counted: a page that carries its images has fewer of them, and in later epochs another order.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eqspike.base.errors import UsageProblem
from eqspike.base.files import write_text
from eqspike.golden.config import Config
from eqspike.rtl.link.protocol import config_hash

FORMAT = "eqspike session 1"
ORIGIN = "live"
LARGEST = 50 * 2**20
"""Bytes of a file that is read."""
WHAT = ("start", "show", "teach", "train", "write", "stick", "key", "inspect", "judge")


@dataclass
class Tape:
    """What was done so far."""

    name: str
    seed: int
    circuit: str
    done: list[list[Any]] = field(default_factory=list)
    digest: str = ""
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, config: Config) -> Tape:
        """An empty one for a chip of this config."""
        return cls(config.name, config.training.seed, config_hash(config).hex())

    def record(self, what: str, **fields: Any) -> None:
        """Something was done. Training images in a row are one entry."""
        seconds = round(time.monotonic() - self.began, 2)
        if what == "train" and self.done and self.done[-1][1] == "train":
            self.done[-1][2]["images"] += 1
        else:
            self.done.append([seconds, what, {"images": 1} if what == "train" else fields])

    def save(self, path: Path, digest: str) -> None:
        """Write it whole, with the digest of what the chip holds now."""
        self.digest = digest
        kept = {name: getattr(self, name) for name in ("name", "seed", "circuit", "done", "digest")}
        write_text(path, json.dumps({"format": FORMAT, "origin": ORIGIN, **kept}, separators=(",", ":")))


def read_tape(path: Path, config: Config) -> Tape:
    """The session in a file, which must be of a chip of this config. Raises `UsageProblem`, one line."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageProblem(f"{path}: larger than any session, {LARGEST} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageProblem(f"{path}: no recorded session: not JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UsageProblem(f"{path}: format: no recorded session; 'eqspike live --record FILE' writes one")
    for name, kind in (("name", str), ("seed", int), ("circuit", str), ("done", list), ("digest", str)):
        if type(data.get(name)) is not kind:
            raise UsageProblem(f"{path}: {name}: is missing or no {kind.__name__}")
    if data.get("origin") != ORIGIN:
        raise UsageProblem(f"{path}: origin: recorded by a page that carries its images; open it in that page")
    own = Tape.of(config)
    for name in ("name", "seed", "circuit"):
        if data[name] != getattr(own, name):
            raise UsageProblem(f"{path}: {name}: {str(data[name])[:60]}; this chip's is {getattr(own, name)}")
    for number, entry in enumerate(data["done"]):
        if not (
            isinstance(entry, list) and len(entry) == 3 and type(entry[0]) in (int, float) and entry[1] in WHAT
            and isinstance(entry[2], dict)
        ):  # fmt: skip
            raise UsageProblem(f"{path}: done.{number}: [seconds, one of {', '.join(WHAT)}, fields]")
    return Tape(data["name"], data["seed"], data["circuit"], data["done"], data["digest"])


__all__ = ["Tape", "read_tape"]
