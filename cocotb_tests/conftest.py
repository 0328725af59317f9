"""What all simulations of the tests share."""

import os

# A test presents a few images: compiling takes longer than running.
os.environ.setdefault("EQSPIKE_OPTIMISE", "-O1")
