"""`minizerofl trace`: its table and its file."""

import json

import pytest

QUICK = ["--batch-size", 2]


def test_table_and_file(invoke, finished_run, tmp_path) -> None:
    file = tmp_path / "step.json"
    result = invoke("trace", *QUICK, "--sparsity", 0.9, "--weights", finished_run.path, "--json", file)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert str(finished_run.path) in lines[1]
    report = json.loads(file.read_text())
    assert (report["sparsity"], report["batch_size"]) == (0.9, 2)
    names = [row["layer"] for row in report["rows"]]
    head = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    table = lines[head + 1 : head + 2 + len(names)]
    assert [line.split("  ")[0] for line in table] == [*names, "total"]
    conv2 = next(row for row in report["rows"] if row["layer"] == "conv2")
    assert conv2["output_shape"] == [64, 14, 14, 2]
    assert conv2["weight_density"] == 0.1
    assert conv2["macs_done"]["forward"] * 10 == conv2["macs_dense"]


def test_a_dense_network_does_everything(invoke, finished_run) -> None:
    result = invoke("trace", *QUICK, "--sparsity", 0, "--weights", finished_run.path)
    assert result.exit_code == 0, result.output
    assert "100.0 % of the dense step" in result.output


@pytest.mark.parametrize("options", [["--sparsity", 1], ["--model", "vgg"], ["--batch-size", 0]])
def test_refusals_are_one_line(invoke, options: list) -> None:
    result = invoke("trace", *options)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
