"""Sampling: never a client twice, never one without samples, and never a list of the population."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import TooFewClientsError
from minizerofl.fl.sampling import check_population, sample_clients


class Sizes:
    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.clients = tuple(str(i) for i in range(len(sizes)))

    def num_train(self, client: str) -> int:
        return self.sizes[int(client)]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(1, 10), st.integers(0, 99))
def test_clients_with_samples_each_at_most_once(sizes: list[int], count: int, seed: int) -> None:
    data = Sizes(sizes)
    available = sum(size > 0 for size in sizes)
    if available < count:
        with pytest.raises(TooFewClientsError, match=f"a round needs {count} .* has {available}"):
            check_population(data, count)
        return
    check_population(data, count)
    chosen = sample_clients(data, count, np.random.default_rng(seed))
    assert len(set(chosen)) == len(chosen) == count
    assert all(data.num_train(client) for client in chosen)


def test_every_client_is_as_likely() -> None:
    data = Sizes([1, 0, 1, 1, 0, 1])
    counts = Counter(c for seed in range(900) for c in sample_clients(data, 2, np.random.default_rng(seed)))
    assert set(counts) == {"0", "2", "3", "5"}
    assert all(380 < count < 520 for count in counts.values())  # 450 expected, deviation 15


@pytest.mark.long
def test_a_million_clients_cost_memory_for_the_round_only() -> None:
    script = Path(__file__).parents[2] / "docs" / "population.py"
    peaks = {}
    for clients in (100, 1_000_000):
        command = [sys.executable, str(script), str(clients)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[clients] = float(done.stdout.split()[3])
    assert peaks[1_000_000] < 1000  # MB
    assert peaks[1_000_000] < peaks[100] + 100
