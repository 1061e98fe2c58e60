"""`minizerofl trace`: its table and its file."""

import csv
import io
import json

import pytest

from minizerofl.fl import SavedModel, save_model
from minizerofl.models import build

QUICK = ["--batch-size", 2]


def test_table_and_file(invoke, paper_run, tmp_path) -> None:
    file = tmp_path / "step.json"
    result = invoke("trace", *QUICK, "--sparsity", 0.9, "--weights", paper_run.path, "--json", file)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert str(paper_run.path) in lines[1]
    report = json.loads(file.read_text())
    assert (report["sparsity"], report["batch_size"]) == (0.9, 2)
    names = [row["layer"] for row in report["rows"]]
    head = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    table = lines[head + 1 : head + 2 + len(names)]
    assert max(map(len, lines[head:])) <= 80
    assert "Not shown: " in result.output
    assert [line.split("  ")[0] for line in table] == [*names, "total"]
    conv2 = next(row for row in report["rows"] if row["layer"] == "conv2")
    assert conv2["output_shape"] == [64, 14, 14, 2]
    assert conv2["weight_density"] == 0.1
    assert conv2["macs_done"]["forward"] * 10 == conv2["macs_dense"]


def test_a_dense_network_does_everything(invoke, paper_run) -> None:
    result = invoke("trace", *QUICK, "--sparsity", 0, "--weights", paper_run.path)
    assert result.exit_code == 0, result.output
    assert "100.0 % of the dense step" in result.output


@pytest.mark.parametrize("options", [["--sparsity", 1], ["--model", "vgg"], ["--batch-size", 0]])
def test_refusals_are_one_line(invoke, options: list) -> None:
    result = invoke("trace", *options)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_the_csv_holds_what_a_narrow_screen_does_not(invoke, paper_run, tmp_path) -> None:
    files = tmp_path / "step.csv", tmp_path / "step.json"
    options = ("--weights", paper_run.path, "--csv", files[0], "--json", files[1])
    result = invoke("trace", *QUICK, *options)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(files[0].read_text())))
    told = json.loads(files[1].read_text())["rows"]
    assert [row["layer"] for row in rows] == [row["layer"] for row in told]
    assert [float(row["forward_seconds"]) for row in rows] == [row["forward_seconds"] for row in told]
    conv2 = next(row for row in rows if row["layer"] == "conv2")
    assert conv2["output_shape"] == "64x14x14x2"
    assert int(conv2["kept_bytes"]) > 0


@pytest.mark.parametrize("about", [{}, {"dataset": "femnist"}])
def test_a_saved_model_with_a_name_of_its_own(invoke, tmp_path, about) -> None:
    """Such a file comes from a program that registered the builder; here nobody knows the name."""
    state = build("femnist_cnn", num_classes=62, sparsity=0.9).state_dict()
    arguments = {"num_classes": 62, "sparsity": 0.9}
    save_model(tmp_path / "small.h5", SavedModel("small", arguments, state, about))
    result = invoke("trace", *QUICK, "--weights", tmp_path / "small.h5")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1), result.output
    assert "small" in result.output
    assert "internal error" not in result.output


def test_a_saved_model_that_does_not_say_its_data_is_traced_on_those_of_its_kind(invoke, tmp_path) -> None:
    state = build("femnist_cnn", num_classes=62, sparsity=0.9).state_dict()
    save_model(tmp_path / "a.h5", SavedModel("femnist_cnn", {"num_classes": 62, "sparsity": 0.9}, state, {}))
    result = invoke("trace", *QUICK, "--weights", tmp_path / "a.h5")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("femnist: SYNTHETIC data")
