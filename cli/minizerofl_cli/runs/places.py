"""Where runs are: their directories in a folder, and `latest`, which points to the newest.

`latest` is a symbolic link, or a text file where the system has no links.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LATEST = "latest"
LONGEST = 4096  # bytes; a text file that is longer was not written here


def is_run(path: Path) -> bool:
    """Tell whether a directory is that of a run, though perhaps of a damaged one."""
    return any((path / name).is_file() for name in ("config.toml", "summary.json", "model.h5"))


def look_through(folder: Path) -> tuple[list[Path], list[Path]]:
    """Find the runs in a folder, and those one floor below, such as the runs of a sweep.

    Returns
    -------
    list of Path
        The directories of runs.
    list of Path
        The directories that hold no run. Hidden ones, and `latest`, are passed over.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "holiday").mkdir()
    ...     runs, others = look_through(Path(folder))
    >>> runs, [path.name for path in others]
    ([], ['holiday'])
    """
    runs: list[Path] = []
    others: list[Path] = []
    for path in _folders(folder):
        found = [path] if is_run(path) else [each for each in _folders(path) if is_run(each)]
        runs += found
        others += [] if found else [path]
    return runs, others


def note_latest(root: Path, run: Path) -> None:
    """Let `latest` in a folder point to a run below it.

    Something of the user's own with that name is left alone, and so is the pointer if it cannot be written: the run
    itself is not worse for it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = Path(folder) / "a-run"
    ...     run.mkdir()
    ...     note_latest(Path(folder), run)
    ...     resolve_latest(Path(folder) / "latest").name
    'a-run'
    """
    pointer, target = root / LATEST, os.path.relpath(run, root)
    if os.path.lexists(pointer) and not _is_pointer(pointer):
        return
    part = root / f".{LATEST}-{os.getpid()}"
    with suppress(OSError):
        try:
            part.symlink_to(target, target_is_directory=True)
        except (OSError, NotImplementedError):
            part.write_text(target + "\n", encoding="utf-8")
        try:
            part.replace(pointer)
        except PermissionError:  # Windows replaces no link to a directory.
            pointer.unlink()
            part.rename(pointer)
    with suppress(OSError):
        part.unlink(missing_ok=True)


def resolve_latest(path: Path) -> Path:
    """Return the run that `latest` points to; any other path is returned as it is.

    A command takes the run itself, not the pointer: another run may begin while it works.

    Examples
    --------
    >>> resolve_latest(Path("runs/latest-but-one")).as_posix()
    'runs/latest-but-one'
    """
    if path.name != LATEST or not _is_pointer(path):
        return path
    with suppress(OSError, ValueError):
        told = str(path.readlink()) if path.is_symlink() else path.read_text(encoding="utf-8").strip()
        if told:
            return Path(os.path.normpath(path.parent / told))
    return path


def _folders(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in found if path.name != LATEST and not path.name.startswith(".") and path.is_dir()]


def _is_pointer(path: Path) -> bool:
    """Whether this is what `note_latest` writes: a link, or a small text file with one line."""
    if path.is_symlink():
        return True
    try:
        return path.is_file() and path.stat().st_size < LONGEST and path.read_bytes().count(b"\n") == 1
    except OSError:
        return False
