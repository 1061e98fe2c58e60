"""The calibration of a machine: it is remembered, and runs keep to it."""

import json
import tomllib
from pathlib import Path

from minizerofl_cli.runs.calibration import read_calibration, write_calibration


def test_a_machine_remembers_and_replaces(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "cache"))
    assert read_calibration() == {}
    write_calibration({"a": 1.0, "b": 0.5})
    file = write_calibration({"b": 0.0})
    assert file == tmp_path / "cache" / "breakeven.json"
    assert read_calibration() == {"a": 1.0, "b": 0.0}
    assert "packages" in json.loads(file.read_text())["environment"]


def test_a_run_takes_what_was_measured_and_keeps_to_it(invoke, small, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    calibration = tmp_path / "breakeven.json"
    calibration.write_text('{"break_even": {"linear 1568x64 batch 10": 0.01}}')
    result = invoke("train", *small, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "runs").glob("*-*")
    assert tomllib.loads((run / "config.toml").read_text())["settings"]["dense_layers"] == "linear"
    calibration.unlink()
    result = invoke("resume", run, "--extend-rounds", 1)
    assert result.exit_code == 0, result.output
    calibration.write_text('{"break_even": [3]}')
    result = invoke("train", *small, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert "breakeven.json: is not a calibration file; delete it" in result.output
