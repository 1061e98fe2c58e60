"""A method: the settings that make it, under a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Method:
    """A method of federated training, as settings: they replace those of the recipe, and any option replaces them.

    Attributes
    ----------
    paper : str
        Where it was published.
    settings : mapping of str to Any
        Fields of `minizerofl.fl.Settings`.
    """

    paper: str
    settings: Mapping[str, Any]
