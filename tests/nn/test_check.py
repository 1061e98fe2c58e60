"""check_module is itself checked: each planted fault must be found, and named."""

import numpy as np
import pytest

from minizerofl import Tensor, nn, ops
from minizerofl.autograd import Node, Op


class WrongSquare(Op):
    """x^2 with the derivative x: a factor of 2 is missing."""

    name = "wrong_square"

    @staticmethod
    def forward(node: Node, x: np.ndarray) -> np.ndarray:
        node.save(x)
        return x * x

    @staticmethod
    def backward(node: Node, grad: np.ndarray) -> tuple[np.ndarray]:
        (x,) = node.saved
        return (grad * x,)


class WritingSquare(WrongSquare):
    """Scribbles over its input."""

    @staticmethod
    def forward(node: Node, x: np.ndarray) -> np.ndarray:
        x *= 2
        return x * x


class WritingBackward(WrongSquare):
    """Scribbles over its input on the way back."""

    @staticmethod
    def backward(node: Node, grad: np.ndarray) -> tuple[np.ndarray]:
        (x,) = node.saved
        x *= 2
        return (grad * x,)


class Layer(nn.Module):
    """A correct layer with all kinds of state, for the faulty ones to be derived from."""

    def __init__(self) -> None:
        self.scale = Tensor([2.0], requires_grad=True)
        self.register_buffer("calls", np.zeros(1, np.float32))
        self.inner = nn.Linear(3, 3, rng=np.random.default_rng(0))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return self.inner(x) * self.scale + Tensor(self.calls.astype(x.dtype))


class NotATensor(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).data


class Float64(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return Tensor(super().forward(x).data.astype(np.float64))


class BatchFirst(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).transpose()


class NotFinite(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * float("inf")


class WritesInput(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return WritingSquare.apply(super().forward(x) * 0 + x) + WritingSquare.apply(x)


class WritesInputBackward(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + WritingBackward.apply(x)


class DeafTrain(Layer):
    def train(self, mode: bool = True) -> "DeafTrain":
        self.training = mode
        return self


class RandomInEval(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return ops.dropout(super().forward(x), 0.5, np.random.default_rng())


class CountsInEval(Layer):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.calls += 1
        return y


class MixesSamples(Layer):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + y.mean(axis=1, keepdims=True)


class UnusedParameter(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.spare = Tensor([1.0], requires_grad=True)


class CutGraph(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


class InfiniteGradient(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (x * 0) ** 0.5


class HiddenState(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = np.zeros(1, np.float32)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.hidden += 1
        return super().forward(x) + Tensor(self.hidden.astype(x.dtype))


class SharedState(Layer):
    def state_dict(self) -> dict[str, np.ndarray]:
        state = {name: parameter.array for name, parameter in self.named_parameters()}
        return {**state, "calls": self.calls}


class WrongGradient(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return WrongSquare.apply(super().forward(x))


class WrongInTrainingOnly(Layer):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return WrongSquare.apply(y) if self.training else y * y


def test_a_correct_layer_passes_and_is_left_alone() -> None:
    layer = Layer().eval()
    before = layer.state_dict()
    nn.check_module(layer, (3, 4))
    assert not layer.training
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(parameter.grad is None for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("faulty", "complaint"),
    [
        (NotATensor, "the output is a ndarray, expected a Tensor"),
        (Float64, "the output is float64, expected float32"),
        (BatchFirst, r"an input of shape \(3, 4\) became \(4, 3\)"),
        (NotFinite, "the output is not finite"),
        (WritesInput, "forward wrote to its input"),
        (WritesInputBackward, "backward wrote to the input"),
        (DeafTrain, r"train\(False\) does not reach \['inner'\]"),
        (RandomInEval, "two calls in evaluation mode differ"),
        (CountsInEval, "in evaluation mode"),
        (MixesSamples, "a sample's output depends on the other samples"),
        (UnusedParameter, "backward gave spare no gradient"),
        (CutGraph, "backward gave input no gradient"),
        (InfiniteGradient, "the gradient of input is not finite"),
        (HiddenState, "some state is missing from state_dict"),
        (SharedState, "state_dict hands out the arrays themselves"),
        (WrongGradient, "in training mode, inputs being x, scale, inner.weight, inner.bias"),
        (WrongInTrainingOnly, "in training mode"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_each_fault_is_found_and_named(faulty: type[Layer], complaint: str) -> None:
    with pytest.raises(nn.ModuleCheckError, match=complaint) as info:
        nn.check_module(faulty(), (3, 4))
    assert str(info.value).startswith(faulty.__name__)


def test_gradients_of_surrogate_layers_are_compared_only_where_nothing_is_left_out() -> None:
    class Declared(WrongGradient):
        surrogate_gradient = True

    nn.check_module(nn.Sequential(Declared()), (3, 4))
    assert nn.SparseLinear(3, 3).surrogate_gradient
    assert nn.SparseLinear(3, 3, sparsity=0.0, activation_sparsity=0.5).surrogate_gradient
    assert not nn.SparseLinear(3, 3, sparsity=0.0).surrogate_gradient


@pytest.mark.parametrize("shape", [(), (3, 1)])
def test_the_batch_must_hold_two(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected a batch of at least 2"):
        nn.check_module(nn.ReLU(), shape)
