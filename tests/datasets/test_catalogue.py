"""load() takes sensible arguments, refuses others in one clear line, and imports little."""

import subprocess
import sys

import pytest

from minizerofl_datasets import DataError, FederatedDataset, load


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "femnits"}, "did you mean 'femnist'"),
        ({"name": "femnist", "source": "reel"}, "did you mean 'real'"),
        ({"name": "femnist", "polarity": "inc"}, "did you mean 'ink'"),
        ({"name": "femnist", "format": "tf"}, "did you mean 'tff'"),
        ({"name": "femnist", "source": "synthetic", "format": "tff"}, "source='synthetic'"),
        ({"name": "femnist", "source": "synthetic", "seed": -1}, "seed=-1"),
        ({"name": "femnist", "source": "synthetic", "clients": 0}, "clients=0"),
        ({"name": "femnist", "source": "synthetic", "clients": 10_001}, "clients=10001"),
        ({"name": "femnist", "source": "synthetic", "alpha": 1.0}, "alpha is not an option of 'femnist'; it takes"),
        ({"name": "femnist", "source": "synthetic", "polarity": "paper"}, "is now called 'raw'"),
        ({"name": "cifar10", "source": "synthetic", "polarity": "raw"}, "polarity is not an option of 'cifar10'"),
        ({"name": "cifar10", "source": "synthetic", "keep_duplicates": True}, "keep_duplicates is not an option"),
        ({"name": "cifar10", "source": "synthetic", "partition": "dirichlett"}, "did you mean 'dirichlet'"),
        ({"name": "cifar10", "source": "synthetic", "clients": 101}, "give at most 100"),
        ({"name": "cifar10", "source": "synthetic", "format": "binary"}, "source='synthetic'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(ValueError) as error:
        load(**arguments)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_auto_without_any_folder_is_synthetic(monkeypatch):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    twin = load("femnist", clients=2)
    assert isinstance(twin, FederatedDataset)
    assert (twin.source, twin.format) == ("synthetic", "synthetic")


@pytest.mark.parametrize("arguments", [{"source": "real"}, {"format": "leaf"}])
def test_real_without_a_folder_says_how_to_get_it(monkeypatch, arguments):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    with pytest.raises(DataError) as error:
        load("femnist", **arguments)
    for word in ("fed_emnist_train.h5", "https://", "--data-dir", "MINIZEROFL_DATA"):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", ["auto", "real"])
@pytest.mark.parametrize("given", ["argument", "environment"])
def test_a_folder_without_data_is_never_replaced_by_the_twin(monkeypatch, tmp_path, source, given):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    if given == "environment":
        monkeypatch.setenv("MINIZEROFL_DATA", str(tmp_path))
    with pytest.raises(DataError, match="holds no FEMNIST"):
        load("femnist", source=source, data_dir=tmp_path if given == "argument" else None)


def test_the_argument_goes_before_the_environment(monkeypatch, tmp_path, write_tff):
    monkeypatch.setenv("MINIZEROFL_DATA", str(tmp_path / "no-such-folder"))
    write_tff(tmp_path / "femnist", {"f1": 3}, {"f1": 1})
    assert load("femnist", data_dir=tmp_path).source == "real"
    with pytest.raises(DataError, match="does not exist"):
        load("femnist")


def test_auto_takes_the_cache_before_the_twin_and_a_named_folder_before_the_cache(
    monkeypatch, tmp_path, cache, write_tff
):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    write_tff(cache / "data" / "femnist", {"cached": 3}, {"cached": 1})
    assert load("femnist").clients == load("femnist", source="real").clients == ("cached",)
    write_tff(tmp_path / "femnist", {"named": 3}, {"named": 1})
    assert load("femnist", data_dir=tmp_path).clients == ("named",)
    monkeypatch.setenv("MINIZEROFL_DATA", str(tmp_path))
    assert load("femnist").clients == ("named",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no FEMNIST"):
        load("femnist", data_dir=tmp_path / "empty")
    assert load("femnist", source="synthetic", clients=1).source == "synthetic"


@pytest.mark.parametrize("name", ["cifar10", "speech_commands", "femnist"])
def test_every_set_of_the_catalogue_has_a_twin_and_a_loader(monkeypatch, name):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    twin = load(name, clients=1)
    assert (twin.name, twin.source, len(twin.clients)) == (name, "synthetic", 1)
    assert "SYNTHETIC" in twin.describe().splitlines()[0]
    x, y = twin.train(twin.clients[0])
    assert x.shape == (len(y), *twin.input_shape)
    with pytest.raises(DataError, match=r"https?://"):
        load(name, source="real")


def test_synthetic_ignores_the_folders(monkeypatch):
    monkeypatch.setenv("MINIZEROFL_DATA", "/no/such/folder")
    assert load("femnist", source="synthetic", data_dir="/nor/this", clients=1).source == "synthetic"


def test_importing_the_package_imports_neither_h5py_nor_scipy_nor_the_framework():
    dear = {"h5py", "scipy", "numba", "minizerofl", "certifi", "ssl", "PIL"}
    check = f"import sys, minizerofl_datasets; print({dear} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
