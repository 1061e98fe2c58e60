"""`minizerofl eval --per-class`: the table adds up to the accuracy, the files to the table."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from minizerofl.fl.measures.scores import confusion_matrix
from minizerofl_cli.runs.per_class import class_lines, write_confusion


def test_the_table_stands_below_the_accuracies(finished_run, invoke, tmp_path):
    plain = invoke("eval", finished_run.path)
    result = invoke("eval", finished_run.path, "--per-class", "-o", tmp_path / "there" / "confusion")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(plain.output)
    lines = result.output.removeprefix(plain.output).splitlines()
    assert lines[1].split() == ["class", "samples", "accuracy", "most", "often", "taken", "for"]
    assert max(map(len, lines[:-1])) <= 80
    with (tmp_path / "there" / "confusion" / "confusion.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {"synthetic"}
    right = sum(int(row[f"predicted:{row['class']}"]) for row in rows)
    total = sum(int(row["samples"]) for row in rows)
    assert f"{100 * right / total:.1f} %" in next(
        line for line in result.output.splitlines() if "test accuracy" in line
    )
    assert len(lines) - 4 == sum(row["samples"] != "0" for row in rows)
    assert imread(tmp_path / "there" / "confusion" / "confusion.png").shape[2] == 4


def test_without_a_folder_nothing_is_written(finished_run, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(finished_run.path.iterdir())
    assert invoke("eval", finished_run.path, "--per-class").exit_code == 0
    assert sorted(finished_run.path.iterdir()) == before
    assert not list(tmp_path.iterdir())


def test_a_folder_without_per_class_is_refused(finished_run, invoke, tmp_path):
    result = invoke("eval", finished_run.path, "-o", tmp_path / "x")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
    assert "add --per-class" in result.output


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_a_confusion_matrix_counts_every_sample_once(pairs):
    labels, predicted = np.array(pairs).T
    counts = confusion_matrix(labels, predicted, 5)
    assert counts.sum() == len(pairs)
    assert all(counts[true, said] == pairs.count((true, said)) for true in range(5) for said in range(5))


@pytest.mark.parametrize("classes", [1, 3, 200])
def test_any_number_of_classes_and_odd_names(classes, tmp_path):
    names = ["$5-$10\n", "x" * 100, "日"][:classes] + [f"c{i}" for i in range(classes - 3)]
    counts = np.eye(classes, dtype=np.int64)
    *_, said = write_confusion(tmp_path, counts, names, "mine", "real", "mlp")
    assert str(tmp_path / "confusion.png") in said
    assert all(len(line) <= 80 for line in class_lines(counts, names))
    with (tmp_path / "confusion.csv").open(newline="") as file:
        assert [row[1] for row in csv.reader(file)][1:] == names
