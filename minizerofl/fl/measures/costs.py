"""What a round costs: multiply-adds counted from the masks, peak memory, and energy.

A product of a sparse layer (`minizerofl.sparse.swat`) needs a multiply-add for each kept entry and each place at which
it takes part:

=========  =========================================================  =======================================
product    multiply-adds                                              dense equivalent
=========  =========================================================  =======================================
forward    nnz(W_top) * output pixels * samples                       IC * KH * KW * OC * OH * OW * N
dX         the same                                                   the same
dW         for each kept activation, OC times the taps that meet it   the same
=========  =========================================================  =======================================

The counts are those of the masks that training really used, read off the graph of each mini-batch before it is swept.
The dW of a linear layer is computed by dense BLAS all the same, since that is faster; its count is the masks', too.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minizerofl.autograd.op import Context
from minizerofl.autograd.sweep import topological_order
from minizerofl.autograd.tensor import Tensor
from minizerofl.sparse.geometry import geometry
from minizerofl.sparse.masked import Masked

WATTS_PER_CORE = 10.0  # assumed for a busy core where nothing is measured
POWERCAP = Path("/sys/class/powercap")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Macs:
    """Multiply-adds.

    Attributes
    ----------
    kept : int
        Those that the masks leave.
    dense : int
        Those of the same layers without masks.
    """

    kept: int = 0
    dense: int = 0

    def __add__(self, other: Macs) -> Macs:
        return Macs(self.kept + other.kept, self.dense + other.dense)


def count_macs(loss: Tensor) -> Macs:
    """Count the multiply-adds of a forward pass and of the backward pass that is to follow.

    Parameters
    ----------
    loss : Tensor
        What ``backward`` will be called on; not yet swept.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.SparseLinear(10, 4, sparsity=0.5, rng=np.random.default_rng(0))
    >>> x = np.arange(1, 21, dtype=np.float32).reshape(10, 2)
    >>> count_macs(layer(Tensor(x)).sum())  # no dX: the input needs no gradient
    Macs(kept=80, dense=160)
    """
    total = Macs()
    for tensor in topological_order(loss):
        node = tensor._node
        if node is not None and node.op.name in COUNTS:
            forward, backward = COUNTS[node.op.name](node, tensor)
            weight = node.inputs[1]
            assert weight is not None  # ops check it
            dense = weight.size * tensor.size // tensor.shape[0]
            products = 1 + node.needs_grad[0]
            kept = products * forward + (backward if node.needs_grad[1] else 0)
            total += Macs(kept, (products + node.needs_grad[1]) * dense)
    return total


def _dense(node: Context, out: Tensor) -> tuple[int, int]:
    weight = node.inputs[1]
    assert weight is not None
    macs = weight.size * out.size // out.shape[0]
    return macs, macs


def _sparse_linear(node: Context, out: Tensor) -> tuple[int, int]:
    kept, *_, x_top = node.saved  # W_top, or the dense op that has it
    weights = np.count_nonzero(kept.saved[1]) if issubclass(node.op, Masked) else kept.nnz
    OC, N = out.shape
    return int(weights) * N, int(np.count_nonzero(x_top)) * OC


def _sparse_conv2d(node: Context, out: Tensor) -> tuple[int, int]:
    x = node.inputs[0]
    assert x is not None
    _, H, W, N = x.shape
    if issubclass(node.op, Masked):
        inner, x_top = node.saved
        _, w_top, rows, cols = inner.saved
        place, positions, weights = geometry(rows, cols, x.shape[0], N), np.flatnonzero(x_top), np.count_nonzero(w_top)
    else:
        w_top, positions, _, place, *_ = node.saved
        weights = w_top.nnz
    S, taps = place.stride, positions.size * place.phases.size
    if S > 1:  # a pixel meets only the taps of its phase
        pixels = positions // N
        phases = (pixels // W % H) % S * S + pixels % W % S
        taps = int(np.bincount(phases, minlength=S * S) @ np.bincount(place.phases, minlength=S * S))
    return int(weights) * out.size // out.shape[0], taps * out.shape[0]


COUNTS = {"linear": _dense, "conv2d": _dense, "sparse_linear": _sparse_linear, "sparse_conv2d": _sparse_conv2d}


@dataclass(frozen=True)
class Effort:
    """What a round asked of the machine.

    Attributes
    ----------
    cpu_seconds : float
        Processor time of the process and of those that work for it, all threads together.
    joules : float
        Energy.
    energy_source : str
        "rapl": measured by the processors' own counters, for all that ran on them. "estimate": 10 W for each second
        of processor time, whatever the machine.
    peak_bytes : int
        The most memory that the process has held so far, and each of those that work for it: what they share counts
        for each. 0 where that is not known.
    """

    cpu_seconds: float = 0.0
    joules: float = 0.0
    energy_source: str = "estimate"
    peak_bytes: int = 0


class EffortMeter:
    """Measures the effort from its making to `read`.

    Parameters
    ----------
    helpers : callable, optional
        Returns the processor seconds of other processes that count, and the sum of their peak bytes.
    powercap : Path
        Where the system shows the processors' energy counters.

    Examples
    --------
    >>> EffortMeter().read().joules >= 0
    True
    """

    def __init__(self, helpers: Callable[[], tuple[float, int]] = lambda: (0.0, 0), powercap: Path = POWERCAP) -> None:
        self._helpers = helpers
        self._powercap = powercap
        self._cpu = time.process_time() + helpers()[0]
        self._counters = _rapl(powercap)

    def read(self) -> Effort:
        """Return the effort up to now."""
        helpers_cpu, helpers_peak = self._helpers()
        cpu, peak = time.process_time() + helpers_cpu - self._cpu, peak_bytes() + helpers_peak
        now = _rapl(self._powercap)
        if not self._counters or self._counters.keys() != now.keys():
            return Effort(cpu, cpu * WATTS_PER_CORE, "estimate", peak)
        microjoules = sum(
            # A counter that has come to its end begins again at zero.
            (energy - self._counters[package][0]) % (limit + 1)
            for package, (energy, limit) in now.items()
        )
        return Effort(cpu, microjoules / 1e6, "rapl", peak)


def _rapl(powercap: Path) -> dict[str, tuple[int, int]]:
    """Read the counters of all processor packages, in microjoules, with their largest values; none if not readable."""
    try:
        return {
            zone.name: (int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text()))
            for zone in sorted(powercap.glob("intel-rapl:?"))
        }
    except (OSError, ValueError):
        return {}


def peak_bytes(status: Path = STATUS) -> int:
    """Return the most memory that this process has held so far, or 0 where that is not known.

    Examples
    --------
    >>> peak_bytes() >= 0
    True
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    if found:  # getrusage would begin with what the parent process held when it started this one
        return int(found[1]) * 1024
    if os.name != "posix":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
