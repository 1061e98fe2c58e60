"""A ratio is quoted only if it can be told from 1."""

from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.bench.ratio import fastest, ratio, ratio_text

SPEEDS = st.lists(st.floats(0.1, 10), min_size=2, max_size=9)


@given(SPEEDS, st.floats(0.05, 20))
def test_a_constant_factor_is_the_ratio_whatever_the_machine_does(speeds: list[float], factor: float) -> None:
    quotient = ratio([factor * s for s in speeds], speeds)
    if abs(factor - 1) > 1e-6:
        assert quotient is not None
        assert abs(quotient.median - factor) < 1e-9 * factor
        assert quotient.upper - quotient.lower < 1e-9 * factor


@given(SPEEDS)
def test_a_quoted_ratio_is_further_from_1_than_it_is_wide(speeds: list[float]) -> None:
    quotient = ratio(speeds, [1.0] * len(speeds))
    if quotient is None:
        assert ratio_text(quotient) == "not distinguishable"
    else:
        assert quotient.lower <= quotient.median <= quotient.upper
        assert quotient.upper - quotient.lower <= abs(quotient.median - 1)
        assert not quotient.lower < 1 < quotient.upper


def test_noise_is_no_ratio() -> None:
    assert ratio([1.0, 1.3, 0.8, 1.2, 0.9], [1.0] * 5) is None
    assert ratio([3.0, 4.0, 2.0, 5.0, 3.0], [1.0] * 5) is not None


def test_the_fastest_has_the_highest_median_not_the_best_burst() -> None:
    assert fastest({"a": [9.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0]}, ["a", "b"]) == "b"
