"""What a round costs: multiply-adds counted from the masks, peak memory, and energy.

Each op counts its own multiply-adds (`minizerofl.autograd.op.Op.macs`). A product of a sparse layer
(`minizerofl.sparse.swat`) needs one for each kept entry and each place at which it takes part:

=========  =========================================================  =======================================
product    multiply-adds                                              dense equivalent
=========  =========================================================  =======================================
forward    nnz(W_top) * output pixels * samples                       IC * KH * KW * OC * OH * OW * N
dX         the same                                                   the same
dW         for each kept activation, OC times the taps that meet it   the same
=========  =========================================================  =======================================

Where a rule fixes the mask, dW counts only products with kept weights, instead of all OC outputs. The counts are those
of the masks that training really used, read off the graph of each mini-batch before it is swept.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minizerofl.autograd.sweep import topological_order
from minizerofl.autograd.tensor import Tensor

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
    >>> import numpy as np
    >>> from minizerofl import nn
    >>> layer = nn.SparseLinear(10, 4, sparsity=0.5, rng=np.random.default_rng(0))
    >>> x = np.arange(1, 21, dtype=np.float32).reshape(10, 2)
    >>> count_macs(layer(Tensor(x)).sum())  # no dX: the input needs no gradient
    Macs(kept=80, dense=160)
    """
    total = Macs()
    for tensor in topological_order(loss):
        node = tensor.node
        if node is None:
            continue
        products = node.op.macs(node, tensor.shape)
        if products.dense:
            wants_x, wants_w, *_ = node.needs_grad
            kept = products.forward + wants_x * products.dx + wants_w * products.dw
            total += Macs(kept, (1 + wants_x + wants_w) * products.dense)
    return total


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
    powercap : str or PathLike
        Where the system shows the processors' energy counters.

    Examples
    --------
    >>> EffortMeter().read().joules >= 0
    True
    """

    def __init__(
        self, helpers: Callable[[], tuple[float, int]] = lambda: (0.0, 0), powercap: str | os.PathLike[str] = POWERCAP
    ) -> None:
        powercap = Path(powercap)
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
            for zone in _packages(powercap)
        }
    except (OSError, ValueError):
        return {}


def _packages(powercap: Path) -> list[Path]:
    """List the zones of whole processor packages.

    A subzone (``intel-rapl:0:1``) is a part of its package. The zone "psys" is the whole platform and contains all
    packages, so that it counts only where it stands alone.
    """
    zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
    packages = [zone for zone in zones if not (zone / "name").read_text().startswith("psys")]
    return packages or zones


def peak_bytes(status: str | os.PathLike[str] = STATUS) -> int:
    """Return the most memory that this process has held so far, or 0 where that is not known.

    Examples
    --------
    >>> peak_bytes() >= 0
    True
    """
    status = Path(status)
    text = status.read_text(encoding="utf-8", errors="replace") if status.exists() else ""
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    if found:  # getrusage would begin with what the parent process held when it started this one
        return int(found[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
