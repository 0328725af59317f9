"""The chip in Amaranth: the same parts and names as `golden`, which it matches to the bit."""
