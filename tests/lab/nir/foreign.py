"""Runs a NIR file in another program, or makes one there; started by the Python in which that program is installed.

    python foreign.py version LIBRARY
    python foreign.py run LIBRARY FILE.nir SPIKES.npz OUT.npz
    python foreign.py make LIBRARY NETWORK.npz SPIKES.npz FILE.nir OUT.npz

LIBRARY is snntorch, norse, sinabs or nirtorch. SPIKES.npz holds `spikes`, shape (steps, images, inputs); OUT.npz gets
the outputs', shape (steps, images, outputs). NETWORK.npz holds `weight_l`, `bias_l` in units of the threshold, and
`leak` a step. It imports nothing of this project.
"""

from __future__ import annotations

import importlib.metadata
import sys
from typing import Any

import nir
import numpy as np
import torch


def stepwise(net: Any, spikes: torch.Tensor) -> torch.Tensor:
    """Spikes of a network that takes one step and its state."""
    state, found = None, []
    for now in spikes:
        out = net(now, state) if state is not None else net(now)
        out, state = out if isinstance(out, tuple) else (out, None)
        found.append(out)
    return torch.stack(found)


class Lif(torch.nn.Module):
    """NIR's LIF, for nirtorch, which has no neurons of its own."""

    def __init__(self, node: nir.LIF, dt: float) -> None:
        super().__init__()
        self.keep = torch.as_tensor(1 - dt / node.tau).float()
        self.gain = torch.as_tensor(node.r * dt / node.tau).float()
        self.threshold, self.v = torch.as_tensor(node.v_threshold).float(), torch.zeros(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = self.keep * self.v + self.gain * x
        spikes = (v > self.threshold).float()
        self.v = v * (1 - spikes)
        return spikes


def affine(node: nir.Affine) -> torch.nn.Linear:
    layer = torch.nn.Linear(node.weight.shape[1], node.weight.shape[0])
    layer.weight.data, layer.bias.data = torch.as_tensor(node.weight).float(), torch.as_tensor(node.bias).float()
    return layer


def run(library: str, graph: nir.NIRGraph, spikes: torch.Tensor) -> torch.Tensor:
    """Output spikes of the graph as that program loads it."""
    if library == "snntorch":
        from snntorch import import_nir

        return stepwise(import_nir.import_from_nir(graph), spikes)
    if library == "norse":
        import norse.torch

        return stepwise(norse.torch.from_nir(graph, dt=1e-4), spikes)
    if library == "sinabs":
        from sinabs.nir import from_nir

        steps, images = spikes.shape[:2]
        net = from_nir(graph, batch_size=images)
        out = net(spikes.transpose(0, 1).reshape(steps * images, -1))
        out = out[0] if isinstance(out, tuple) else out
        return out.reshape(images, steps, -1).transpose(0, 1)
    import nirtorch

    dt = float(graph.metadata["dt"])
    return stepwise(nirtorch.nir_to_torch(graph, {nir.Affine: affine, nir.LIF: lambda node: Lif(node, dt)}), spikes)


def make(library: str, network: Any, spikes: torch.Tensor) -> tuple[nir.NIRGraph, torch.Tensor]:
    """A network of that program's own with these weights, as the program writes it, and what it puts out."""
    leak, layers = float(network["leak"]), []
    for at in range(2):
        weight, bias = torch.as_tensor(network[f"weight_{at}"]).float(), torch.as_tensor(network[f"bias_{at}"]).float()
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        gain = 1.0
        if library == "snntorch":
            import snntorch

            size = len(bias)  # one number a neuron: NIR's types are checked as the file is written
            neurons = snntorch.Leaky(
                beta=torch.full((size,), 1 - leak), threshold=torch.ones(size), init_hidden=True, output=at == 1,
                reset_mechanism="zero", reset_delay=False,
            )  # fmt: skip
        elif library == "norse":
            import norse.torch as norse

            parameters = norse.LIFBoxParameters(tau_mem_inv=torch.as_tensor(leak / 1e-3))
            neurons, gain = norse.LIFBoxCell(parameters), leak
        else:
            import sinabs.layers

            tau = -1 / np.log1p(-leak)
            neurons = sinabs.layers.LIF(tau_mem=torch.as_tensor(tau).float(), norm_input=True)
            gain = leak
        linear.weight.data, linear.bias.data = weight / gain, bias / gain
        layers += [linear, neurons]
    one = spikes[0, :1]
    if library == "snntorch":
        from snntorch.export_nir import export_to_nir

        net = torch.nn.Sequential(*layers)
        out = torch.stack([net(now)[0] for now in spikes])
        return export_to_nir(net, one, ignore_dims=[0]), out
    if library == "norse":
        net = norse.SequentialState(*layers)
        return norse.to_nir(net, one), stepwise(net, spikes)
    from sinabs.nir import to_nir

    net = torch.nn.Sequential(*layers)
    out = net(spikes.transpose(0, 1)).transpose(0, 1)
    return to_nir(net, spikes[:, :1].transpose(0, 1)), out


def main(what: str, library: str, *paths: str) -> None:
    if what == "version":
        print(importlib.metadata.version(library))
        return
    with torch.no_grad():
        if what == "run":
            file, given, out = paths
            spikes = torch.as_tensor(np.load(given)["spikes"]).float()
            found = run(library, nir.read(file), spikes)
        else:
            network, given, file, out = paths
            spikes = torch.as_tensor(np.load(given)["spikes"]).float()
            graph, found = make(library, np.load(network), spikes)
            nir.write(file, graph)
        np.savez(out, spikes=found.detach().numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
