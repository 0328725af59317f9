"""The laboratory: training, runs and their store, experiments, results, figures, reports, exchange."""
