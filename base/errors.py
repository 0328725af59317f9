"""Failures that a user can do something about: each is one line on stderr and an exit status (`explain`)."""

from __future__ import annotations


class CommandError(Exception):
    """A known failure; the message is one line that says what and where."""

    exit_status = 1


class UsageProblem(CommandError):
    """Wrong input: an option, a config, weights. Nothing was run."""

    exit_status = 2


class WeightsError(UsageProblem):
    """A file of weights that cannot be used: missing, corrupt, or made for another network."""


class InputError(UsageProblem, ValueError):
    """Arrays that a network cannot take: shape, type, range or labels."""


class Interrupted(CommandError):
    """Ctrl-C; the message says how to go on."""

    exit_status = 130


def explain(error: Exception) -> tuple[str, int] | None:
    """(message, exit status) of a failure that is the user's to mend; None for anything else, which is a bug."""
    if isinstance(error, CommandError):
        return str(error), error.exit_status
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}", 1
    if isinstance(error, MemoryError):
        return "not enough memory", 1
    return None
