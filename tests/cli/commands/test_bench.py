"""`minizerofl bench`: its tables, its files, its refusals."""

import json

import pytest

from minizerofl.models import MODELS
from minizerofl_cli.bench.workload import BATCH_SIZES, DATASETS

QUICK = ["--batch-size", 2, "--sparsity", 0.95, "--bursts", 2, "--seconds", 0]


def test_names_are_those_of_the_models() -> None:
    assert set(MODELS) == set(BATCH_SIZES) == set(DATASETS)


@pytest.fixture(scope="module")
def measured(invoke, paper_run, tmp_path_factory):
    """The output, the JSON and the picture of a run of the command."""
    folder = tmp_path_factory.mktemp("bench")
    result = invoke(
        "bench", *QUICK, "--weights", paper_run.path, "--json", folder / "speed.json", "--plot", folder / "speed.png"
    )
    assert result.exit_code == 0, result.output
    return result.output, json.loads((folder / "speed.json").read_text()), folder / "speed.png"


def test_the_first_line_names_the_data(measured) -> None:
    assert "SYNTHETIC" in measured[0].splitlines()[0]


def test_layer_by_layer(measured) -> None:
    text, report, _ = measured
    assert report["peak_gflops"] > 0
    assert [p["layer"] for p in report["products"][::3]] == [
        "conv 1x5x5x32 stride 1 batch 2",
        "conv 32x5x5x64 stride 1 batch 2",
        "linear 3136x2048 batch 2",
    ]
    assert [p["product"] for p in report["products"][:3]] == ["forward", "dX", "dW"]
    for product in report["products"]:
        assert product["sparse_seconds"] > 0
        done = product["sparse_gflops"] * product["sparse_seconds"]
        assert done <= 0.06 * product["dense_gflops"] * product["dense_seconds"]
    tables = text.split("Layer by layer", 1)[1].split("Bursts of")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert "Not shown: dense GFLOP/s" in tables


def test_step_by_step(measured) -> None:
    text, report, image = measured
    (result,) = report["steps"]
    assert set(result["rates"]) == {"sparse 0.95", "dense"}
    assert all(len(rates) == 2 for rates in result["rates"].values())
    assert [r["opponent"] for r in result["ratios"]] == ["dense"]
    assert "femnist_cnn, batch 2, 1 worker:" in text
    assert image.read_bytes().startswith(b"\x89PNG")


def test_two_workers_against_torch(invoke, paper_run, tmp_path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; it is compared with where it is")
    file = tmp_path / "speed.json"
    options = ["--workers", 2, "--against", "torch", "--only", "steps", "--weights", paper_run.path]
    result = invoke("bench", *QUICK, *options, "--json", file)
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_text())
    assert report["products"] == []
    rates = report["steps"][0]["rates"]
    assert [name for name in rates if name.startswith("torch")] == [
        f"torch {layout}, 2 {what}" for layout in ("NCHW", "channels_last") for what in ("threads", "models")
    ]
    assert report["steps"][0]["ratios"][1]["opponent"].startswith("torch")


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["--sparsity", "1"], 2, "--sparsity"),
        (["--model", "resnet"], 2, "did you mean 'resnet18'"),
        (["--against", "jax"], 2, "torch"),
        (["--weights", "nowhere.h5"], 3, "nowhere.h5"),
        (["--bursts", "1"], 2, "--bursts"),
        (["--clock", "cpu", "--workers", "2"], 2, "--clock cpu needs --workers 1"),
    ],
)
def test_refusals_are_one_line(invoke, options: list, code: int, word: str) -> None:
    result = invoke("bench", *options)
    assert result.exit_code == code
    assert len(result.output.splitlines()) == 1
    assert word in result.output
