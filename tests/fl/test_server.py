"""Servers against their formulas, entry by entry in Python floats (Reddi et al. 2021, algorithm 2)."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import SERVERS

ETA = {"fedavg": 1, "fedavgm": 1, "fedadagrad": 0.01, "fedadam": 0.01, "fedyogi": 0.01}
SQUARES: dict[str, Callable[[float, float], float]] = {
    "fedadagrad": lambda v, d: v + d * d,
    "fedadam": lambda v, d: 0.99 * v + 0.01 * d * d,
    "fedyogi": lambda v, d: v - 0.01 * d * d * math.copysign(1, v - d * d),
}


def follow(server: str, w: float, plains: list[float]) -> float:
    """Return the weight after some rounds in which plain averaging would lead to `plains`."""
    m, v = 0.0, 1e-6
    for plain in plains:
        d = plain - w
        if server == "fedavg":
            w = plain
        elif server == "fedavgm":
            m = 0.9 * m + d
            w += m
        else:
            m = 0.9 * m + 0.1 * d
            v = SQUARES[server](v, d)
            w += 0.01 * m / (math.sqrt(v) + 1e-3)
    return w


@pytest.mark.parametrize("name", list(SERVERS))
@given(seed=st.integers(0, 2**32 - 1), rounds=st.integers(1, 5))
def test_a_server_follows_its_formula(name: str, seed: int, rounds: int) -> None:
    rng = np.random.default_rng(seed)
    state = {"w": rng.standard_normal((2, 3)).astype(np.float32), "running_var": np.ones(2, np.float32)}
    plains = [{key: rng.standard_normal(v.shape).astype(np.float32) for key, v in state.items()} for _ in range(rounds)]
    server, memory, now = SERVERS[name](["w"]), {}, state
    for plain in plains:
        before = {key: value.copy() for key, value in memory.items()}
        now, following = server.step(now, plain, memory)
        for key, value in before.items():
            np.testing.assert_array_equal(memory[key], value)  # an abandoned round leaves no trace
        memory = following
        np.testing.assert_array_equal(now["running_var"], plain["running_var"])  # buffers are averaged, always
    expected = [
        follow(name, float(w), [float(plain["w"].reshape(-1)[i]) for plain in plains])
        for i, w in enumerate(state["w"].reshape(-1))
    ]
    np.testing.assert_allclose(now["w"].reshape(-1), expected, rtol=1e-4, atol=1e-5)
    assert {value.dtype for value in [*now.values(), *memory.values()]} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", list(SERVERS))
def test_the_learning_rate_scales_the_step(name: str) -> None:
    state, plain = {"w": np.zeros(3, np.float32)}, {"w": np.array([1, -2, 0], np.float32)}
    default, _ = SERVERS[name](["w"]).step(state, plain, {})
    half, _ = SERVERS[name](["w"], lr=ETA[name] / 2).step(state, plain, {})
    np.testing.assert_allclose(half["w"], default["w"] / 2, rtol=1e-6)
    assert default["w"][0] > 0 > default["w"][1]
    assert default["w"][2] == 0


def test_fedavg_is_plain_averaging_to_the_bit() -> None:
    plain = {"w": np.array([0.1, 1e-30], np.float32)}
    new, memory = SERVERS["fedavg"](["w"]).step({"w": np.array([1e30, 3], np.float32)}, plain, {})
    assert (new["w"].tolist(), memory) == (plain["w"].tolist(), {})
