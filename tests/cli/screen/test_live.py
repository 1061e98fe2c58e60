"""On a real terminal there is a bar, and the lines are the same, broken between words."""

import os
import re
import struct
from contextlib import suppress

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")


@pytest.fixture
def on_terminal(start):
    """Run the command on a terminal of 80 columns; return its exit code and all that it wrote."""

    def run(*arguments: object, **environment: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = start(*arguments, stdout=theirs, env={**os.environ, "TERM": "xterm", **environment})
        os.close(theirs)
        output = b""
        with suppress(OSError):  # so a pseudo-terminal says that the other end was closed
            while part := os.read(ours, 65536):
                output += part
        os.close(ours)
        return process.wait(), output.decode()

    return run


def plain(output: str) -> list[str]:
    """Return the lines of an output without the bar's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).replace("\r", "\n").splitlines()


def test_a_bar_and_lines(on_terminal, small, tmp_path):
    code, output = on_terminal("train", *small, "--runs-dir", tmp_path / "runs")
    assert code == 0, output
    assert "\u2501" in output
    lines = plain(output)
    (run,) = (tmp_path / "runs").glob("*-*")
    words = " ".join(" ".join(lines).split())
    for line in (run / "train.log").read_text().splitlines():
        assert " ".join(line.split()) in words
    assert all(len(line) <= 80 for line in lines if str(run) not in line)


@pytest.mark.long
@pytest.mark.parametrize("how", ["quiet", "dumb"])
def test_no_bar_where_nobody_wants_it(on_terminal, small, tmp_path, how):
    options = ["-q"] if how == "quiet" else []
    term = "dumb" if how == "dumb" else "xterm"
    code, output = on_terminal("train", *small, "--runs-dir", tmp_path / "runs", *options, TERM=term)
    assert code == 0, output
    assert "\x1b" not in output
    rounds = [line for line in plain(output) if re.match(r"round \d/2", line)]
    assert len(rounds) == (0 if how == "quiet" else 2)
    assert any(line.startswith("Final test accuracy") for line in plain(output))
