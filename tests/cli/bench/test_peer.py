"""The peer computes what our dense models compute: same logits, same gradients, in either layout."""

import numpy as np
import pytest

from minizerofl import Tensor, ops
from minizerofl.choices import PAPER_MODELS
from minizerofl.fl import ConfigError
from minizerofl.fl.data import batch_last
from minizerofl.models import build
from minizerofl_cli.bench import blazefl, peer
from minizerofl_cli.bench.workload import Workload

NETWORKS = [
    ("femnist_cnn", {"num_classes": 62}, (1, 28, 28)),
    ("femnist_cnn", {"num_classes": 10, "input_shape": (2, 9, 14)}, (2, 9, 14)),
    ("resnet18", {"num_classes": 10, "in_channels": 3}, (3, 32, 32)),
    (blazefl.MODEL, {"num_classes": 10}, (3, 32, 32)),
]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed; it is compared with where it is")


def as_theirs(value: np.ndarray) -> np.ndarray:
    """Turn weights, outputs last, to outputs first."""
    return np.moveaxis(value, -1, 0)


@pytest.mark.parametrize(("name", "arguments", "shape"), NETWORKS)
@pytest.mark.parametrize("layout", peer.LAYOUTS)
def test_the_peer_is_the_same_network(torch, name: str, arguments: dict, shape: tuple, layout: str) -> None:
    rng = np.random.default_rng(0)
    samples = rng.random((4, *shape), np.float32), rng.integers(0, 10, 4)
    ours = build(name, **arguments, sparsity=0.0)
    state = {key: torch.from_numpy(as_theirs(value)) for key, value in ours.state_dict().items()}
    theirs = peer.network(name, arguments)
    missing = theirs.load_state_dict(state, strict=False)
    assert missing.unexpected_keys == []
    assert all(key.endswith("num_batches_tracked") for key in missing.missing_keys)

    logits = ours(Tensor(batch_last(samples[0])))
    answers = []
    theirs.register_forward_hook(lambda module, inputs, output: answers.append(output.detach().numpy().T))
    peer.PeerStep(theirs, samples, 4, layout)()
    np.testing.assert_allclose(logits.data, answers[0], rtol=0, atol=1e-4 * np.abs(answers[0]).max())
    ops.cross_entropy(logits, samples[1]).backward()
    last = [p.grad for p in ours.parameters()][-2]
    theirs_last = [p.grad.numpy() for p in theirs.parameters()][-2].T
    np.testing.assert_allclose(last, theirs_last, rtol=0, atol=1e-4 * np.abs(theirs_last).max())


@pytest.mark.parametrize(("workers", "ways"), [(1, {(1, 1)}), (2, {(1, 2), (2, 1)})])
def test_the_peer_uses_the_threads_it_is_given(torch, workers: int, ways: set) -> None:
    samples = np.zeros((2, 1, 28, 28), np.float32), np.zeros(2, np.int64)
    work = Workload("femnist_cnn", {"num_classes": 3}, samples, None, [])
    seen = set()
    for contender in peer.peers(work, 2, workers):
        contender.prepare()
        seen.add((len(contender.steps), torch.get_num_threads()))
        contender.steps[0]()
    assert seen == ways


def test_without_torch_one_line_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(peer, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install it"):
        peer.require_torch()


def test_a_model_without_a_twin_is_refused() -> None:
    for name in PAPER_MODELS:
        peer.require_peer(name)
    with pytest.raises(ConfigError, match="--against torch knows femnist_cnn and resnet18, not mlp; measure without"):
        peer.require_peer("mlp")
