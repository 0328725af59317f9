"""Names and places of the counters."""

COUNTERS = (
    "steps",
    "synops",
    "programming_pulses",
    "membrane_saturations",
    "weight_saturations",
    "nudged",
    "skipped",
    "images",
)
"""Names of the counters; besides them, spikes by layer (and, in the circuit, cycles)."""

# Places of `COUNTERS` in the counter array; spikes of layer l stand at SPIKES + l, and behind those of all layers stand
# the programming pulses of each layer of synapses, which the circuit does not count apart.
STEPS, SYNOPS, PROGRAMMED, MEMBRANE_SATURATIONS, WEIGHT_SATURATIONS, NUDGED, SKIPPED, IMAGES, SPIKES = range(9)
