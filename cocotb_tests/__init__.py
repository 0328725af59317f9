"""RTL against the golden model, in real simulators."""
