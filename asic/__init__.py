"""The core as standard cells: mapped, timed, simulated against the golden model, and what it consumes."""
