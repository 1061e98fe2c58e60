"""On a real terminal there is a bar, and the lines are the same."""

import os
import re
from contextlib import suppress

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")


def test_a_terminal(start, small, tmp_path):
    ours, theirs = pty.openpty()
    process = start("train", *small, "--runs-dir", tmp_path, stdout=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    output = b""
    with suppress(OSError):  # so a pseudo-terminal says that the other end was closed
        while part := os.read(ours, 65536):
            output += part
    os.close(ours)
    assert process.wait() == 0, process.stderr.read()
    assert "━".encode() in output

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode()).replace("\r", "\n")
    (run,) = tmp_path.glob("*-*")
    for line in (run / "train.log").read_text().splitlines():
        assert line in text
