"""Failures that a user can do something about. `scripts.cli` turns each into one line on stderr and an exit status."""

from __future__ import annotations


class CommandError(Exception):
    """A known failure; the message is one line that says what and where."""

    exit_status = 1


class UsageProblem(CommandError):
    """Wrong input: an option, a config, weights. Nothing was run."""

    exit_status = 2


class WeightsError(UsageProblem):
    """A file of weights that cannot be used: missing, corrupt, or made for another network."""


class Interrupted(CommandError):
    """Ctrl-C; the message says how to go on."""

    exit_status = 130
