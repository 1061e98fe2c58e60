"""The line of a round."""

from minizerofl.fl import Round, Score
from minizerofl_cli.progress import duration, round_line


def _round(score: Score | None, refused: tuple[str, ...] = ()) -> Round:
    return Round(
        round=7,
        lr=0.1,
        clients=("a", "b"),
        refused=refused,
        num_samples=20,
        train_loss=2.0,
        uplink_bytes=13_500_000,
        dense_bytes=27_000_000,
        kept_fraction=0.25,
        score=score,
        train_seconds=5.0,
        eval_seconds=1.2,
    )


def test_an_evaluated_round():
    line = round_line(_round(Score(200, 123, 250.0)), 30, 138.0)
    assert line == (
        "round  7/30  accuracy  61.5 %  loss  1.250  uplink 13.5 MB (2.0x less than dense)  6.2 s  ETA 2 min 18 s"
    )


def test_columns_stay_in_line_without_evaluation():
    with_score, without = (round_line(_round(score), 30, 1.0) for score in (Score(200, 123, 250.0), None))
    assert "not evaluated" in without
    assert with_score.index("uplink") == without.index("uplink")


def test_refused_clients_are_mentioned():
    assert "1 refused" in round_line(_round(None, refused=("c",)), 30, 1.0)


def test_durations_round_up_to_the_next_unit():
    assert duration(59.6) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
