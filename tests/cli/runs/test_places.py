"""`runs/latest`: it points to the newest run, whatever the system can do, and touches nothing of the user's."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minizerofl_cli.runs.places import look_through, note_latest, resolve_latest


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    """A system with symbolic links, and one without."""
    if request.param == "no links":

        def refuse(*_: object, **__: object) -> None:
            raise OSError("symbolic link privilege not held")

        monkeypatch.setattr(Path, "symlink_to", refuse)
    return request.param == "links"


def _runs(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "config.toml").write_text("")
    return [root / name for name in names]


def test_it_follows_the_newest_run(tmp_path, links):
    first, second, swept = _runs(tmp_path, "a-1", "b-2", "sweep-x/c=3")
    for run in (first, second, swept, first):
        note_latest(tmp_path, run)
        assert resolve_latest(tmp_path / "latest") == run
        assert (tmp_path / "latest").is_symlink() == links
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-1", "b-2", "latest", "sweep-x"]


def test_it_can_be_moved_with_its_folder(tmp_path, links):
    (run,) = _runs(tmp_path / "before", "a-1")
    note_latest(tmp_path / "before", run)
    (tmp_path / "before").rename(tmp_path / "after")
    assert resolve_latest(tmp_path / "after" / "latest") == tmp_path / "after" / "a-1"


@pytest.mark.parametrize("own", ["folder", "file"])
def test_something_of_the_users_own_stays(tmp_path, own):
    (run,) = _runs(tmp_path, "a-1")
    if own == "folder":
        (tmp_path / "latest").mkdir()
    else:
        (tmp_path / "latest").write_text("notes\nof mine\n")
    note_latest(tmp_path, run)
    assert resolve_latest(tmp_path / "latest") == tmp_path / "latest"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-1", "latest"]


def test_runs_that_begin_at_once_leave_one_pointer(tmp_path):
    runs = _runs(tmp_path, *(f"r-{i}" for i in range(8)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: note_latest(tmp_path, run), runs))
    assert resolve_latest(tmp_path / "latest") in runs


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path):
    (run,) = _runs(tmp_path, "a-1")
    tmp_path.chmod(0o500)
    note_latest(tmp_path, run)
    tmp_path.chmod(0o700)
    assert not (tmp_path / "latest").exists()


def test_runs_are_found_one_floor_below_too(tmp_path):
    runs = _runs(tmp_path, "a-1", "sweep-x/c=3", "sweep-x/c=4")
    (tmp_path / "holiday" / "deep" / "down").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    note_latest(tmp_path, runs[0])
    found, others = look_through(tmp_path)
    assert found == runs
    assert others == [tmp_path / "holiday"]
