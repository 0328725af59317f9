"""A page that shows a chip which is not in it: golden, the circuit in this process, a board; behind a local server."""
