"""A ratio is quoted only if it can be told from 1."""

from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.bench.ratio import fastest, ratio, ratio_text
from minizerofl_cli.bench.report import step_lines
from minizerofl_cli.bench.steps import StepResult

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


def test_rules_are_compared_with_top_k_at_the_same_sparsity() -> None:
    rates = {
        "sparse 0.9": [4.0, 4.0, 4.0],
        "sparse 0.8": [2.0, 2.0, 2.0],
        "sparse 0.9 block-8": [6.0, 6.0, 6.0],
        "sparse 0.8 block-8": [5.0, 5.0, 5.0],
        "dense": [1.0, 1.0, 1.0],
    }
    result = StepResult("femnist_cnn", 10, 1, [0.9, 0.8], rates, ["top-k", "block-8"])
    assert result.opponents() == ["dense", "top-k"]
    ratios = {name: result.against(name, "top-k").median for name in result.sparse()}
    assert ratios == {"sparse 0.9": 1, "sparse 0.8": 1, "sparse 0.9 block-8": 1.5, "sparse 0.8 block-8": 2.5}
    lines = step_lines(result, 200)
    assert [line.count("x (") for line in lines if line.startswith("sparse")] == [1, 1, 2, 2]
    alone = StepResult("femnist_cnn", 10, 1, [0.9], {name: rates[name] for name in ("sparse 0.9", "dense")})
    assert alone.opponents() == ["dense"]
