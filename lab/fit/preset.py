"""A preset of fitted devices: a base preset's settings, with the section `device` as fitted and its error bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from eqspike.base.strict_yaml import read_yaml
from eqspike.golden.configfile import config_from_text, load_config, resolve_preset
from eqspike.golden.validation import ConfigError
from eqspike.lab.fit.parameters import Fit

KEPT = ("threshold_up", "threshold_down", "threshold_spread", "threshold_symmetric", "speed", "pulse_ns", "compensate")
"""Keys of `device` that curves say nothing of: they stay the base preset's."""
WHOLE = ("slope_symmetric", "nonlinearity_form")
OF = {
    "slope_up": "of the nominal slope",
    "slope_down": "of the nominal slope",
    "slope_spread": "of the slope, from device to device",
    "nonlinearity_up": "eta",
    "nonlinearity_down": "eta",
    "write_noise": "of Gmax - Gmin",
    "stuck_on": "of the devices",
    "stuck_off": "of the devices",
}


@dataclass(frozen=True)
class Origin:
    """What a fit's preset is made from."""

    source: str
    """The file of curves."""
    unit: str
    """Of its conductances."""
    base: str
    """The preset whose other settings are taken."""
    name: str
    """Of the new preset."""
    seed: int | None = None
    """device.seed."""
    pulse: tuple[float, float] | None = None
    """Volts over the threshold and nanoseconds of the set's pulse, where they are known: they give device.speed."""


def preset_text(fit: Fit, origin: Origin) -> str:
    """The preset as YAML with comments. Raises `ConfigError` where the base's settings do not go with the devices."""
    load_config(resolve_preset(origin.base))  # one that is wrong by itself is refused under its own name
    data: dict[str, Any] = read_yaml(resolve_preset(origin.base))
    changed = _for_devices(data)
    parts = [_head(fit, origin, changed), f"name: {_plain(origin.name)}"]
    sections = {key: value for key, value in data.items() if key not in ("name", "device")}
    at = list(data).index("device") - 1 if "device" in data else len(sections)
    for number, (key, value) in enumerate([*sections.items(), ("", None)]):
        if number == min(at, len(sections)):
            parts.append(_device(fit, origin, data.get("device") or {}))
        if key:
            parts.append(_section(key, value))
    text = "\n".join(parts) + "\n"
    try:
        config_from_text(text)
    except ConfigError as error:
        raise ConfigError(f"{origin.base} with these devices: {error}") from None
    return text


def _plain(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).split("\n")[0]


def _section(key: str, value: object) -> str:
    """A section in one line, or with a line for each of its items."""
    if isinstance(value, list):
        return "\n".join([f"{key}:", *(f"  - {_plain(item)}" for item in value)])
    return f"{key}: {_plain(value)}"


def _for_devices(data: dict[str, Any]) -> list[str]:
    """Change what devices that are not ideal cannot have, in place, and say what was changed."""
    changed = []
    synapses = data.get("synapses") or [{}]
    synapses = [synapses] if isinstance(synapses, dict) else synapses
    if any(s.get("rounding", "stochastic") == "stochastic" and s.get("draw") != "synapse" for s in synapses):
        data["synapses"] = [{**s, "draw": "synapse"} for s in synapses]
        changed.append("each synapse draws by itself (draw: synapse)")
    for place in (data.get("hardware"), *(data.get("boards") or {}).values()):
        if place and place.pop("banks", 1) > 1 and "one bank" not in changed:
            changed.append("one bank")
    return changed


def _head(fit: Fit, origin: Origin, changed: list[str]) -> str:
    found = fit.sorted
    counts = (
        f"{len(found.used)} devices fitted, {len(found.reversed)} of them reversed and {len(found.ragged)} ragged; "
        f"{len(found.stuck_on)} stuck on, {len(found.stuck_off)} stuck off, {len(found.left_out)} left out"
    )
    lines = [
        f"Devices fitted by 'eqspike device fit' to {origin.source}; all else is {origin.base}'s"
        + (f", but {' and '.join(changed)}." if changed else "."),
        f"{counts}.",
        f"A pulse of the set moves the nominal device by {fit.step:.4g} ± {fit.errors['step']:.2g} of Gmax - Gmin",
        "where its slope and its exponential are 1. ± is a standard error.",
        *(f"Note: {note}." for note in fit.notes),
    ]
    return "\n".join("# " + " ".join(line.split()) for line in lines)


def _device(fit: Fit, origin: Origin, base: dict[str, Any]) -> str:
    """The section, a line for each key."""
    lines = ["device:"]
    for key, value in fit.values.items():
        if key == "states":
            kept = "" if value is None else f"  states: {value} "
            what = f"{fit.states.reason}; leave it out if weaker pulses make smaller steps"
            what = what if value else f"states: left out, {fit.states.reason}"
            lines.append(f"{kept or '  '}# {what}")
            continue
        text = _plain(value) if key in WHOLE else f"{value:.5g}"
        unit = origin.unit if key.startswith("conductance") else OF.get(key, "")
        error = f"± {fit.errors[key]:.2g}" if key in fit.errors else "by definition" if key.startswith("slope_") else ""
        if key == "slope_symmetric" and fit.correlation is not None:
            error = f"slopes up and down are correlated by {fit.correlation:.2f}"
        elif key in WHOLE:
            error = ""
        comment = ", ".join(part for part in (unit, error) if part)
        lines.append(f"  {key}: {text}" + (f" # {comment}" if comment else ""))
    kept = {key: base[key] for key in KEPT if key in base}
    whose = f"of {origin.base}: the curves do not tell"
    comments = dict.fromkeys(kept, whose)
    if origin.pulse:
        volts, nanoseconds = origin.pulse
        kept |= {"speed": float(f"{fit.step / volts / (nanoseconds / 50):.5g}"), "pulse_ns": nanoseconds}
        comments |= {"speed": f"from pulses of {volts:g} V over the threshold and {nanoseconds:g} ns", "pulse_ns": ""}
    if origin.seed is not None:
        kept["seed"] = origin.seed
    for key, value in kept.items():
        comment = f" # {comments[key]}" if comments.get(key) else ""
        lines.append(f"  {key}: {_plain(value)}{comment}")
    return "\n".join(lines)
