"""The pictures: what is drawn where, and that a stored partition gives the same clients again."""

import json

import matplotlib.image
import numpy as np
import pytest

from minizerofl_cli.data.contact_sheet import GAP, _canvas, _row
from minizerofl_cli.data.partition_plot import partition_of
from minizerofl_datasets import load

TWIN = ("--source", "synthetic", "--num-clients", "300", "--clients", "6")


@pytest.mark.parametrize(
    "options", [["cifar10", *TWIN], ["cifar10", *TWIN, "--augmented"], ["femnist", "--clients", "2"],
                ["speech_commands", *TWIN, "--words", "yes,no"]]
)  # fmt: skip
def test_a_contact_sheet(options, invoke, tmp_path):
    result = invoke("data", "preview", *options, "-o", tmp_path / "new" / "sheet.png")
    assert result.exit_code == 0, result.output
    assert "SYNTHETIC" in result.output.splitlines()[0]
    picture = matplotlib.image.imread(tmp_path / "new" / "sheet.png")
    assert picture.shape[1] > 300
    assert picture[..., :3].std() > 0.05


def test_a_row_holds_the_first_samples_of_each_class():
    data = load("cifar10", "synthetic", num_clients=500, clients=1)
    x, y = data.train(data.clients[0])
    row = _row(data, data.clients[0], 2, None)
    assert row.shape == (20, 3, 32, 32)
    for label in range(10):
        mine = x[y == label][:2]
        np.testing.assert_array_equal(row[2 * label : 2 * label + len(mine)], mine)
        assert np.isnan(row[2 * label + len(mine) : 2 * label + 2]).all()
    assert not np.array_equal(row, _row(data, data.clients[0], 2, np.random.default_rng(0)), equal_nan=True)


def test_the_canvas_lays_samples_out_and_leaves_gaps_white():
    samples = np.arange(2 * 3 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 3, 4, 5)
    samples[1, 2] = np.nan
    canvas = _canvas(samples, "cifar10")
    height, width, half = 4 + GAP, 5 + GAP, GAP // 2
    assert canvas.shape == (2 * height, 3 * width, 3)
    assert (canvas[height:, 2 * width :] == 1).all()
    tile = canvas[half : half + 4, width + half : width + half + 5]  # first row, second column
    shown = samples[0, 1].transpose(1, 2, 0)
    low, high = (reduce(samples, axis=(0, 1, 3, 4)) for reduce in (np.nanmin, np.nanmax))
    np.testing.assert_allclose(tile, (shown - low) / (high - low), rtol=1e-5)
    assert (canvas[0] == 1).all()


def test_low_sounds_are_at_the_bottom():
    samples = np.zeros((1, 1, 1, 4, 4), np.float32)
    samples[..., 0, :] = 1  # the lowest band is loud
    canvas = _canvas(samples, "speech_commands")[GAP // 2 : -GAP // 2, GAP // 2 : -GAP // 2]
    brightness = canvas.sum(axis=(1, 2))
    assert brightness.argmax() == 3


def test_a_stored_partition_gives_the_same_clients_again(invoke, tmp_path):
    options = ("--source", "synthetic", "--alpha", "0.3", "--num-clients", "7", "--seed", "5")
    result = invoke("data", "partition", "cifar10", *options, "-o", tmp_path / "who.png")
    assert result.exit_code == 0, result.output
    stored = json.loads((tmp_path / "partition.json").read_text())
    data = load("cifar10", "synthetic", partition=str(tmp_path / "partition.json"), seed=9)
    assert stored["sha256"] == data.partition.sha256()
    assert stored["sha256"] in result.output
    assert stored["clients"] == {client: data.partition.rows(client).tolist() for client in data.clients}
    assert data.partition.sha256() == load("cifar10", "synthetic", alpha=0.3, num_clients=7, seed=5).partition.sha256()
    assert matplotlib.image.imread(tmp_path / "who.png").shape[1] > 500


def test_a_set_that_comes_divided_is_drawn_too(invoke, tmp_path):
    result = invoke(
        "data", "partition", "femnist", "--clients", 3, "-o", tmp_path / "who.svg", "--json", tmp_path / "a"
    )
    assert result.exit_code == 0, result.output
    data = load("femnist", "synthetic", clients=3)
    assert json.loads((tmp_path / "a").read_text())["sha256"] == partition_of(data).sha256()
    assert partition_of(data).num_samples == sum(len(data._read(client, "train")[1]) for client in data.clients)
