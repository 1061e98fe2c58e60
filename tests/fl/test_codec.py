"""Every codec brings back what was sent, and messages are as long as their layout says."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl.fl import CODECS, Codec, Kept, Payload, RefusedError, Schema, decode
from minizerofl.fl.codecs.positions import MAX_PARAMETER, Bitmap, Rice, RowsAndColumns, position_bytes
from minizerofl.fl.codecs.values import is_vector
from minizerofl.fl.payload import num_bytes
from minizerofl.kernels.codec import rice_bits
from minizerofl.kernels.memory import LARGE
from minizerofl.sparse import top_k

SHAPES = st.lists(st.lists(st.integers(0, 6), max_size=4).map(tuple), max_size=4)
DENSITIES = st.sampled_from([0.0, 0.01, 0.05, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1)


def draw(seed: int, shape: tuple[int, ...], density: float) -> Kept:
    rng = np.random.default_rng(seed)
    positions = np.flatnonzero(rng.random(math.prod(shape)) < density).astype(np.int32)
    return Kept(shape, positions, rng.uniform(0.1, 1, positions.size).astype(np.float32))


def dense(tensor: np.ndarray | Kept) -> np.ndarray:
    if not isinstance(tensor, Kept):
        return tensor
    result = np.zeros(math.prod(tensor.shape), np.float32)
    result[tensor.positions] = tensor.values
    return result.reshape(tensor.shape)


@pytest.mark.parametrize("values", ["float32", "float16"])
@pytest.mark.parametrize("codec", CODECS)
@given(shapes=SHAPES, density=DENSITIES, seed=st.integers(0, 2**32 - 1))
def test_what_is_sent_comes_back(
    codec: str, values: str, shapes: list[tuple[int, ...]], density: float, seed: int
) -> None:
    payload: dict[str, np.ndarray | Kept] = {f"part{i}": draw(seed + i, s, density) for i, s in enumerate(shapes)}
    payload |= {f"whole{i}": dense(draw(seed - i - 1 & 0xFFFF, s, 0.5)) for i, s in enumerate(shapes)}
    schema = Schema({name: tensor.shape for name, tensor in payload.items()})
    message = Codec(codec, values).encode(payload, schema)
    back = decode(message, schema)
    assert list(back) == list(payload)
    for name, tensor in payload.items():
        rounded = dense(tensor) if is_vector(tensor.shape) else dense(tensor).astype(values).astype(np.float32)
        assert isinstance(back[name], Kept) == isinstance(tensor, Kept)
        np.testing.assert_array_equal(dense(back[name]), rounded)
        assert dense(back[name]).shape == tensor.shape
        if isinstance(tensor, Kept):
            np.testing.assert_array_equal(back[name].positions, tensor.positions)
            assert back[name].positions.dtype == np.int32
            assert back[name].values.dtype == np.float32
    if codec == "auto":
        assert len(message) <= min(len(Codec(name, values).encode(payload, schema)) for name in CODECS)


@given(st.lists(st.integers(0, 30).flatmap(lambda n: st.integers(0, 2**n - 1)), max_size=20, unique=True))
@example([2**31 - 2])
def test_rice_code_brings_back_gaps_of_any_size(positions: list[int]) -> None:
    kept = Kept((2**31 - 1,), np.array(sorted(positions), np.int32), np.ones(len(positions), np.float32))
    schema = Schema({"w": kept.shape})
    message = Codec("rice").encode({"w": kept}, schema)
    np.testing.assert_array_equal(decode(message, schema)["w"].positions, kept.positions)


@pytest.mark.parametrize("gap", [1, 10**4, 10**7, 5 * 10**7, 7 * 10**7, 10**8, 2 * 10**9])
def test_rice_code_takes_the_parameter_that_makes_equal_gaps_shortest(gap: int) -> None:
    positions = np.arange(1, 51) * gap - 1
    positions = positions[positions < 2**31 - 1].astype(np.int32)
    kept = Kept((2**31 - 1,), positions, np.ones(positions.size, np.float32))
    parameter, _ = Rice().fit(kept)
    bits = [rice_bits(kept.positions, each) for each in range(MAX_PARAMETER + 1)]
    assert bits[parameter] == min(bits)


@pytest.mark.parametrize("codec", CODECS)
def test_a_message_on_huge_pages_comes_back(codec: str) -> None:
    kept = draw(2, (1000, 2100), 0.6)
    schema = Schema({"w": kept.shape})
    message = Codec(codec).encode({"w": kept}, schema)
    assert len(message) > LARGE
    back = decode(message, schema)["w"]
    np.testing.assert_array_equal(back.positions, kept.positions)
    np.testing.assert_array_equal(back.values, kept.values)


def test_special_values_survive_in_float32() -> None:
    values = np.array([-0.0, 1e-45, -3.4e38, 3.4e38], np.float32)
    schema = Schema({"w": (4,), "v": (2, 2)})
    payload: Payload = {"w": values, "v": Kept((2, 2), np.arange(4, dtype=np.int32), values)}
    for codec in ("csr", "bitmap", "rice"):
        back = decode(Codec(codec).encode(payload, schema), schema)
        assert back["w"].tobytes() == back["v"].values.tobytes() == values.tobytes()


def test_what_float16_cannot_hold_is_refused_by_the_server() -> None:
    schema = Schema({"w": (2, 2)})
    with pytest.raises(RefusedError, match="not finite"):
        decode(Codec(values="float16").encode({"w": np.full((2, 2), 1e6, np.float32)}, schema), schema)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3), DENSITIES)
def test_csr_is_as_long_as_the_accounting_and_the_headers(shapes: list[tuple[int, int]], density: float) -> None:
    payload = {str(i): draw(i, shape, density) for i, shape in enumerate(shapes)}
    schema = Schema({name: kept.shape for name, kept in payload.items()})
    assert len(Codec("csr").encode(payload, schema)) == num_bytes(payload) + 20 + 12 * len(shapes)


@pytest.mark.parametrize("density", [0.001, 0.05, 0.1, 0.25, 0.3, 0.5])
def test_rice_code_is_within_3_percent_of_the_entropy(density: float) -> None:
    kept = draw(1, (500, 2000), density)
    q = kept.positions.size / 1_000_000
    entropy = -q * math.log2(q) - (1 - q) * math.log2(1 - q)
    schema = Schema({"w": kept.shape})
    bits = 8 * (len(Codec("rice").encode({"w": kept}, schema)) - 32 - 4 * kept.positions.size)
    assert 0.99 * 1_000_000 * entropy <= bits <= 1.03 * 1_000_000 * entropy


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.2])
def test_rice_code_is_within_3_percent_of_the_entropy_on_trained_masks(ratio: float, trained: np.ndarray) -> None:
    k = round((0.05 + ratio) * trained.size)
    positions = top_k(trained, k)
    kept = Kept(trained.shape, positions, trained.reshape(-1)[positions])
    bits = 8 * (len(Codec("rice").encode({"w": kept}, Schema({"w": kept.shape}))) - 32 - 4 * k)
    assert bits <= 1.03 * 8 * position_bytes(trained.shape, k)["entropy"]


@given(st.lists(st.integers(0, 40), max_size=3).map(tuple), DENSITIES, st.integers(0, 2**32 - 1))
def test_the_bytes_of_positions_are_those_that_the_codes_take(
    shape: tuple[int, ...], density: float, seed: int
) -> None:
    kept = draw(seed, shape, density)
    size = position_bytes(shape, kept.positions.size)
    assert size["csr"] == 4 * RowsAndColumns().fit(kept)[1]
    assert size["bitmap"] == 4 * Bitmap().fit(kept)[1]
    masks = math.comb(math.prod(shape), kept.positions.size)  # a code must tell these apart
    assert size["entropy"] * 8 >= math.log2(masks) - 1e-6


@pytest.fixture(scope="module")
def trained() -> np.ndarray:
    """A layer of 60 thousand weights after training on what only some of its inputs know something of."""
    from minizerofl import Tensor, nn, ops
    from minizerofl.optim import SGD

    rng = np.random.default_rng(0)
    layer = nn.SparseLinear(300, 200, sparsity=0.95, rng=rng)
    head = nn.Linear(200, 10, rng=rng)
    optimiser = SGD([*layer.parameters(), *head.parameters()], lr=0.3)
    scale = rng.exponential(size=(300, 1)).astype(np.float32)
    for _ in range(60):
        labels = rng.integers(0, 10, 32)
        x = rng.standard_normal((300, 32)).astype(np.float32) * scale
        x[labels, range(32)] += 5
        loss = ops.cross_entropy(head(ops.relu(layer(Tensor(x)))), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return layer.weight.numpy()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"name": "zip"}, "codec 'zip' is unknown"), ({"values": "float64"}, "values 'float64' is unknown")],
)
def test_an_unknown_codec_is_named(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Codec(**wrong)


def in_blocks(seed: int, rows: int, block: int, density: float) -> Kept:
    blocks = draw(seed, (rows, 3), density)
    positions = (blocks.positions[:, None] * block + np.arange(block)).reshape(-1).astype(np.int32)
    values = np.random.default_rng(seed).uniform(0.1, 1, positions.size).astype(np.float32)
    return Kept((rows, 3 * block), positions, values, block=block)


@pytest.mark.parametrize("codec", CODECS)
@given(st.integers(0, 99), st.integers(1, 20), st.sampled_from([4, 8, 16]), DENSITIES)
def test_blocks_come_back(codec: str, seed: int, rows: int, block: int, density: float) -> None:
    kept = in_blocks(seed, rows, block, density)
    schema = Schema({"w": kept.shape})
    message = Codec(codec).encode({"w": kept}, schema)
    back = decode(message, schema)["w"]
    np.testing.assert_array_equal(back.positions, kept.positions)
    np.testing.assert_array_equal(back.values, kept.values)
    assert len(message) <= len(Codec(codec).encode({"w": Kept(kept.shape, kept.positions, kept.values)}, schema))


@pytest.mark.parametrize("block", [4, 8, 16])
def test_index_bytes_of_csr_fall_with_the_length_of_blocks(block: int) -> None:
    kept = in_blocks(1, 50, block, 0.3)
    schema = Schema({"w": kept.shape})
    headers = 20 + 12 + 4 * 51
    length = len(Codec("csr").encode({"w": kept}, schema)) - headers - kept.values.nbytes
    assert length == 4 * kept.positions.size / block


def test_values_alone_are_sent_where_both_ends_know_the_positions() -> None:
    kept = draw(1, (20, 30), 0.3)
    schema = Schema({"w": kept.shape}, {"w": kept.positions})
    message = Codec("csr").encode({"w": kept}, schema)
    assert len(message) == 20 + 12 + kept.values.nbytes
    back = decode(message, schema)["w"]
    np.testing.assert_array_equal(back.positions, kept.positions)
    np.testing.assert_array_equal(back.values, kept.values)
    others = Schema({"w": kept.shape}, {"w": kept.positions[:-1]}), Schema({"w": kept.shape})
    for other in others:
        with pytest.raises(RefusedError, match="another model"):
            decode(message, other)


def test_other_positions_than_the_known_ones_are_written_out() -> None:
    kept = draw(1, (20, 30), 0.3)
    schema = Schema({"w": kept.shape}, {"w": kept.positions[1:]})
    back = decode(Codec("csr").encode({"w": kept}, schema), schema)["w"]
    np.testing.assert_array_equal(back.positions, kept.positions)
