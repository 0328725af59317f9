"""The command line `eqspike` and the experiments: thin, no arithmetic of their own."""
