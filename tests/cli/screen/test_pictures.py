"""The picture is drawn from history.csv alone."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from minizerofl_cli.screen.pictures import plot_history

HEADER = "round,train_loss_nats,test_accuracy,test_loss_nats,cum_uplink_bytes\n"


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Draw a history; return the panels of the figure."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: object, **options: object) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)

    def draw(rows: str, majority: float = 0.1) -> list[Axes]:
        (tmp_path / "history.csv").write_text(HEADER + rows)
        plot_history(tmp_path / "history.csv", "title", tmp_path / "accuracy.png", majority)
        assert np.ptp(imread(tmp_path / "accuracy.png")) > 0
        return figures[-1].axes

    return draw


def points(axes: Axes, line: int) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in axes.lines[line].get_xydata()]


def test_rounds_without_evaluation_are_passed_over_but_have_a_training_loss(drawn):
    over_rounds, over_bytes, losses = drawn("1,4,,,1000000\n2,3,0.5,2,2000000\n3,2,,,3000000\n4,1.5,0.6,1,4000000\n")
    assert points(over_rounds, 0) == [(2, 50), (4, 60)]
    assert points(over_bytes, 0) == [(2, 50), (4, 60)]
    assert points(losses, 0) == [(1, 4), (2, 3), (3, 2), (4, 1.5)]
    assert points(losses, 1) == [(2, 2), (4, 1)]


def test_the_majority_class_is_a_dashed_line_with_a_label(drawn):
    for axes in drawn("1,4,0.05,2,1000000\n", majority=0.4)[:2]:
        line = axes.lines[1]
        assert (line.get_linestyle(), line.get_label(), *line.get_ydata()) == ("--", "majority class", 40, 40)
        assert axes.get_ylim()[1] > 40
    assert "majority class" in [text.get_text() for text in axes.figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize("rounds", [1, 2, 5, 1000])
def test_rounds_are_whole_numbers(drawn, rounds):
    rows = "".join(f"{t},4,{0.1 + 0.8 * t / rounds},2,{t}000000\n" for t in range(1, rounds + 1))
    over_rounds, over_bytes, losses = drawn(rows)
    for axes in (over_rounds, losses):
        assert all(tick == round(tick) for tick in axes.get_xticks())
        low, high = axes.get_xlim()
        assert low < 1 <= rounds < high
    assert 90 < over_rounds.get_ylim()[1] <= 100 or rounds == 1
    assert over_bytes.get_xlim()[0] == 0


def test_nothing_was_evaluated(drawn):
    over_rounds, _, losses = drawn("1,4,,,1000000\n")
    assert points(over_rounds, 0) == []
    assert points(losses, 0) == [(1, 4)]
