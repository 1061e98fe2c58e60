"""What is said once in a user's life: a hint that has been shown is remembered by an empty file in the cache."""

from __future__ import annotations

from minizerofl_datasets.cache import cache_folder

FOLDER = "hints"


def is_new(name: str) -> bool:
    """Whether a hint has not been shown before; from now on it has, unless the cache cannot be written to.

    Examples
    --------
    >>> import os, tempfile
    >>> from unittest.mock import patch
    >>> with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, MINIZEROFL_CACHE=folder):
    ...     is_new("units"), is_new("units"), is_new("real-data")
    (True, False, True)
    """
    file = cache_folder() / FOLDER / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        pass
    return True
