"""Whether all numbers of a state are finite: of what a client learned, what the server made, or a saved model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minizerofl.fl.measures.clock import timed
from minizerofl.fl.payload import Array


@timed("check")
def first_not_finite(state: Mapping[str, Array]) -> str | None:
    """Return the name of the first tensor with a value that is NaN or infinite, or None if there is none.

    Examples
    --------
    >>> first_not_finite({"weight": np.ones(2), "bias": np.array([0.0, np.nan])})
    'bias'
    """
    return next((name for name, value in state.items() if not np.isfinite(value).all()), None)
