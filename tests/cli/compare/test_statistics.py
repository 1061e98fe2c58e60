"""Statistics over seeds: what must hold for any values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minizerofl_cli.compare.statistics import (
    Difference,
    bootstrap_interval,
    caution,
    paired_difference,
    spread,
    verdict,
)

PERCENT = st.floats(0, 100)
BY_SEED = st.dictionaries(st.integers(0, 9), PERCENT, min_size=1)


@given(BY_SEED, BY_SEED)
def test_differences_are_those_of_the_seeds_in_common(group, baseline):
    difference = paired_difference(group, baseline)
    common = group.keys() & baseline.keys()
    if not common:
        assert difference is None
        return
    each = [group[seed] - baseline[seed] for seed in common]
    assert difference.pairs == len(common)
    assert difference.mean == pytest.approx(np.mean(each), abs=1e-9)
    assert (difference.interval is None) == (len(common) == 1)


@given(BY_SEED, BY_SEED, st.randoms())
def test_the_order_of_runs_changes_nothing(group, baseline, random):
    shuffled = list(group.items())
    random.shuffle(shuffled)
    assert paired_difference(dict(shuffled), baseline) == paired_difference(group, baseline)
    values = [value for _, value in shuffled]
    assert spread(values) == spread(group.values())


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9))
def test_an_interval_lies_within_the_values(values):
    low, high = bootstrap_interval(values)
    assert min(values) <= low <= high <= max(values)


@given(st.floats(-100, 100), st.integers(2, 9))
def test_the_interval_of_a_constant_is_the_constant(value, count):
    assert bootstrap_interval([value] * count) == (value, value)
    assert spread([value] * count).mean == value


@given(BY_SEED, st.floats(0, 10))
def test_equal_groups_never_fail(group, margin):
    judged = verdict(paired_difference(group, group), margin)
    assert judged == ("holds" if len(group) >= 3 else "unresolved")


@given(st.floats(-50, 50), st.floats(0, 20), st.floats(0, 10), st.floats(0, 10))
def test_a_larger_margin_never_turns_holds_into_anything_else(mean, half, margin, more):
    difference = Difference(5, mean, (mean - half, mean + half))
    if verdict(difference, margin) == "holds":
        assert verdict(difference, margin + more) == "holds"
    if verdict(difference, margin + more) == "fails":
        assert verdict(difference, margin) == "fails"


@given(arrays(float, st.integers(3, 9), elements=st.floats(-3, 3)), st.floats(0, 20))
def test_a_shift_shifts_the_interval(values, shift):
    moved = np.subtract(bootstrap_interval(values + shift), bootstrap_interval(values))
    assert moved == pytest.approx([shift, shift], abs=1e-9)


@pytest.mark.parametrize(("pairs", "expected"), [(3, 0.75), (5, 0.93)])
def test_how_often_an_interval_holds_the_true_difference(pairs, expected):
    rng = np.random.default_rng(pairs)
    intervals = [bootstrap_interval(rng.normal(size=pairs)) for _ in range(300)]
    assert np.mean([low <= 0 <= high for low, high in intervals]) == pytest.approx(expected, abs=0.07)


def test_what_few_seeds_cannot_tell():
    assert verdict(Difference(1, 5.0, None), 1.0) == "unresolved"
    assert verdict(Difference(2, 5.0, (4.0, 6.0)), 1.0) == "unresolved"
    assert "no interval" in caution(1)
    assert "75 of 100" in caution(3)
    assert "88 of 100" in caution(4)
    assert caution(5) == ""
    assert spread([3.0]).std is None
    assert spread([]).count == 0
