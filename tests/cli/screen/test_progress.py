"""The line of a round."""

from minizerofl.fl import Evaluation, Outcome, Round
from minizerofl_cli.screen.progress import duration, round_line


def _round(score: Evaluation, *more: Outcome) -> Round:
    outcomes = (Outcome("a", "accepted", uplink_bytes=13_000_000), Outcome("b", "accepted", uplink_bytes=500_000))
    return Round(
        round=7,
        lr=0.1,
        outcomes=(*outcomes, *more),
        train_loss=2.0,
        dense_bytes=27_000_000,
        kept_fraction=0.25,
        score=score,
        train_seconds=5.0,
        eval_seconds=1.2,
    )


def test_a_line():
    line = round_line(_round(Evaluation(200, 0.615, 1.25)), 30, 138.0)
    assert line == (
        "round  7/30  accuracy  61.5 %  loss  1.250  uplink 13.5 MB (2.0x less than dense)  6.2 s  ETA 2 min 18 s"
    )


def test_columns_stay_in_line_without_evaluation():
    with_score, without = (round_line(_round(score), 30, 1.0) for score in (Evaluation(200, 0.6, 1.25), Evaluation()))
    assert "not evaluated" in without
    assert with_score.index("uplink") == without.index("uplink")


def test_what_went_wrong_is_mentioned():
    line = round_line(
        _round(Evaluation(), Outcome("c", "refused"), Outcome("d", "late"), Outcome("e", "late")), 30, 1.0
    )
    assert "  1 refused, 2 late  " in line


def test_durations_round_up_to_the_next_unit():
    assert duration(59.6) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
