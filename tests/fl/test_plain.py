"""The whole of ZeroFL in one file, docs/zerofl_plain.py, against the library: round by round, mask by mask."""

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import nn
from minizerofl.fl import Client, Kept, Schema, Settings, Simulation, decode
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.models import MODELS
from minizerofl.sparse import count_kept, top_k

SCRIPT = Path(__file__).parents[2] / "docs" / "zerofl_plain.py"
SPEC = importlib.util.spec_from_file_location("zerofl_plain", SCRIPT)
plain = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(plain)

SIZES = (12, 24, 15, 4)
NAMES = {"0.weight": "w1", "0.bias": "b1", "2.weight": "w2", "2.bias": "b2", "4.weight": "w3", "4.bias": "b3"}
SP, R = 0.7, 0.15
SEEDS = st.integers(0, 2**32 - 1)
SPARSITIES = st.sampled_from([0.0, 0.5, 0.9])


def network(sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.SparseLinear(SIZES[0], SIZES[1], sparsity=sparsity, rng=rng),
        nn.ReLU(),
        nn.SparseLinear(SIZES[1], SIZES[2], sparsity=sparsity, rng=rng),
        nn.ReLU(),
        nn.Linear(SIZES[2], SIZES[3], rng=rng),
    )


class Unequal:
    """Clients with 7 to 43 samples; the class is the largest of the first four features."""

    sizes = {"a": 7, "b": 13, "c": 20, "d": 43}  # noqa: RUF012
    clients = tuple(sizes)
    test_clients = ("tester",)

    def num_train(self, client: str) -> int:
        return self.sizes[client]

    def train(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(ord(client), self.sizes[client])

    def validation(self, client: str) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(0, 0)

    def num_test(self, client: str) -> int:
        return 300

    def test(self, client: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        return self._draw(1, 300)

    def _draw(self, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.random.default_rng(seed).standard_normal((n, SIZES[0])).astype(np.float32)
        return x, x[:, : SIZES[-1]].argmax(axis=1)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    MODELS["plain"] = network
    yield
    del MODELS["plain"]


def in_order(client: str, round: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a client's samples, as columns, in the order in which the library takes them."""
    x, y = Unequal().train(client)
    order = generator(0, round, client, Purpose.SHUFFLE_BATCHES).permutation(y.size)
    return x[order].T, y[order]


def masked(a: np.ndarray, sp: float) -> np.ndarray:
    kept = top_k(a, count_kept(a.size, sp))
    result = np.zeros(a.size, a.dtype)
    result[kept] = a.reshape(-1)[kept]
    return result.reshape(a.shape)


@pytest.mark.parametrize("path", ["none", "0,2"])
@pytest.mark.parametrize("strategy", plain.STRATEGIES)
def test_whole_rounds_are_those_of_the_library(strategy: str, path: str) -> None:
    settings = Settings(
        rounds=4,
        clients_per_round=3,
        batch_size=plain.BATCH_SIZE,
        lr_start=0.5,
        lr_end=0.05,
        sparsity=SP,
        mask_ratio=R,
        uplink=strategy,
        dense_layers=path,
        validation_samples=0,
        eval_dense=True,
    )
    run, (x, y) = Simulation(Unequal(), "plain", settings), Unequal().test()
    w = plain.initial_weights(SIZES, np.random.default_rng(0))
    assert {NAMES[name]: value.tobytes() for name, value in run.state.items()} == {k: v.tobytes() for k, v in w.items()}
    differs = False
    for result in run.run():
        lr = plain.learning_rate(result.round - 1, 4, 0.5, 0.05)
        clients = [in_order(client, result.round) for client in result.clients]
        w, masks = plain.one_round(w, clients, lr, strategy, SP, R)
        assert result.lr == pytest.approx(lr)
        for name, value in run.state.items():
            assert w[NAMES[name]].dtype == value.dtype == np.float32
            np.testing.assert_allclose(w[NAMES[name]], value, rtol=1e-4, atol=1e-6, err_msg=name)
        for name, share in result.kept.items():
            assert share == pytest.approx(np.mean([mask[NAMES[name]].mean() for mask in masks]))
        assert result.score.accuracy == pytest.approx(plain.accuracy(w, x.T, y, SP))
        assert result.dense_score.accuracy == pytest.approx(plain.accuracy(w, x.T, y, 0.0))
        differs |= result.score.accuracy != result.dense_score.accuracy
    assert differs  # else nothing would say that it is W_top


@pytest.mark.parametrize("strategy", plain.STRATEGIES)
def test_a_client_sends_the_same_positions_and_values(strategy: str) -> None:
    run = Simulation(Unequal(), "plain", Settings(sparsity=SP, mask_ratio=R, uplink=strategy, clients_per_round=1))
    client = Client("d", Unequal().train("d"), run.uplink, Settings(batch_size=plain.BATCH_SIZE))
    payload = decode(client.train(run.build_model(), run.state, 1, 0.5).message, Schema.of(run.state))
    w_t = {NAMES[name]: value for name, value in run.state.items()}
    sent, masks = plain.upload(w_t, plain.train_locally(w_t, *in_order("d", 1), 0.5, SP), strategy, SP, R)
    for name, tensor in payload.items():
        ours, mask = sent[NAMES[name]], masks[NAMES[name]]
        if isinstance(tensor, Kept):
            assert tensor.positions.tolist() == np.flatnonzero(mask).tolist()
            np.testing.assert_allclose(ours[mask], tensor.values, rtol=1e-4, atol=1e-6)
            assert not ours[~mask].any()
        else:
            assert mask.all()
            np.testing.assert_allclose(ours, tensor, rtol=1e-4, atol=1e-6)
    in_part = [name for name, tensor in payload.items() if isinstance(tensor, Kept)]
    assert in_part == ([] if strategy == "full" else ["0.weight", "2.weight"])
    numbers = sum(tensor.positions.size * 2 if isinstance(tensor, Kept) else tensor.size for tensor in payload.values())
    assert plain.count_bytes(masks) == 4 * numbers


@given(st.integers(0, 10_000), st.floats(0, 0.99), st.floats(0, 1))
def test_as_many_are_kept(size: int, sp: float, r: float) -> None:
    assert plain.count_kept(size, 1 - sp + r) == count_kept(size, sp, r)


@given(SEEDS, st.integers(0, 9), st.integers(1, 9), SPARSITIES)
def test_the_same_numbers_are_kept_among_ties_and_zeros(seed: int, rows: int, columns: int, sp: float) -> None:
    a = np.random.default_rng(seed).integers(-2, 3, (rows, columns)).astype(np.float32)
    mask = plain.top_k_mask(a, 1 - sp)
    assert mask.shape == a.shape
    assert np.flatnonzero(mask).tolist() == top_k(a, count_kept(a.size, sp)).tolist()


@given(SEEDS, SPARSITIES)
def test_its_backward_pass_is_the_derivative_of_the_surrogates(seed: int, sp: float) -> None:
    rng = np.random.default_rng(seed)
    x, w, b, dy = (rng.standard_normal(shape) for shape in ((6, 3), (6, 5), (5,), (5, 3)))
    x_top, w_top = masked(x, sp), masked(w, sp)
    y, saved = plain.swat_forward(x, w, b, sp)
    np.testing.assert_allclose(y, w_top.T @ x + b[:, None], atol=1e-12)
    surrogates = [  # each with W_top or x_top held fixed
        (x, lambda x: w_top.T @ x + b[:, None]),
        (w, lambda w: w.T @ x_top + b[:, None]),
        (b, lambda b: w_top.T @ x + b[:, None]),
    ]
    for gradient, (at, f) in zip(plain.swat_backward(dy, saved), surrogates, strict=True):
        v, h = rng.standard_normal(at.shape), 1e-3
        numeric = np.sum(dy * (f(at + h * v) - f(at - h * v))) / (2 * h)
        assert np.sum(gradient * v) == pytest.approx(numeric, rel=1e-7, abs=1e-9)


@given(SEEDS)
def test_without_sparsity_the_gradients_are_those_of_the_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = {name: value.astype(np.float64) for name, value in plain.initial_weights(SIZES, rng).items()}
    x, y = rng.standard_normal((SIZES[0], 5)), rng.integers(SIZES[-1], size=5)
    v = {name: rng.standard_normal(value.shape) for name, value in w.items()}

    def loss(h: float) -> float:
        logits, _ = plain.forward({name: w[name] + h * v[name] for name in w}, x, 0.0)
        return -np.mean(np.log((np.exp(logits) / np.exp(logits).sum(axis=0))[y, range(5)]))

    g, h = plain.gradients(w, x, y, 0.0), 1e-7
    numeric = (loss(h) - loss(-h)) / (2 * h)
    assert sum(np.sum(g[name] * v[name]) for name in w) == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@pytest.mark.long
def test_the_script_learns() -> None:
    done = subprocess.run([sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, check=True)
    *rounds, majority, dense = [
        float(number) for number in re.findall(r"(?:accuracy|class:|W_top:) +([\d.]+)%", done.stdout)
    ]
    assert len(rounds) == 20
    assert rounds[-1] > 80
    assert 10 < majority < 15
    assert dense < rounds[-1] - 10  # the paper, section 4.3: evaluate with W_top
    assert done.stdout.count("sent  30.0%") == 20


@pytest.mark.parametrize("arguments", [["top"], ["full", "1"], ["full", "0.9", "2"]])
def test_the_script_says_what_it_expects(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"got {arguments[0]} .*, expected one of topk-weights, .*\n", done.stderr)


def test_it_is_short_and_needs_numpy_alone() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 180
    tree = list(ast.walk(ast.parse(text)))
    assert not any(isinstance(node, ast.ClassDef | ast.ImportFrom) for node in tree)
    assert {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names} == {"numpy", "sys"}
