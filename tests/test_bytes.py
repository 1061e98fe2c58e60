"""docs/results/bytes.py: each of its settings is one that `minizerofl train` takes, and its tables are of the runs."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from minizerofl.fl import Settings
from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.plan import make_plan

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Import docs/results/bytes.py."""
    spec = importlib.util.spec_from_file_location("bytes_results", ROOT / "docs" / "results" / "bytes.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(script: ModuleType, name: str) -> Settings:
    words = f"{script.COMMON} {script.SETTINGS[name]} --source synthetic".split()
    options = train.make_context("train", words).params
    options.pop("dry_run")
    return make_plan(**{key: value for key, value in options.items() if key in make_plan.__code__.co_varnames}).settings


def test_the_settings_are_what_they_are_called(script: ModuleType) -> None:
    assert len(script.SETTINGS) == 9
    assert settings(script, "dense EDEN 1").values == settings(script, "dense EDEN 1").downlink_values == "eden1"
    published, lossless = settings(script, "ZeroFL as published"), settings(script, "ZeroFL lossless")
    assert (published.codec, published.downlink_codec, published.values) == ("csr", "dense", "float32")
    assert (lossless.codec, lossless.downlink_codec, lossless.values) == ("auto", "auto", "float32")
    assert settings(script, "dense stopped earlier").rounds == script.EARLIER
    assert {settings(script, name).rounds for name in script.SETTINGS} == {100, script.EARLIER}
    assert settings(script, "random-k").resolved().uplink_sparsity == 0.95


def test_the_tables_are_those_of_the_runs(script: ModuleType) -> None:
    rows = [
        dict(
            zip(
                script.COLUMNS,
                ("dense int8", seed, round, accuracy, megabytes * 500_000, megabytes * 500_000),
                strict=True,
            )
        )
        for seed, accuracy in (("0", "0.5"), ("1", "0.7"))
        for round, megabytes in (("50", 1000), ("100", 4000))
    ]
    rows = [{key: str(value) for key, value in row.items()} for row in rows]
    lines = list(script.tables(rows))
    assert "| dense int8 | 100 | 2.00 | 2.00 | 4.00 | 60.0 ± 14.1 |" in lines
    assert "| dense int8 | 60.0 ± 14.1 | 60.0 ± 14.1 | - | - | - | - |" in lines
