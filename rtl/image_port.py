"""Images in, results out: what stands for the length of an image."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from eqspike.golden.config import Config
from eqspike.golden.number import fixed_numbers
from eqspike.rtl.nudge import OutputRates
from eqspike.rtl.streams import Mode, image_layout, result_layout, step_shape


class ImagePort(wiring.Component):
    """Hands an image's pixels to the input neurons of all banks at once, and keeps its label and mode.

    - `images` (stream of `rtl.streams.image_layout`).
    - `pixels` (a stream for each bank). `loaded` (1 a bank): the bank has all pixels. `empty` (1): the first bank has
      none.
    - `offered` (1): an image may begin. `begin` (1): it does; `label` and `mode` are its from the next cycle on.
    - `fill` (1): take its pixels now; `filled` (1): all are there. With `prefetch`, pixels are taken at any time, an
      image is offered when it is whole, and `filled` is always high.
    """

    def __init__(self, config: Config, banks: int, prefetch: bool) -> None:
        self.banks, self.prefetch = banks, prefetch
        image = image_layout(config)
        super().__init__(
            {
                "images": In(stream.Signature(image)),
                "pixels": Out(stream.Signature(unsigned(fixed_numbers(config).pixel_bits))).array(banks),
                "loaded": In(banks),
                "empty": In(1),
                "offered": Out(1),
                "begin": In(1),
                "fill": In(1),
                "filled": Out(1),
                "label": Out(image.members["label"]),
                "mode": Out(Mode),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        image = self.images.payload
        ready = Cat(pixels.ready for pixels in self.pixels).all()
        m.d.comb += [pixels.payload.eq(image.pixel) for pixels in self.pixels]
        label, mode = image.label, image.mode
        if self.prefetch:
            label, mode = Signal.like(self.label, name="next_label"), Signal(Mode, name="next_mode")
            m.d.comb += [self.images.ready.eq(ready), self.offered.eq(self.loaded.all()), self.filled.eq(1)]
            m.d.comb += [pixels.valid.eq(self.images.valid) for pixels in self.pixels]
            with m.If(self.images.valid & self.empty):
                m.d.sync += [label.eq(image.label), mode.eq(image.mode)]
        else:
            m.d.comb += [self.offered.eq(self.images.valid), self.filled.eq(self.loaded.all())]
            m.d.comb += self.images.ready.eq(ready & self.fill)
            m.d.comb += [pixels.valid.eq(self.images.valid & self.fill) for pixels in self.pixels]
        with m.If(self.begin):
            m.d.sync += [self.label.eq(label), self.mode.eq(mode)]
        return m


class ResultPort(wiring.Component):
    """Gathers an image's result and offers it.

    - `results` (stream of `rtl.streams.result_layout`).
    - `begin` (1): an image begins, `restart` (1): the cycle after.
    - `steps_done`: steps that all neurons have taken. `first_valid`, `first_spike`: as `rtl.nudge.OutputRates` gives
      them; the step of the first spike is that of `first_valid`.
    - `judge` (1): take `prediction` and `counts`; `nudged` (1): the nudge phase follows. `give` (1): offer the result
      from the next cycle on.
    """

    def __init__(self, config: Config, rates: OutputRates) -> None:
        super().__init__(
            {
                "results": Out(stream.Signature(result_layout(config))),
                "begin": In(1),
                "restart": In(1),
                "steps_done": In(step_shape(config)),
                "first_valid": In(1),
                "first_spike": In(rates.first_spike.shape()),
                "prediction": In(rates.prediction.shape()),
                "counts": In(rates.counts.shape()),
                "judge": In(1),
                "nudged": In(1),
                "give": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        result = self.results.payload
        # The counts, and so `first_valid`, are a cycle later than the step that they belong to.
        late_step, first_step_known = Signal.like(self.steps_done), Signal()
        m.d.sync += late_step.eq(self.steps_done)
        with m.If(self.first_valid & ~first_step_known):
            m.d.sync += [result.first_step.eq(late_step), first_step_known.eq(1)]
        with m.If(self.restart):
            m.d.sync += first_step_known.eq(0)
        with m.If(self.results.valid & self.results.ready):
            m.d.sync += self.results.valid.eq(0)
        with m.If(self.begin):
            m.d.sync += result.nudged.eq(0)
        with m.If(self.judge):
            m.d.sync += [result.prediction.eq(self.prediction), result.counts.eq(self.counts)]
        with m.If(self.nudged):
            m.d.sync += result.nudged.eq(1)
        with m.If(self.give):
            m.d.sync += [
                self.results.valid.eq(1),
                result.first_valid.eq(self.first_valid),
                result.first_spike.eq(self.first_spike),
            ]
        return m


__all__ = ["ImagePort", "ResultPort"]
