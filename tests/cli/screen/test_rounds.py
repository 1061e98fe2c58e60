"""The lines about a round."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import (
    ClientDone,
    ClientStep,
    Evaluation,
    EvaluationStarted,
    KernelCompiled,
    Outcome,
    Round,
    RoundStarted,
)
from minizerofl.kernels import jit
from minizerofl_cli.screen.duration import about, duration
from minizerofl_cli.screen.progress import DETAIL, NORMAL, Screen
from minizerofl_cli.screen.rounds import RoundWatch, UplinkLine, failure_lines, round_line


def _round(score: Evaluation | None, *more: Outcome, size: int = 13_500_000) -> Round:
    outcomes = (Outcome("a", "accepted", uplink_bytes=size), Outcome("b", "accepted", uplink_bytes=size))
    return Round(
        round=7,
        lr=0.1,
        outcomes=(*outcomes, *more),
        train_loss=2.0,
        dense_bytes=54_000_000,
        kept_fraction=0.25,
        score=score,
        train_seconds=5.0,
        eval_seconds=1.2,
    )


def test_a_line():
    line = round_line(_round(Evaluation(200, 0.615, 1.25)), 30, 138.0)
    assert line == "round  7/30  accuracy 61.5 %  loss 1.250 (train 2.000)  6.2 s  ETA 2 min"


def test_no_time_to_the_end_is_told_where_nobody_knows_it():
    assert round_line(_round(Evaluation(200, 0.615, 1.25)), 30, None).endswith("(train 2.000)  6.2 s")


def test_columns_stay_in_line_without_evaluation():
    with_score, without = (round_line(_round(score), 30, 1.0) for score in (Evaluation(200, 0.6, 1.25), None))
    assert "not evaluated" in without
    assert with_score.index("(train 2.000)") == without.index("(train 2.000)")
    assert with_score.index("6.2 s") == without.index("6.2 s")


@given(
    st.integers(1, 9999),
    st.floats(0, 1),
    st.floats(0, 1e3, exclude_max=True),
    st.floats(0, 1e3, exclude_max=True),
    st.floats(0, 9999),
    st.none() | st.floats(0, 1e6),
)
def test_a_line_fits_80_columns(rounds, accuracy, loss, train_loss, seconds, eta):
    record = replace(_round(Evaluation(200, accuracy, loss)), train_loss=train_loss, train_seconds=seconds)
    assert len(round_line(record, rounds, eta)) <= 80


def test_what_went_wrong_is_told_once_for_each_reason():
    lines = list(
        failure_lines(
            _round(
                None,
                *(Outcome(name, "crashed", "KeyError: 'x' (in my.py, line 3)") for name in "cdefg"),
                Outcome("h", "refused", "checksum"),
            )
        )
    )
    assert lines == [
        "round 7: 5 of 8 clients crashed (c, d, e, ...): KeyError: 'x' (in my.py, line 3)",
        "round 7: 1 of 8 updates refused (h): checksum",
    ]


def test_the_size_of_messages_is_said_when_it_changes():
    line = UplinkLine("csr, float32")
    assert list(line.lines(_round(None))) == ["Each client sends 13.5 MB a round (csr, float32), 2.0x less than dense."]
    assert list(line.lines(_round(None, size=13_600_000))) == []
    assert list(line.lines(_round(None, size=27_000_000))) == [
        "Each client now sends 27.0 MB a round (csr, float32), as much as dense."
    ]


class Shown(Screen):
    """A screen that keeps everything."""

    def __init__(self, verbosity: int) -> None:
        super().__init__(verbosity)
        self.lines, self.bars = [], []

    def _show(self, line: str) -> None:
        self.lines.append(line)

    def doing(self, what: object) -> None:
        self.what = what if callable(what) else lambda: what

    def bar(self, done: float, rounds: int) -> None:
        self.bars.append((done, rounds))


def test_a_round_is_told_while_it_goes_on(monkeypatch):
    monkeypatch.setattr(jit, "_not_kept", [])  # A kernel of another test may have had no file.
    shown = Shown(DETAIL)
    watch = RoundWatch(shown, epochs=2)
    watch(RoundStarted(3, 10, ("a", "b")))
    assert shown.what() == "round 3: 0 of 2 clients"
    watch(KernelCompiled(3, 5.0))
    assert shown.lines == ["Compiling the kernels, once: they are kept for later runs."]
    assert shown.what() == "round 3: compiling the kernels, 1 so far"
    watch(ClientStep(3, "a", 10, 80))
    assert shown.what() == "round 3: 0 of 2 clients"
    watch(ClientStep(3, "a", 20, 80))
    assert re.fullmatch(r"round 3: 0 of 2 clients, [\d,]+ samples/s", shown.what())
    watch(
        ClientDone(3, Outcome("a", "accepted", num_samples=40, train_loss=2.0, uplink_bytes=10**6, seconds=1.5), 1, 2)
    )
    assert shown.bars == [(2.5, 10)]
    assert shown.lines[-1] == "round 3: a: 40 samples, loss 2.000, 1.00 MB, 1.5 s"
    watch(EvaluationStarted(3, 1000))
    assert shown.what() == "round 3: evaluating on 1,000 samples"


def test_clients_are_a_detail():
    shown = Shown(NORMAL)
    watch = RoundWatch(shown, epochs=1)
    watch(RoundStarted(1, 1, ("a",)))
    watch(ClientDone(1, Outcome("a", "late", "the deadline had passed"), 1, 1))
    assert shown.lines == []
    assert shown.what() == "round 1: 1 of 1 clients"


def test_durations_round_up_to_the_next_unit():
    assert duration(59.6) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
    assert (about(59.6), about(3580)) == ("1 min", "1.0 h")
