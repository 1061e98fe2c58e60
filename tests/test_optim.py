"""The optimisers against the textbook's formulas in float64, the schedule, and what they refuse."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, no_grad, ops
from minizerofl.kernels import update
from minizerofl.nn import Linear, ReLU, Sequential
from minizerofl.optim import SGD, Adam, ExponentialDecay, Optimizer

RATES = st.floats(0.001, 0.5)
DECAYS = st.sampled_from([0.0, 0.01, 0.5])


def give_gradient(parameter: Tensor, gradient: np.ndarray) -> None:
    """Set the gradient through the front door: d(sum(w g))/dw = g."""
    parameter.zero_grad()
    (parameter * Tensor(gradient)).sum().backward()


def run(optimizer: Optimizer, parameter: Tensor, gradients: np.ndarray) -> np.ndarray:
    for gradient in gradients:
        give_gradient(parameter, gradient)
        optimizer.step()
    return parameter.numpy()


def start(seed: int, steps: int) -> tuple[Tensor, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((3, 4), dtype=np.float32)
    gradients = rng.standard_normal((steps, 3, 4), dtype=np.float32)
    return Tensor(w, requires_grad=True), w.astype(np.float64), gradients


@given(
    seed=st.integers(0, 99), steps=st.integers(1, 5), lr=RATES, momentum=DECAYS, nesterov=st.booleans(), decay=DECAYS
)
def test_sgd_is_the_textbook_formula(
    seed: int, steps: int, lr: float, momentum: float, nesterov: bool, decay: float
) -> None:
    nesterov = nesterov and momentum > 0
    parameter, w, gradients = start(seed, steps)
    result = run(SGD([parameter], lr, momentum, nesterov, decay), parameter, gradients)
    velocity = np.zeros_like(w)
    for g in gradients:
        d = g + decay * w
        velocity = momentum * velocity + d
        w = w - lr * (d + momentum * velocity if nesterov else velocity)
    np.testing.assert_allclose(result, w, rtol=1e-5, atol=1e-5)
    assert result.dtype == np.float32


@given(
    seed=st.integers(0, 99),
    steps=st.integers(1, 5),
    lr=RATES,
    betas=st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.9, 0.99, 0.999])),
    eps=st.sampled_from([1e-8, 1e-3]),
    decay=DECAYS,
)
def test_adam_is_the_textbook_formula(
    seed: int, steps: int, lr: float, betas: tuple[float, float], eps: float, decay: float
) -> None:
    parameter, w, gradients = start(seed, steps)
    result = run(Adam([parameter], lr, betas, eps, decay), parameter, gradients)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        d = g + decay * w
        m = betas[0] * m + (1 - betas[0]) * d
        v = betas[1] * v + (1 - betas[1]) * d**2
        w = w - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    np.testing.assert_allclose(result, w, rtol=2e-4, atol=2e-4)
    assert result.dtype == np.float32


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1)])
def test_parameters_without_a_gradient_stay_as_they_are(make) -> None:
    used, unused = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    optimizer = make([unused, used])
    run(optimizer, used, np.ones((1, 1), np.float32))
    assert unused.data == 1
    assert used.data != 1
    optimizer.zero_grad()
    assert used.grad is None


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1)])
def test_gradients_need_not_be_contiguous(make) -> None:
    gradient = np.arange(12, dtype=np.float32).reshape(3, 4)
    plain, transposed = (Tensor(np.ones((3, 4), np.float32), requires_grad=True) for _ in range(2))
    (plain * Tensor(gradient)).sum().backward()
    transposed.transpose().backward(np.ascontiguousarray(gradient.T))
    assert not transposed.grad.flags.c_contiguous
    for parameter in (plain, transposed):
        make([parameter]).step()
    np.testing.assert_array_equal(plain.data, transposed.data)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.1)])
def test_kernels_are_compiled_once_whatever_the_gradients_layout(make) -> None:
    read_only = np.ones(4, np.float32)
    read_only.flags.writeable = False
    for gradient in (np.ones(4, np.float32), np.ones(8, np.float32)[::2], read_only):
        parameter = Tensor(np.ones(4, np.float32), requires_grad=True)
        parameter.raw_grad = gradient
        make([parameter]).step()
    for kernel in (update.sgd, update.sgd_momentum, update.adam):
        assert sum(signature[0].dtype == numba.float32 for signature in kernel.signatures) <= 1


def test_a_step_between_forward_and_backward_is_noticed() -> None:
    w = Tensor([2.0], requires_grad=True)
    optimizer = SGD([w], lr=0.1)
    give_gradient(w, np.ones(1, np.float32))
    loss = w * w
    optimizer.step()
    with pytest.raises(RuntimeError, match="written to between forward and backward"):
        loss.backward()


def test_float64_parameters_are_updated_in_float64() -> None:
    w = Tensor(np.array([1.0]), requires_grad=True)
    give_gradient(w, np.array([1.0]))
    SGD([w], lr=0.1).step()
    assert w.data == 1 - 0.1


def test_the_learning_rate_can_follow_a_schedule() -> None:
    w = Tensor([0.0], requires_grad=True)
    optimizer = SGD([w], lr=1.0)
    optimizer.lr = 0.25
    run(optimizer, w, np.ones((1, 1), np.float32))
    assert optimizer.lr == 0.25
    assert w.data == -0.25
    with pytest.raises(ValueError, match="lr is nan"):
        optimizer.lr = math.nan
    assert optimizer.lr == 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -0.1}, "SGD: lr is -0.1, expected a finite number >= 0"),
        ({"lr": math.inf}, "lr is inf"),
        ({"lr": 0.1, "momentum": 1.0}, "momentum is 1.0, expected a number from 0 up to, but not including, 1"),
        ({"lr": 0.1, "weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"lr": 0.1, "nesterov": True}, "nesterov is True, but momentum is 0"),
    ],
)
def test_sgd_refuses_arguments_out_of_range(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SGD([Tensor([1.0], requires_grad=True)], **arguments)


@pytest.mark.parametrize(
    "arguments", [{"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0}, {"weight_decay": -1.0}]
)
def test_adam_refuses_arguments_out_of_range(arguments: dict) -> None:
    with pytest.raises(ValueError, match=r"Adam: (each of betas|eps|weight_decay) is"):
        Adam([Tensor([1.0], requires_grad=True)], **arguments)


def test_optimisers_refuse_what_cannot_be_learned() -> None:
    w = Tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="parameters is empty"):
        SGD([], lr=0.1)
    with pytest.raises(TypeError, match="parameter 0 is a ndarray, expected a Tensor"):
        SGD([np.ones(3)], lr=0.1)
    with pytest.raises(ValueError, match=r"parameter 1 of shape \(1,\) cannot be learned"):
        SGD([w, Tensor([1.0])], lr=0.1)
    with pytest.raises(ValueError, match="parameter 0 of shape"):
        SGD([w * 2], lr=0.1)


@given(start=st.floats(1e-4, 1), end=st.floats(1e-4, 1), rounds=st.integers(1, 1000), t=st.integers(0, 2000))
def test_the_schedule_goes_from_start_to_end_and_stays_there(start: float, end: float, rounds: int, t: int) -> None:
    schedule = ExponentialDecay(start, end, rounds)
    assert schedule(0) == start
    assert schedule(rounds) == schedule(rounds + t) == end
    assert math.isclose(schedule(t), start * (end / start) ** (min(t, rounds) / rounds))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0.0, 0.1, 5), "start is 0.0"), ((0.1, -1.0, 5), "end is -1.0"), ((0.1, 0.01, 0), "rounds is 0")],
)
def test_the_schedule_refuses_arguments_out_of_range(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExponentialDecay(*arguments)


def test_the_schedule_refuses_negative_rounds() -> None:
    with pytest.raises(ValueError, match="round -1 is negative"):
        ExponentialDecay(0.1, 0.01, 5)(-1)


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, 0.2, momentum=0.9), lambda p: SGD(p, 0.2, 0.9, nesterov=True), lambda p: Adam(p, 0.05)]
)
def test_a_two_layer_network_learns_xor(make) -> None:
    rng = np.random.default_rng(3)
    model = Sequential(Linear(2, 16, rng=rng), ReLU(), Linear(16, 2, rng=rng))
    x = Tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    labels = np.array([0, 1, 1, 0])
    optimizer = make(model.parameters())
    for _ in range(200):
        optimizer.zero_grad()
        loss = ops.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
    with no_grad():
        assert (model(x).data.argmax(axis=0) == labels).all()
        assert ops.cross_entropy(model(x), labels).item() < 0.05
