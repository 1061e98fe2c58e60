"""Functions in a process of their own: values and errors come back; a crash, a hang and hunger become refusals."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minizerofl_datasets import DataError
from minizerofl_datasets.guarded import guarded

pytestmark = pytest.mark.posix  # crashes are signals, and hangs are pauses


def test_values_come_back():
    assert guarded("json:loads", ['{"a": [1, "zoë"]}'], where="here", seconds=60) == {"a": [1, "zoë"]}


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "says"),
    [
        ("minizerofl_datasets.partition:read_partition", ["no.json"], DataError, r"no\.json: cannot be read"),
        ("builtins:int", ["many"], ValueError, "invalid literal"),
        ("os:listdir", ["no/folder"], FileNotFoundError, "no/folder"),
        ("os:nothing", [], RuntimeError, "here: AttributeError: module 'os' has no attribute 'nothing'"),
        ("os:abort", [], DataError, r"here: the library that reads it crashed \(SIGABRT\)"),
    ],
)
def test_errors_come_back(function, arguments, kind, says):
    with pytest.raises(kind, match=says) as error:
        guarded(function, arguments, where="here", seconds=60)
    assert "\n" not in str(error.value)


def test_what_takes_too_long_is_ended():
    with pytest.raises(DataError, match="here: could not be read within 1 seconds"):
        guarded("signal:pause", [], where="here", seconds=1)


def hungry() -> None:
    """Ask for 20 GB, as a library does that believes a damaged file."""
    bytearray(20 << 30)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system limits no memory")
def test_what_takes_too_much_memory_is_refused(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with pytest.raises(DataError, match="here: needs more memory"):
        guarded(f"{Path(__file__).stem}:hungry", [], where="here", seconds=60)


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_what_ends_the_parent_ends_both_processes(ends, gone):
    code = "from minizerofl_datasets.guarded import guarded; guarded('signal:pause', [], where='here', seconds=600)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        process.communicate()
        pytest.skip("the system does not tell which process started which")
    while not (child := children.read_text().split()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(ends)  # to the parent alone; a terminal would send it to both
    assert (b"KeyboardInterrupt" in process.communicate(timeout=20)[1]) == (ends == signal.SIGINT)
    assert gone(int(child[0])), "the child outlived its parent"


def test_the_limit_on_time_holds_without_the_parent():
    import resource

    limits = guarded("resource:getrlimit", [resource.RLIMIT_CPU], where="here", seconds=60)
    assert limits[0] == 70
