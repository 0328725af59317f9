"""The command line `eqspike`: options, progress and printing; the work is done on the floors below."""
