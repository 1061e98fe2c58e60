"""Run directories for comparisons: copies of a small real run, with other settings and other accuracies."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


@pytest.fixture
def make_run(finished_run, tmp_path) -> Callable[..., Path]:
    """Make a run directory: settings by name, and an accuracy in % for each round ("" where it was not evaluated)."""

    def make(
        name: str,
        accuracies: Sequence[float | str],
        *,
        uplink_bytes: int = 1_000_000,
        seconds: float = 1.0,
        rounds: int | None = None,
        **settings: object,
    ) -> Path:
        path = tmp_path / name
        path.mkdir(parents=True)
        for file in ("environment.json", "partition.json", "summary.json"):
            shutil.copy(finished_run.path / file, path / file)
        changes = {"rounds": rounds or len(accuracies), "schedule_rounds": 9, "eval_samples": 0, **settings}
        config = (finished_run.path / "config.toml").read_text()
        for key, value in changes.items():
            config, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {json.dumps(value)}", config)
            assert found, key
        (path / "config.toml").write_text(config)
        (row, *_) = csv.DictReader((finished_run.path / "history.csv").read_text().splitlines())
        text = io.StringIO()
        rows = csv.DictWriter(text, row, lineterminator="\n")
        rows.writeheader()
        for t, accuracy in enumerate(accuracies, 1):
            score = "" if accuracy == "" else accuracy / 100
            sent = {"cum_uplink_bytes": t * uplink_bytes, "cum_downlink_bytes": t * 4_000_000}
            rows.writerow(
                row | sent | {"round": t, "test_accuracy": score, "train_seconds": seconds, "aggregate_seconds": 0}
            )
        (path / "history.csv").write_text(text.getvalue())
        return path

    return make
