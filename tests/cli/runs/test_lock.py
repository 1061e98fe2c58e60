"""The lock of a run directory: held by one process, and by none that it forked."""

import os
import signal
from pathlib import Path

import pytest

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.runs.lock import locked

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no locks here")


def test_it_is_held_once_and_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path), pytest.raises(ConfigError, match="in use by another process"), locked(tmp_path):
            pass


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_hold_it(tmp_path: Path) -> None:
    ready, tell = os.pipe()
    with locked(tmp_path):
        child = os.fork()
        if child == 0:
            os.write(tell, b".")
            signal.pause()
    try:
        os.read(ready, 1)
        with locked(tmp_path):
            assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it is still there
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)
