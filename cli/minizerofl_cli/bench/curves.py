"""Calibration: at which density the sparse path of a layer takes as long as the dense path on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from minizerofl import ops
from minizerofl.nn import Conv2d
from minizerofl.sparse.breakeven import BREAK_EVEN
from minizerofl_cli.bench.hooks import Call
from minizerofl_cli.bench.products import Function, product_seconds
from minizerofl_cli.screen.pictures import picture

DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Curve:
    """How long a training step of one layer takes on either path.

    Attributes
    ----------
    kind : str
        See `minizerofl.sparse.breakeven.layer_kind`.
    densities : list of float
        The shares of weights and activations that took part, ascending, up to the first at which sparse is slower.
    sparse_seconds, dense_seconds : list of float
        Forward product with the selection of the weights, and both gradients, on either path.
    """

    kind: str
    densities: list[float]
    sparse_seconds: list[float]
    dense_seconds: list[float]

    @property
    def break_even(self) -> float:
        """The density at which the sparse path becomes the slower one; 1 if it never does.

        Between two densities that were measured the difference is taken to be a straight line.

        Examples
        --------
        >>> Curve("linear 3x3 batch 1", [0.25, 0.5, 1], [1, 2, 4], [3, 3, 3]).break_even
        0.75
        """
        lead = [dense - sparse for sparse, dense in zip(self.sparse_seconds, self.dense_seconds, strict=True)]
        if lead[0] <= 0:
            return 0.0
        for i in range(1, len(lead)):
            if lead[i] < 0:
                share = lead[i - 1] / (lead[i - 1] - lead[i])
                return self.densities[i - 1] + share * (self.densities[i] - self.densities[i - 1])
        return 1.0


def measure_curves(calls: Sequence[Call], seconds: float, say: Callable[[str], None]) -> list[Curve]:
    """Measure each kind of sparse layer among some calls, on its own inputs and weights.

    Parameters
    ----------
    calls : sequence of Call
        Of a sparse model.
    seconds : float
        For about how long each product is repeated at each density.
    say : callable
        Is told the break-even of each layer.
    """
    curves = []
    for call in {call.kind: call for call in calls if call.layer.sparse_parameters()}.values():
        curve = Curve(call.kind, [], [], [])
        for density in DENSITIES:
            sparse, dense = (
                sum(product_seconds(_path(call, path, 1 - density), call, seconds)) for path in ("sparse", "dense")
            )
            curve.densities.append(density)
            curve.sparse_seconds.append(sparse)
            curve.dense_seconds.append(dense)
            if sparse > dense:  # it only gets worse, and takes longer and longer to measure
                break
        curves.append(curve)
        say(f"  {call.kind}: sparse up to a density of {curve.break_even:.2f}")
    return curves


def built_in(kind: str) -> float:
    """Return the break-even density that is used where none was measured.

    Examples
    --------
    >>> 0 < built_in("linear 3x3 batch 1") < 1
    True
    """
    return BREAK_EVEN[kind.split()[0]]


def _path(call: Call, path: str, sparsity: float) -> Function:
    layer = call.layer
    if isinstance(layer, Conv2d):
        stride, padding = layer.stride, layer.padding
        return lambda x, w: ops.sparse_conv2d(x, w, sparsity=sparsity, stride=stride, padding=padding, path=path)
    return lambda x, w: ops.sparse_linear(x, w, sparsity=sparsity, path=path)


def curves_as_json(curves: Sequence[Curve]) -> list[dict[str, object]]:
    """Return what was measured."""
    return [{**asdict(curve), "break_even": curve.break_even} for curve in curves]


def plot_curves(curves: Sequence[Curve], title: str, image: Path) -> None:
    """Draw, for each layer, how many times as fast as the dense path the sparse one is, over the density.

    Parameters
    ----------
    curves : sequence of Curve
        A line each.
    title : str
        What stands above.
    image : Path
        Where to.
    """
    with picture(8, 4.6, image) as figure:
        axes = figure.subplots()
        for curve in curves:
            lead = [dense / sparse for sparse, dense in zip(curve.sparse_seconds, curve.dense_seconds, strict=True)]
            axes.plot(curve.densities, lead, "o-", markersize=3, label=curve.kind)
        axes.axhline(1, color="black", linewidth=1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(DENSITIES, [f"{density:g}" for density in DENSITIES])
        axes.set_yticks([0.5, 1, 2, 4, 8], ["1/2", "1", "2", "4", "8"])
        axes.minorticks_off()
        axes.set_title(title)
        axes.set_xlabel("density of weights and activations, 1 - sp")
        axes.set_ylabel("time of the dense path / time of the sparse path")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
