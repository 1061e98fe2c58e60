"""The cache: where it is, and that nothing half-written is ever seen."""

import os
import time
from pathlib import Path

import pytest

from minizerofl_datasets.cache import cache_folder, scratch_folder, write_atomically


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MINIZEROFL_CACHE")
    assert cache_folder().name == "minizerofl"
    assert cache_folder().is_absolute()


@pytest.mark.parametrize(
    ("platform", "variable", "below"),
    [("linux", "XDG_CACHE_HOME", "x"), ("win32", "LOCALAPPDATA", "x"), ("darwin", "HOME", "x/Library/Caches")],
)
def test_each_platform_has_its_place(monkeypatch, platform, variable, below):
    monkeypatch.delenv("MINIZEROFL_CACHE")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, "x")
    assert cache_folder() == Path(below) / "minizerofl"


def test_an_error_leaves_the_old_file_and_no_half(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def break_off():
        with write_atomically(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_old_scratch_is_swept_away_and_young_is_not(tmp_path):
    old, young = tmp_path / ".partial-old", tmp_path / ".partial-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "half").touch()
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    with scratch_folder(tmp_path):
        pass
    assert (old.exists(), young.exists()) == (False, True)
