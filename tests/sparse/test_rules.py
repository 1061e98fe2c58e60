"""Rules of selection: what each keeps, and that all of them obey the contract."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.choices import RULES as NAMED
from minizerofl.sparse import GlobalTopK, RandomK, Selection, TopK, top_k
from minizerofl.sparse.rules import ask

RULES = [NAMED[name] for name in NAMED]
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def layers(draw: st.DrawFn) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Some arrays, among them zeros and ties, and how many entries of each may be kept."""
    rng = np.random.default_rng(draw(SEEDS))
    shapes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=1, max_size=4))
    values = {f"layer{i}": np.round(rng.standard_normal(shape), 1).astype(np.float32) for i, shape in enumerate(shapes)}
    return values, {name: draw(st.integers(0, value.size)) for name, value in values.items()}


@pytest.mark.parametrize("rule", RULES)
@given(layers())
def test_positions_are_ascending_within_the_budget_and_always_the_same(rule: type[Selection], case: tuple) -> None:
    values, budget = case
    kept = rule(seed=3).select(values, budget)
    assert list(kept) == list(values)
    for name, positions in kept.items():
        assert positions.dtype == np.int32
        assert np.all(np.diff(positions) > 0)
        assert positions.size == 0 or 0 <= positions[0] <= positions[-1] < values[name].size
    assert sum(p.size for p in kept.values()) <= sum(budget.values())
    again = rule(seed=3).select(values, budget)
    assert all(np.array_equal(kept[name], again[name]) for name in values)


@given(layers())
def test_top_k_asks_each_layer_alone(case: tuple) -> None:
    values, budget = case
    for name, positions in TopK().select(values, budget).items():
        np.testing.assert_array_equal(positions, top_k(values[name], budget[name]))


@given(layers())
def test_no_entry_left_out_by_the_global_rule_is_larger_than_one_it_kept(case: tuple) -> None:
    values, budget = case
    kept = GlobalTopK().select(values, budget)
    inside = np.concatenate([np.abs(values[name].reshape(-1)[kept[name]]) for name in values])
    outside = np.concatenate([np.abs(np.delete(values[name].reshape(-1), kept[name])) for name in values])
    assert inside.min(initial=np.inf) >= outside.max(initial=0)
    nonzero = sum(np.count_nonzero(value) for value in values.values())
    assert inside.size == min(sum(budget.values()), nonzero)


@given(layers(), st.integers(0, 3))
def test_the_random_rule_depends_on_seed_name_and_size_alone(case: tuple, seed: int) -> None:
    values, budget = case
    kept = RandomK(seed).select(values, budget)
    other = RandomK(seed).select({name: -2 * value for name, value in values.items()}, budget)
    for name, positions in kept.items():
        assert positions.size == budget[name]
        np.testing.assert_array_equal(positions, other[name])


def test_random_layers_of_one_size_differ_and_so_do_seeds() -> None:
    values, budget = {"a": np.zeros(1000), "b": np.zeros(1000)}, {"a": 50, "b": 50}
    kept, other = RandomK(0).select(values, budget), RandomK(1).select(values, budget)
    assert not np.array_equal(kept["a"], kept["b"])
    assert not np.array_equal(kept["a"], other["a"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"a": [0]}, "returned positions of a, expected those of a, b"),
        ({"a": [1, 1], "b": []}, "the positions of a are not ascending"),
        ({"a": [[0, 1]], "b": []}, "the positions of a are not ascending"),
        ({"a": [-1], "b": []}, r"the positions of a are not all in 0 \.\.\. 3"),
        ({"a": [], "b": [4]}, "the positions of b are not all in"),
        ({"a": [0, 1], "b": [0, 1]}, "keeps more than 3 entries"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(answer: dict, message: str) -> None:
    class Wrong(TopK):  # a subclass of a trusted rule is not trusted
        def select(self, values, budget):
            return {name: np.array(positions, np.int64) for name, positions in answer.items()}

    with pytest.raises(ValueError, match=message):
        ask(Wrong(), {"a": np.zeros(4), "b": np.zeros(4)}, {"a": 2, "b": 1})
