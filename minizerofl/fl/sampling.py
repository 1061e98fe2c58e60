"""Which clients take part: drawn by their number, so that a population of millions is never listed."""

from __future__ import annotations

from itertools import islice

import numpy as np

from minizerofl.fl.data import FederatedData
from minizerofl.fl.errors import TooFewClientsError


def check_population(data: FederatedData, count: int) -> None:
    """Make sure that there are enough clients with training samples; stop counting when there are.

    Raises
    ------
    TooFewClientsError
        There are fewer.
    """
    found = sum(1 for _ in islice((client for client in data.clients if data.num_train(client) > 0), count))
    if found < count:
        raise TooFewClientsError(
            f"a round needs {count} clients with training samples, the data set has {found}; lower --clients-per-round"
        )


def sample_clients(data: FederatedData, count: int, rng: np.random.Generator) -> list[str]:
    """Draw clients without replacement; one without training samples is replaced by another.

    Parameters
    ----------
    data : FederatedData
        The clients; at least `count` have training samples, see `check_population`.
    count : int
        How many to draw.
    rng : numpy.random.Generator
        Draws them.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> data = minizerofl_datasets.load("femnist", source="synthetic", clients=3)
    >>> sorted(sample_clients(data, 3, np.random.default_rng(0)))
    ['synthetic-0000', 'synthetic-0001', 'synthetic-0002']
    """
    population = len(data.clients)
    drawn = [int(i) for i in rng.choice(population, count, replace=False)]
    seen = set(drawn)
    chosen = [data.clients[i] for i in drawn if data.num_train(data.clients[i]) > 0]
    while len(chosen) < count:
        i = int(rng.integers(population))
        if i not in seen:
            seen.add(i)
            if data.num_train(data.clients[i]) > 0:
                chosen.append(data.clients[i])
    return chosen
