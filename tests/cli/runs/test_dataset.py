"""The lines that say which data are used."""

import pytest

from minizerofl.fl import ConfigError
from minizerofl_cli.runs.dataset import introduce, load
from minizerofl_cli.screen.progress import PlainScreen
from minizerofl_datasets import DataError


def test_auto_on_synthetic_data_says_once_how_to_use_real_data(capsys):
    data = load("femnist", "auto", None, "ink", 0, 2)
    said = []
    for asked in ("synthetic", "auto", "auto"):
        with PlainScreen.opened() as shown:
            introduce(data, asked, shown)
        said.append(capsys.readouterr().out)
    assert "SYNTHETIC" in said[0]
    assert all(word in said[1] for word in ("SYNTHETIC", "data fetch femnist", "--data-dir", "MINIZEROFL_DATA"))
    assert said[0] == said[2]


def test_errors_keep_their_kind():
    with pytest.raises(ConfigError, match="clients=-1"):
        load("femnist", "synthetic", None, "ink", 0, -1)
    with pytest.raises(DataError):
        load("femnist", "real", None, "ink", 0, None)
