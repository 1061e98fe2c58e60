"""Builders: what they are called, which are refused, and what is said when one fails."""

import functools

import pytest

from minizerofl import models, nn
from minizerofl.models.builder import construct, find
from minizerofl.registry import ChoiceError


def build(num_classes: int = 2, sparsity: float = 0.0, seed: int = 0) -> nn.Module:
    return nn.Linear(3, num_classes)


class Net(nn.Module):
    def __init__(self, sparsity: float, seed: int) -> None:
        self.linear = nn.Linear(3, 2)


def test_a_builder_is_called_by_what_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def inner(sparsity, seed):
        return nn.Linear(3, 2)

    assert find(models.mlp) == ("mlp", models.mlp)
    assert find("mlp") == ("mlp", models.mlp)
    assert find(build) == (f"{__name__}:build", build)
    assert find(Net)[0] == f"{__name__}:Net"
    assert find(f"{__name__}:build") == (f"{__name__}:build", build)
    assert find(inner)[0].endswith("<locals>.inner")
    assert find(lambda sparsity, seed: Net(sparsity, seed))[0].endswith("<lambda>")
    assert find(functools.partial(build, num_classes=3))[0] == "functools:<partial>"
    monkeypatch.setitem(models.MODELS, "mine", build)
    assert find(build)[0] == "mine"


def test_a_name_that_leads_to_another_function_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build
    monkeypatch.setitem(globals(), "build", models.mlp)
    assert find(before)[0] == f"{__name__}:<build>"


@pytest.mark.parametrize(
    ("model", "kind", "expected"),
    [
        (nn.Linear(3, 2), TypeError, r"model is a Linear that is already built.* give it a function .*return Linear\("),
        (3, TypeError, "model is a int, expected a name such as 'mlp', or a function"),
        (None, TypeError, "model is a NoneType, expected a name"),
        (len, ChoiceError, "with the parameters 'sparsity' and 'seed'"),
        (lambda: None, ChoiceError, "with the parameters 'sparsity' and 'seed'"),
        ("small-cnn", ChoiceError, "did you mean 'small_cnn'"),
    ],
)
def test_what_builds_no_model_is_refused(model: object, kind: type[Exception], expected: str) -> None:
    with pytest.raises(kind, match=expected):
        find(model)


@pytest.mark.parametrize(
    ("builder", "expected"),
    [
        (
            lambda width, sparsity, seed: None,
            r"needs a value for 'width'.* default .*Simulation\(..., width=...\)",
        ),
        (lambda sparsity, seed: "a model", "returned a str, expected a Module"),
        (lambda sparsity, seed: {}[sparsity], r"cannot be built: KeyError: 0.5 \(test_builder.py, line \d+\)"),
    ],
)
def test_a_builder_that_fails_is_named(builder, expected: str) -> None:
    with pytest.raises(ChoiceError, match=f"model 'mine' .*{expected}"):
        construct("mine", builder, {"sparsity": 0.5, "seed": 0})


def test_the_error_of_a_builder_keeps_its_trace() -> None:
    with pytest.raises(ChoiceError) as caught:
        construct("mine", lambda sparsity, seed: {}[sparsity], {"sparsity": 0.5, "seed": 0})
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_builder_may_take_whatever_it_gets() -> None:
    assert isinstance(construct("mine", lambda *args, **named: build(**named), {"num_classes": 4}), nn.Linear)
