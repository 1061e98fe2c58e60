"""The graph of a model: its ops in order; what cannot be exported is named with its layer."""

import numpy as np
import pytest

from minizerofl import Tensor, nn, ops
from minizerofl.export.errors import ExportError
from minizerofl.export.graph import trace
from minizerofl.export.onnx_file import EMITTERS


class Softmax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return ops.log_softmax(x)


class Doubling(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Sequential(nn.Linear(4, 4), Softmax())

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * 2


@pytest.mark.parametrize(
    ("model", "layer"),
    [
        (nn.Sequential(nn.Flatten(), Doubling()), r"the layer 1\.inner\.1 \(Softmax\)"),
        (nn.Sequential(nn.Flatten(), Softmax()), r"the layer 1 \(Softmax\)"),
        (Softmax(), r"the model \(Softmax\)"),
    ],
)
def test_an_op_that_cannot_be_exported_is_named_with_its_layer(model, layer):
    with pytest.raises(ExportError, match=rf"^{layer} uses the op \w+, which cannot be exported to ONNX$"):
        trace(model, (1, 2, 2), EMITTERS)


def test_samples_that_a_model_does_not_take_are_refused():
    with pytest.raises(ExportError, match=r"does not take samples of shape \(3, 2, 2\)"):
        trace(nn.Conv2d(1, 2, 1), (3, 2, 2), EMITTERS)


def test_a_model_in_training_mode_is_traced_in_evaluation_mode_and_keeps_its_statistics():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5))
    before = model.state_dict()
    graph = trace(model.train(), (1, 2, 2), EMITTERS)
    assert [step.op for step in graph.steps] == ["batch_norm"]
    assert graph.steps[0].inputs[0] is graph.x
    assert graph.logits is graph.steps[0].result
    assert not graph.logits.requires_grad
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
