"""Every random number of a run is a function of (seed, round, client, purpose).

No generator is passed from round to round. A run with two workers, or one that was interrupted and resumed, therefore
draws what the straight run draws.
"""

from __future__ import annotations

from enum import IntEnum
from zlib import crc32

import numpy as np


class Purpose(IntEnum):
    """What a generator is for; its number is part of the seed, so that it must never change."""

    SAMPLE_CLIENTS = 0
    SHUFFLE_BATCHES = 1
    EVALUATION_SUBSET = 2
    VALIDATION_SUBSET = 3
    SELECT_POSITIONS = 5
    AUGMENT = 6
    ROUND_VALUES = 7
    SALIENCY = 8
    DENSITIES = 9
    GRADIENT = 10
    THOMPSON = 11


def generator(seed: int, round: int, client: str, purpose: Purpose) -> np.random.Generator:
    """Make the generator of one purpose.

    Parameters
    ----------
    seed : int
        The seed of the run.
    round : int
        The round, counted from 1; 0 for what belongs to no round.
    client : str
        The client's id; empty for what belongs to no client.
    purpose : Purpose
        What it is for.

    Examples
    --------
    >>> first = generator(0, 1, "writer", Purpose.SHUFFLE_BATCHES).permutation(5)
    >>> again = generator(0, 1, "writer", Purpose.SHUFFLE_BATCHES).permutation(5)
    >>> bool((first == again).all())
    True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, round, crc32(client.encode()), int(purpose)]))
