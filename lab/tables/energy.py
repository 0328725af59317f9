"""Energy and time of inference and training, from counted SynOps and counted cycles, beside the thesis's estimates.

A SynOp is one spike through one synapse; the thesis prices it at 10 pJ (section 2.5, after Frenkel 2019). What was
measured on few images is scaled to its 50 epochs of 60,000 images: an image's work in the measured epoch, times images.
Two shares of images with a nudge phase are shown, as that is what falls while a network learns: the share of the
measured epoch, and the thesis's over all epochs. For the latter the work of an image is split into that of the free
phase and that of the nudge phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eqspike.lab.tables import Claim, Found, Kind, Shown, no_claims
from eqspike.lab.verdict import reaches

JOULES = 10e-12
"""Of a SynOp."""
EPOCHS, IMAGES, TESTS = 50, 60_000, 10_000
"""The thesis's training on MNIST, and images to test on."""
NUDGED = 489_000 / (EPOCHS * IMAGES)
"""Its share of images with a nudge phase, over all epochs."""
THESIS_STEPS = 2.74e8 * 2
"""Its training in steps: 2.74e8 / f_max, and f_max is 0.5 spikes a step."""
NEURON_HERTZ = 100e3
"""f_max of the neurons that it has 45 minutes from."""

FULL, SHORT = "activity-mnist", "energy-mnist"
"""Measurements of the thesis's network: six epochs of training, and inference cut to t = 10/f_max."""
SHOWN = ("mnist", "mnist300", "fashion")
"""Presets whose work an image is shown."""
TRAININGS = ("digits", "digits-image-end", "mnist", "mnist300", "fashion")
"""Presets whose training is counted, each by the measurement `activity-PRESET`."""
ON_BOARDS = ("digits", "digits-fast", "mnist", "mnist300")
"""Presets whose cycles are counted by the measurement `throughput`."""

ENERGY_WIDTH, TIME_WIDTH = 10, 5
"""Columns of the tables."""


@dataclass(frozen=True)
class Work:
    """What an image costs on average."""

    steps: float
    spikes: float
    """Of all layers."""
    synops: float
    pulses: float
    """Writes of single devices (or weights)."""

    @classmethod
    def of(cls, counters: dict[str, Any]) -> Work:
        """From the counters of some images."""
        images = counters["images"]
        return cls(
            counters["steps"] / images, sum(counters["spikes"]) / images, counters["synops"] / images,
            counters["programming_pulses"] / images,
        )  # fmt: skip

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    def __mul__(self, factor: float) -> Work:
        return Work(*(factor * part for part in self.parts))

    @property
    def parts(self) -> tuple[float, ...]:
        """All four."""
        return self.steps, self.spikes, self.synops, self.pulses

    @property
    def joules(self) -> float:
        """Energy of the SynOps."""
        return JOULES * self.synops


def at_share(learned: Work, free: Work, measured: float, share: float) -> Work:
    """Work of a learned image if `share` of the images had a nudge phase, and not `measured`; `free` is that of the
    free phase alone."""
    if measured == 0:
        return learned
    return free + (learned + free * -1) * (share / measured)


