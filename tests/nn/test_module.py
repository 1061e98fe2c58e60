"""Module: what counts as a part, the order and names of parts, and a state_dict that is written whole or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor
from minizerofl.nn import Linear, Module, ReLU, Sequential, SparseLinear, sparse_weights


class Counter(Module):
    def __init__(self) -> None:
        self.count = Tensor([1.0], requires_grad=True)
        self.constant = Tensor([5.0])
        self.register_buffer("seen", np.zeros(2, np.float32))
        self.scratch = np.ones(3, np.float32)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.count


class Nested(Module):
    def __init__(self) -> None:
        self.last = Tensor([0.0], requires_grad=True)
        self.inner = Sequential(Counter(), ReLU(), Linear(2, 2, rng=np.random.default_rng(0)))
        self.again = self.inner  # shared: counted once
        self.tied = self.last

    def forward(self, x: Tensor) -> Tensor:
        return self.again(self.inner(x)) + self.last


NAMES = ["last", "inner.0.count", "inner.2.weight", "inner.2.bias"]


def test_parts_are_named_in_the_order_of_assignment_and_counted_once() -> None:
    model = Nested()
    assert [name for name, _ in model.named_parameters()] == NAMES
    assert [name for name, _ in model.named_buffers()] == ["inner.0.seen"]
    assert [name for name, _ in model.named_modules()] == ["", "inner", "inner.0", "inner.1", "inner.2"]
    assert list(model.state_dict()) == [*NAMES, "inner.0.seen"]
    assert [p.shape for p in model.parameters()] == [(1,), (1,), (2, 2), (2,)]
    assert next(model.buffers()) is model.inner[0].seen


def test_buffers_belong_to_one_module() -> None:
    a, b = Counter(), Counter()
    a.register_buffer("more", np.zeros(1, np.float32))
    a.register_buffer("seen", np.ones(2, np.float32))  # a second time: replaced, not doubled
    assert [name for name, _ in a.named_buffers()] == ["seen", "more"]
    assert [name for name, _ in b.named_buffers()] == ["seen"]
    assert a.state_dict()["seen"].tolist() == [1, 1]
    with pytest.raises(TypeError, match="register_buffer: seen is a list, expected a NumPy array"):
        a.register_buffer("seen", [1.0])


@pytest.mark.parametrize("parts", [[Linear(1, 1)], (ReLU(), ReLU()), [Tensor([1.0])]])
def test_parts_hidden_in_a_list_are_refused(parts: object) -> None:
    with pytest.raises(TypeError, match=r"Module\.layers: parts inside a (list|tuple) would not be found"):
        Module().layers = parts


def test_train_and_eval_reach_every_part() -> None:
    model = Nested()
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.inner.train()
    assert [m.training for m in model.modules()] == [False, True, True, True, True]


def test_zero_grad_forgets_every_gradient() -> None:
    model = Nested()
    model(Tensor(np.ones((2, 3), np.float32))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"Module defines no forward\(x\)"):
        Module()(Tensor([1.0]))


def test_repr_shows_arguments_and_parts() -> None:
    assert repr(Sequential(Linear(2, 3, bias=False), Sequential(ReLU()))) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=None)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


def test_state_dict_hands_out_copies() -> None:
    model = Nested()
    before = {name: array.copy() for name, array in model.state_dict().items()}
    for array in model.state_dict().values():
        array += 1
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_load_state_dict_writes_in_place_and_keeps_no_reference() -> None:
    model = Nested()
    arrays = [p.array for p in model.parameters()]
    buffer = model.inner[0].seen
    state = {name: array + 1 for name, array in model.state_dict().items()}
    model.load_state_dict(state)
    assert all(p.array is a for p, a in zip(model.parameters(), arrays, strict=True))
    assert model.inner[0].seen is buffer
    expected = {name: array.copy() for name, array in state.items()}
    for array in state.values():
        array += 1
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, expected[name])


def drop(state: dict, name: str) -> None:
    del state[name]


def add_stranger(state: dict, name: str) -> None:
    state[name + "_old"] = state[name]


def reshape(state: dict, name: str) -> None:
    state[name] = state[name][..., None]


def widen(state: dict, name: str) -> None:
    state[name] = state[name].astype(np.float64)


def listify(state: dict, name: str) -> None:
    state[name] = state[name].tolist()


DAMAGES = {
    drop: (ValueError, r"missing names \['{}'\]"),
    add_stranger: (ValueError, r"unexpected names \['{}_old'\]"),
    reshape: (ValueError, "{} has shape"),
    widen: (TypeError, "{} is float64, expected an array of float32"),
    listify: (TypeError, "{} is list, expected an array of float32"),
}


@given(damage=st.sampled_from(list(DAMAGES)), name=st.sampled_from([*NAMES, "inner.0.seen"]))
def test_a_state_with_one_fault_changes_nothing(damage, name: str) -> None:
    model = Nested()
    before = model.state_dict()
    state = {key: array + 1 for key, array in before.items()}
    damage(state, name)
    kind, message = DAMAGES[damage]
    with pytest.raises(kind, match=f"load_state_dict of Nested: .*{message.format(name)}"):
        model.load_state_dict(state)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


def test_sparse_weights_are_listed_in_order() -> None:
    model = Sequential(
        SparseLinear(4, 4, sparsity=0.5), Linear(4, 4), Sequential(SparseLinear(4, 4, sparsity=0.0, bias=False))
    )
    assert list(sparse_weights(model).items()) == [("0.weight", 0.5), ("2.0.weight", 0.0)]
    model[0].set_sparsity(0.75)
    assert sparse_weights(model)["0.weight"] == 0.75
