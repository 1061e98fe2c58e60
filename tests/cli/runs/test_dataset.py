"""The lines that say which data are used."""

import pytest

from minizerofl.fl import ConfigError
from minizerofl_cli.runs.dataset import first_lines, load
from minizerofl_datasets import DataError


def test_auto_on_synthetic_data_says_how_to_use_real_data():
    data = load("femnist", "auto", None, "ink", 0, 2)
    first, second = first_lines(data, "auto")
    assert "SYNTHETIC" in first
    assert "--data-dir" in second
    assert "MINIZEROFL_DATA" in second
    assert first_lines(data, "synthetic") == [first]


def test_errors_keep_their_kind():
    with pytest.raises(ConfigError, match="clients=-1"):
        load("femnist", "synthetic", None, "ink", 0, -1)
    with pytest.raises(DataError):
        load("femnist", "real", None, "ink", 0, None)