def quantity(value: float, unit: str = "") -> str:
    """Three digits with the fitting prefix: 1.5 µJ."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}".rstrip()
    return f"{value / 1e-9:.3g} n{unit}"


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 1:
        return quantity(seconds, "s")
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _row(
    what: str, images: str, nudged: float | None, work: Work, neurons: int, count: float, thesis: str
) -> list[str]:
    share = "-" if nudged is None else f"{100 * nudged:.1f} %"
    pulses = quantity(work.pulses) if work.pulses else "-"
    total = f"{count:,}: {quantity(count * work.synops)} SynOps, {quantity(count * work.joules, 'J')}"
    return [
        what, images, share, f"{work.steps:.1f}", f"{work.spikes / neurons:.1f}", quantity(work.synops), pulses,
        quantity(work.joules, "J"), total, thesis,
    ]  # fmt: skip


def _missing(what: str, width: int, thesis: str) -> list[str]:
    return [what, "not measured", *["-"] * (width - 3), thesis]


def _layers(preset: str) -> Sequence[int]:
    from eqspike.golden.configfile import load_config, resolve_preset

    return load_config(resolve_preset(preset)).network.layers


def activity_rows(found: Found) -> list[list[str]]:
    """Work of an image in the sixth epoch: rows are spikes of all layers, each of which reads (and programs) a row."""
    rows = []
    for preset in SHOWN:
        if not (entry := found.get(f"activity-{preset}")):
            continue
        last = entry["result"]["epochs"][-1]
        learn, infer = last["counters"], last["test_counters"]
        for what, counters in (("training", learn), ("inference", infer)):
            count = counters["images"]
            spikes = [f"{n / count:,.0f}" for n in counters["spikes"]]
            nudged = f"{100 * counters['nudged'] / count:.0f} %" if counters is learn else "-"
            rows.append([f"`{preset}`", what, nudged, f"{counters['steps'] / count:.0f}", *spikes,
                         f"{counters['synops'] / count / 1e6:.2f} M"])  # fmt: skip
    return rows


def whole_training(entry: dict[str, Any]) -> dict[str, Any]:
    """Counters of all epochs of a measured training together; spikes of all layers, by epoch."""
    epochs = [epoch["counters"] for epoch in entry["result"]["epochs"]]
    names = ("images", "steps", "synops", "programming_pulses", "nudged")
    total: dict[str, Any] = {name: sum(epoch[name] for epoch in epochs) for name in names}
    return total | {"spikes": [sum(epoch["spikes"]) for epoch in epochs]}


@dataclass(frozen=True, kw_only=True)
class Fewer:
    """A preset that is to program synapses at most `part` as often as another, in the whole training."""

    preset: str
    against: str
    part: float


@dataclass(frozen=True, kw_only=True)
class Energy(Shown):
    """`fewer` are claims on programming operations."""

    fewer: tuple[Fewer, ...] = ()


def _fewer_claims(parameters: Energy, found: Found) -> list[Claim]:
    claims = []
    for own in parameters.fewer:
        entries = [found.get(f"activity-{preset}") for preset in (own.preset, own.against)]
        if None in entries:
            continue
        less, more = (Work.of(whole_training(entry)).pulses for entry in entries if entry)
        title = f"Programming operations of `{own.preset}` against `{own.against}`"
        measured = f"{quantity(less)} of {quantity(more)} an image, 1/{more / less:.0f}"
        claims.append(
            Claim(
                title,
                measured,
                "1 seed, all epochs",
                f"<= 1/{1 / own.part:g}",
                reaches(less / more, own.part, "at_most"),
            )
        )
    return claims


def _small_inferences(found: Found) -> Iterator[tuple[str, str, dict[str, Any] | None, str]]:
    """(preset, what, counters or None, the thesis's) of the networks for Digits."""
    for preset in ("digits", "digits-image-end"):
        entry = found.get(f"activity-{preset}")
        last = entry["result"]["epochs"][-1] if entry else {}
        yield preset, "whole free phase", last.get("test_counters"), "-"
        yield preset, "to the first output spike", last.get("first_spike_test_counters"), "-"


def energy_rows(found: Found) -> list[list[str]]:
    """Rows of the table of energy."""
    width = ENERGY_WIDTH
    neurons = sum(_layers("mnist"))
    full = found[FULL]["result"]["epochs"][-1] if FULL in found else None
    short = found[SHORT]["result"]["counters"] if SHORT in found else None
    rows = []
    for preset, what, counters, thesis in (
        *_small_inferences(found),
        ("mnist", "whole free phase", full and full["test_counters"], "-"),
        ("mnist", "t = 10/f_max", short, "150 k SynOps, 1.5 µJ; 10,000: 15 mJ"),
        ("mnist", "to the first output spike", full and full["first_spike_test_counters"], "678 spikes an image"),
    ):
        what = f"`{preset}`, inference, {what}"
        if counters is None:
            rows.append(_missing(what, width, thesis))
            continue
        work = Work.of(counters)
        if thesis.endswith("spikes an image"):
            thesis = f"{thesis}; here {work.spikes:.0f}"
        rows.append(_row(what, f"{counters['images']:,}", None, work, sum(_layers(preset)), TESTS, thesis))
    for preset in TRAININGS:
        what = f"`{preset}`, training, as measured"
        if (entry := found.get(f"activity-{preset}")) is None:
            rows.append(_missing(what, width, "-"))
            continue
        epochs = entry["result"]["epochs"]
        total = whole_training(entry)
        shown = f"{len(epochs)} epochs of {epochs[0]['counters']['images']:,}"
        share = total["nudged"] / total["images"]
        rows.append(_row(what, shown, share, Work.of(total), sum(_layers(preset)), total["images"], "-"))
    what, thesis = "`mnist`, training, scaled", "4.23 T SynOps, 42 J; 36 spikes a neuron"
    if full is None:
        return [*rows, _missing(what, width, thesis)]
    shown = f"{EPOCHS} epochs of {IMAGES:,}"
    for share, work in scaled(full):
        rows.append(_row(what, shown, share, work, neurons, EPOCHS * IMAGES, thesis))
    return rows


def scaled(epoch: dict[str, Any]) -> tuple[tuple[float, Work], ...]:
    """(share of nudged images, work of a learned image): as in that epoch, and with the thesis's share."""
    learned, measured = Work.of(epoch["counters"]), epoch["counters"]["nudged"] / epoch["counters"]["images"]
    return (measured, learned), (NUDGED, at_share(learned, Work.of(epoch["test_counters"]), measured, NUDGED))


def time_rows(found: Found) -> list[list[str]]:
    """Rows of the table of time."""
    rows = []
    measured = {row["name"]: row["result"] for row in found.get("throughput", {}).get("result", {}).get("rows", ())}
    for preset in ON_BOARDS:
        r = measured.get(preset)
        if r is None or "required_mhz" not in r:
            rows.append(_missing(f"`{preset}`", TIME_WIDTH, "-"))
            continue
        where = f"{r['board']}, {r['lanes']} lanes, {r['required_mhz']:g} MHz"
        hertz = 1e6 * r["required_mhz"]
        one = r["inference"]["cycles_per_image"] / hertz
        thesis = f"{duration(10 / NEURON_HERTZ)} at t = 10/f_max" if preset == "mnist" else "-"
        what = f"`{preset}`, inference, whole free phase"
        rows.append([what, where, duration(one), f"{TESTS:,}: {duration(TESTS * one)}", thesis])
        if (took := r.get("seconds_of_training_at_required")) is not None:
            count = len(r["nudged_fraction_of_epochs"])
            rows.append([f"`{preset}`, training, {count} epochs of the preset", where, "-", duration(took), "-"])
        if preset != "mnist":
            continue
        cost, share = r["training"]["cycles_of_images"], r["training"]["nudged_fraction"]
        shares = [(share, r["training"]["cycles_per_image"])]
        if len(cost) == 2:
            shares.append((NUDGED, NUDGED * cost["nudged"] + (1 - NUDGED) * cost["skipped"]))
        for share, cycles in shares:
            rows.append(
                [f"`mnist`, training, {EPOCHS} epochs of {IMAGES:,}, {100 * share:.1f} % nudged", where,
                 duration(cycles / hertz), duration(EPOCHS * IMAGES * cycles / hertz), "45 min"]
            )  # fmt: skip
    if "digits" not in measured:
        rows += _first_images(found)
    what, where = f"training, {EPOCHS} epochs of {IMAGES:,}", "neurons of f_max = 100 kHz"
    step = 0.5 / NEURON_HERTZ
    rows.append([f"the thesis's {what}", where, duration(THESIS_STEPS * step / (EPOCHS * IMAGES)),
                 duration(THESIS_STEPS * step), "45 min"])  # fmt: skip
    if FULL in found:
        for share, work in scaled(found[FULL]["result"]["epochs"][-1]):
            rows.append([f"`mnist`, {what}, {100 * share:.1f} % nudged", where, duration(work.steps * step),
                         duration(EPOCHS * IMAGES * work.steps * step), "45 min"])  # fmt: skip
    return rows


def _first_images(found: Found) -> list[list[str]]:
    """`digits` on the board that has the preset's own lanes, from the first images that the RTL learned. Fewer images
    have a nudge phase later."""
    from eqspike.golden.configfile import load_config, resolve_preset

    built, learned = (found.get(name, {}).get("result") for name in ("build-ulx3s-85f", "train-rtl"))
    if not built or not learned:
        return []
    config = load_config(resolve_preset("digits"))
    if (built["lanes"], built["input_lanes"]) != (config.hardware.lanes, config.hardware.input_lanes):
        return []
    mhz = min(clock["required_mhz"] for clock in built["clocks"].values())
    one = learned["epochs"][0]["cycles_per_image"] / (1e6 * mhz)
    counted = found.get("activity-digits", {}).get("result")
    seconds = one * len(counted["epochs"]) * counted["images"]["train"] if counted else None
    total = "-" if seconds is None else f"{duration(seconds)} if all {len(counted['epochs'])} epochs were like these"
    return [
        [f"`digits`, training, the first {learned['images']['train']} images", f"ulx3s-85f, {built['lanes']} lanes, "
         f"{mhz:g} MHz", duration(one), total, "-"]
    ]  # fmt: skip


KINDS: dict[str, Any] = {
    "activity": Kind(Shown, lambda _, found: activity_rows(found), no_claims),
    "energy": Kind(Energy, lambda _, found: energy_rows(found), _fewer_claims),
    "times": Kind(Shown, lambda _, found: time_rows(found), no_claims),
}
