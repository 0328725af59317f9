"""Proofs of `rtl/products.py`."""

from __future__ import annotations

from amaranth.hdl import Const, Mux, Value, signed

from eqspike.golden.number import fixed_numbers
from eqspike.rtl.layout import Layout
from eqspike.rtl.products import Products
from formal import configs
from formal.bench import Bench
from formal.registry import proof

FEW_BITS = {**configs.IMAGE_END, "rate": {"delay": 6, "leak": 0.25, "fraction_bits": 1, "integer_bits": 4}}
CASES = {
    "long": FEW_BITS,
    # The shortest phase there is: one bit of a count.
    "short": FEW_BITS | {"learning": {**configs.SMALL["learning"], "nudge_steps": 2}},
}


def products(count: Value, value: Value, other_count: Value, other: Value) -> Value:
    """A count times a value plus another count times another value, by the definition of binary numbers: solvers take
    long for multipliers, and for sums in another order."""
    out = Const(0, signed(1))
    for i in reversed(range(len(count))):
        out = out + (Mux(count[i], value, 0) + Mux(other_count[i], other, 0)).shift_left(i)
    return out


@proof("After exactly `cycles` each lane's product is the count times its sum plus its count times the sum above, for "
       "all counts and sums and whatever was made before; it stays until the next start.", depth=8, any_state=True,
       cases=CASES, bug=("with m.Elif(left != 0):", "with m.Elif(left > 1):"))  # fmt: skip
def multiplies(b: Bench, **sections: object) -> None:
    config = configs.small(**sections)
    block = b.add(Products(config, Layout(config, 2)), leave=("start",))
    count_bits = fixed_numbers(config).spike_count.bits
    assert block.cycles == count_bits + 1 < 6
    again = b.free(1, "again")
    b.m.d.comb += block.start.eq(b.first | again)
    # It is not begun anew before it is done, nor is anything on its way at first.
    runs = b.cycle < block.cycles
    b.assume(~b.first | (b.peek("dut.left", range(count_bits + 1)) == 0))
    b.assume(~runs | ~again)
    for name in ("count", "above", "sums", "counts"):
        value = Value.cast(getattr(block, name))
        b.assume(b.first | ~runs | (value == b.past(value)))
    stands = b.register(1, "stands", init=1)
    """No other was begun."""
    with b.m.If(again):
        b.m.d.sync += stands.eq(0)
    b.prove(b.first | ~stands | (block.done == (b.cycle == block.cycles)))
    ready = stands & (b.cycle >= block.cycles)
    for lane in range(block.lanes):
        for bits in range(count_bits + 1):
            # On the way it is the product of the counts' upper bits: solvers go from one to the next.
            upper = [count[count_bits - bits :] for count in (block.count, block.counts[lane])]
            exact = products(upper[0], block.sums[lane], upper[1], block.above)
            wanted, then = b.as_of_first(exact, exact.shape()), b.cycle == bits + 1
            here = ready | then if bits == count_bits else then
            b.prove(~stands | ~here | (block.products[lane] == wanted))
    b.reach(ready & ~runs & (block.products[0] < -20) & (block.products[1] > 20))
