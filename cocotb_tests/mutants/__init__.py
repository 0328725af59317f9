"""Small changes anywhere in the RTL, drawn by chance: does a test find each of them? `make mutants` asks."""
