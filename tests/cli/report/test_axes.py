"""Axes: ticks that are few and round, and curves that keep what sticks out."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl_cli.report.axes import LIMIT, axis, finite, number, spread, thin

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(ANY, max_size=20), st.booleans(), st.booleans())
@example([5e-324, 0.0], False, True)
@example([1e308, -1e308], False, True)
@example([1e16, 1e16 + 2], True, False)
@example([0.1, 0.1, 0.1], False, True)
def test_an_axis_holds_all_numbers_and_has_few_ticks(values, whole, snap):
    chosen = axis(values, whole=whole, snap=snap)
    assert -math.inf < chosen.low < chosen.high < math.inf
    assert 1 <= len(chosen.ticks) == len(chosen.labels) <= 12
    assert list(chosen.ticks) == sorted(set(chosen.ticks))
    for value in values:
        if not math.isnan(value):
            assert 0 <= chosen.share(value) <= 1
        if finite(value) and 1 / LIMIT < abs(value) < LIMIT:
            slack = 1e-9 * (chosen.high - chosen.low)
            assert chosen.low - slack <= value <= chosen.high + slack
    if snap:
        assert (chosen.ticks[0], chosen.ticks[-1]) == (chosen.low, chosen.high)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_rounds_stand_at_whole_numbers(first, more):
    chosen = axis([first, first + more], whole=True)
    assert all(tick == int(tick) for tick in chosen.ticks)
    assert len(set(chosen.labels)) == len(chosen.labels)


@given(st.lists(ANY, min_size=1, max_size=400), st.integers(2, 50))
def test_a_long_curve_keeps_its_ends_its_extremes_and_its_gaps(curve, most):
    kept = thin([curve], most)
    assert kept == sorted({0, len(curve) - 1, *kept})
    assert len(kept) <= max(len(curve) if len(curve) <= most else 0, 3 * most + 2)
    shown, all_of_them = [curve[k] for k in kept if finite(curve[k])], [v for v in curve if finite(v)]
    assert (min(shown, default=None), max(shown, default=None)) == (
        min(all_of_them, default=None),
        max(all_of_them, default=None),
    )
    assert all(map(finite, curve)) == all(finite(curve[k]) for k in kept)


@given(ANY)
def test_a_number_is_short_or_a_dash(value):
    assert 1 <= len(number(value)) <= 26
    assert (number(value) == "-") == math.isnan(value)


@given(st.lists(st.integers(), max_size=100), st.integers(2, 20))
def test_what_is_spread_has_both_ends(items, most):
    chosen = spread(items, most)
    assert len(chosen) == min(len(items), most)
    assert not items or (chosen[0], chosen[-1]) == (items[0], items[-1])
