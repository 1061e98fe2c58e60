"""The pictures: what is drawn where, and that a stored partition gives the same clients again."""

import json
import re
import shlex

import click.testing
import matplotlib.image
import numpy as np
import pytest

from minizerofl_cli.data.contact_sheet import GAP, _canvas, _row
from minizerofl_cli.data.listing import info_lines
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
    stored = json.loads((tmp_path / "who.json").read_text())
    data = load("cifar10", "synthetic", partition=str(tmp_path / "who.json"), seed=9)
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


def test_a_partition_is_not_replaced_unless_it_is_asked_for(invoke, tmp_path):
    def draw(alpha: float, *more: object) -> click.testing.Result:
        options = ("--num-clients", 3, "--alpha", alpha, *more, "-o", tmp_path / "who.png")
        return invoke("data", "partition", "few", *options)

    np.savez(tmp_path / "few.npz", x=np.zeros((60, 4, 4), np.uint8), y=np.arange(60) % 3)
    assert invoke("data", "import", tmp_path / "few.npz", "--name", "few").exit_code == 0
    assert draw(1.0).exit_code == 0
    first, picture = (tmp_path / "who.json").read_bytes(), (tmp_path / "who.png").read_bytes()
    assert draw(1.0).exit_code == 0  # the same partition
    other = draw(0.1)
    assert (other.exit_code, "--json" in other.output, "--replace" in other.output) == (2, True, True)
    assert (tmp_path / "who.json").read_bytes() == first
    assert (tmp_path / "who.png").read_bytes() == picture
    assert draw(0.1, "--replace").exit_code == 0
    assert (tmp_path / "who.json").read_bytes() != first


def test_the_line_to_go_on_with_can_be_pasted(invoke, tmp_path, monkeypatch):
    """Training is on the very clients that were drawn, whatever decided them."""
    monkeypatch.chdir(tmp_path)
    options = ("--source", "synthetic", "--words", "yes, no", "--num-clients", 50, "--alpha", 0.3, "--seed", 7)
    made = invoke("data", "partition", "speech_commands", *options, "-o", "my who.png")
    assert made.exit_code == 0, made.output
    (line,) = [line for line in made.output.splitlines() if line.startswith("Next: ")]
    words = shlex.split(line.removeprefix("Next: minizerofl "))
    assert words[words.index("--partition") + 1] == "my who.json"
    result = invoke(*words, "--dry-run", "--clients-per-round", 1, "--model", "small_cnn")
    assert result.exit_code == 0, result.output
    data = load("speech_commands", "synthetic", words=("yes", "no"), num_clients=50, alpha=0.3, seed=7)
    assert f'division_sha256 = "{data.partition.sha256()}"' in result.output
    assert f'fingerprint = "{data.fingerprint()}"' in result.output


def test_the_line_carries_the_folder_of_real_data(invoke, tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        (folder / f"{name}.bin").write_bytes(bytes(3073 * 10_000))
    options = ("--data-dir", tmp_path, "--partition", "iid", "--num-clients", 20)
    made = invoke("data", "partition", "cifar10", *options, "-o", tmp_path / "who.png")
    assert made.exit_code == 0, made.output
    assert f"--dataset cifar10 --source real --data-dir {tmp_path} --partition" in made.output.splitlines()[-1]


def test_sizes_are_said_as_people_say_them():
    def last(**division: object) -> str:
        return list(info_lines(load("cifar10", "synthetic", **division)))[-1]

    assert last(partition="iid", num_clients=100) == "100 clients with 200 training samples each"
    assert re.fullmatch(
        r"4 clients with [\d,]+ to [\d,]+ training samples each, median [\d,]+",
        last(partition="quantity", num_clients=4, alpha=1.0),
    )
