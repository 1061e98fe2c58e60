"""`minizerofl reproduce` from the command line, on synthetic data with one round."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from minizerofl_cli.main import cli
from minizerofl_cli.report.rundata import Rows
from minizerofl_cli.reproduce.experiment import measure
from minizerofl_cli.runs.reading import History, read_history

SMALL = ["table1", "--row", "femnist-0.95", "--column", "full", "--seeds", "1", "--scale", "0.001"]


@pytest.mark.long
def test_a_scaled_cell_is_run_once_and_called_scaled_everywhere(tmp_path: Path) -> None:
    command = ["reproduce", *SMALL, "--source", "synthetic", "--runs-dir", str(tmp_path)]
    first = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert first.exit_code == 0, first.output
    assert "Estimated for what is left" in first.output
    folder = tmp_path / "reproduce-table1-scaled-0.001"
    assert "SCALED: 0.1 % of the rounds" in (page := (folder / "table1.md").read_text())
    assert "SYNTHETIC data: these figures say nothing about the paper's." in page
    (row,) = csv.DictReader((folder / "table1.csv").read_text().splitlines())
    history = read_history(folder / "row=femnist-0.95,column=full,seed=0" / "history.csv")
    assert (row["paper"], row["seeds"], row["scale"]) == ("83.34", "1", "0.001")
    assert float(row["mean"]) == pytest.approx(100 * history.numbers("test_accuracy")[-1], abs=1e-3)
    assert f"| {float(row['mean']):.2f} | 1 of 1 |" in page

    second = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert second.output.count("done before, skipped") == 1
    assert "Nothing is left to be run." in second.output
    assert "femnist-0.95, full  83.34" in second.output


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    command = ["reproduce", *SMALL, "--source", "synthetic", "--runs-dir", str(tmp_path), "--dry-run"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert "femnist-0.95, full: 0 of 1 done" in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["table9"], "'table9' is unknown"),
        (["table1", "--scale", "0"], "--scale 0 is not above 0 and at most 1"),
        (["table1", "--scale", "2"], "--scale 2 is not above 0 and at most 1"),
        (["table1", "--row", "mnist"], "--row 'mnist' does not exist in table1"),
        (["table1", "--seeds", "0"], "0 is not in the range"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], reason: str) -> None:
    done = CliRunner().invoke(cli, ["reproduce", *arguments])
    assert done.exit_code == 2
    assert reason in done.output


def test_sizes_needs_no_training() -> None:
    done = CliRunner().invoke(cli, ["reproduce", "sizes"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "resnet18, topk-weights updates" in done.output
    assert "femnist_cnn, topk-weights updates" in done.output


def test_measures(tmp_path: Path) -> None:
    columns = ("round", "test_accuracy", "validation_accuracy", "density")
    cells = [("1", "0.5", "0.1", "0.3"), ("2", "0.7", "0.9", "0.2"), ("3", "0.6", "0.2", "0.1")]
    history = History(Rows(columns, [dict(zip(columns, each, strict=True)) for each in cells]))
    assert [measure(name, history, tmp_path) for name in ("last", "best", "density")] == [0.6, 0.7, 0.3]
    without = [{"round": "1", "test_accuracy": "0.5", "validation_accuracy": ""}]
    assert np.isnan(measure("best", History(Rows(columns, without)), tmp_path))
    rows = ["10,a,0.1", "20,a,0.8", "20,b,0.6", "30,a,1.0", "30,b,1.0"]
    (tmp_path / "overlap.csv").write_text("\n".join(["round,layer,jaccard_previous", *rows]))
    assert measure("stay", history, tmp_path) == pytest.approx(0.85)
