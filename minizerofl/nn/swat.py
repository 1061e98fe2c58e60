"""What sparse layers have in common: two sparsities, and a backward pass that is a surrogate on purpose.

SWAT (Raihan & Aamodt, 2020; ZeroFL, section 3): the forward pass uses only the largest weights, W_top; the backward
pass computes dX from W_top and dW from x_top, the largest activations. The parameter itself stays dense, and every
weight is updated.
"""

from __future__ import annotations

from minizerofl.nn.module import Module


class SwatModule(Module):
    """A layer that uses the ``1 - sparsity`` fraction of its weights that is largest in magnitude.

    Attributes
    ----------
    sparsity : float
        The fraction of the weights that is left out, 0 <= sparsity < 1.
    activation_sparsity : float or None
        The fraction of the input that is left out when dW is computed; None: as the weights; 0: none.
    """

    sparsity: float
    activation_sparsity: float | None

    def set_sparsity(self, sparsity: float, activation_sparsity: float | None = None) -> None:
        """Set both sparsities, for the next forward pass on.

        Raises
        ------
        ValueError
            A sparsity is not in [0, 1).

        Examples
        --------
        >>> from minizerofl import nn
        >>> layer = nn.SparseLinear(9, 5)
        >>> layer.set_sparsity(0.8)
        >>> layer
        SparseLinear(in_features=9, out_features=5, sparsity=0.8, activation_sparsity=None)
        """
        for name, value in (("sparsity", sparsity), ("activation_sparsity", activation_sparsity)):
            if value is not None and not 0 <= value < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} is {value}, expected a fraction from 0 up to, but not including, 1"
                )
        self.sparsity = sparsity
        self.activation_sparsity = activation_sparsity

    @property
    def surrogate_gradient(self) -> bool:  # type: ignore[override]
        """True unless both sparsities are 0: then the layer is its dense self."""
        return bool(self.sparsity or self.activation_sparsity)

    def sparse_parameters(self) -> dict[str, float]:
        """Return the sparsity of the weight; the bias is dense."""
        return {"weight": self.sparsity}
