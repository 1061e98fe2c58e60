"""Where lines appear: what is shown, what is logged, and what is said when nothing else is."""

import os
import re
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.screen.lines import wrap
from minizerofl_cli.screen.progress import ALWAYS, DETAIL, NORMAL, PlainScreen
from minizerofl_cli.screen.pulse import Pulse


@pytest.mark.parametrize(("verbosity", "expected"), [(ALWAYS, "a"), (NORMAL, "ab"), (DETAIL, "abc")])
def test_what_is_hidden_by_quiet_is_logged_all_the_same(verbosity, expected, capsys):
    log = []
    with PlainScreen.opened(verbosity) as shown:
        shown.say("a", ALWAYS)
        shown.log_to(log.append)
        shown.say("b")
        shown.say("c", DETAIL)
    assert capsys.readouterr().out.split() == list(expected)
    assert log == list("abc" if verbosity == DETAIL else "ab")


def test_a_log_begins_with_what_was_said_since_the_last_one_ended():
    logs = [], []
    with PlainScreen.opened() as shown:
        for i, log in enumerate(logs):
            shown.say(f"between {i}")
            shown.log_to(None)
            shown.say(f"before {i}")
            shown.log_to(log.append)
            shown.say(f"in {i}")
            shown.log_to(None)
    assert logs == (["before 0", "in 0"], ["before 1", "in 1"])


def test_a_hint_is_shown_once_and_logged_always(capsys):
    for verbosity, expected in ((ALWAYS, ""), (NORMAL, "hint\n"), (NORMAL, "")):
        log = []
        with PlainScreen.opened(verbosity) as shown:
            shown.log_to(log.append)
            shown.hint("a-hint", "hint")
        assert (capsys.readouterr().out, log) == (expected, ["hint"])


def test_a_hint_is_shown_again_where_nothing_can_be_remembered(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "file" / "cache"))
    with PlainScreen.opened() as shown:
        shown.hint("a-hint", "hint")
        shown.hint("a-hint", "hint")
    assert capsys.readouterr().out == "hint\nhint\n"


def test_a_long_silence_is_broken():
    said = SimpleQueue()
    with Pulse(said.put, silence=0.01) as pulse:
        pulse.doing = lambda: "at it"
        assert [said.get(timeout=60) for _ in range(3)] == ["at it"] * 3


def test_a_reader_that_has_gone_is_left_to_the_next_line():
    asked = SimpleQueue()

    def gone(line):
        asked.put(line)
        raise BrokenPipeError

    with Pulse(gone, silence=0.01) as pulse:
        pulse.doing = lambda: "at it"
        asked.get(timeout=60)
        pulse._thread.join(60)
        assert not pulse._thread.is_alive()
    assert asked.empty()


@given(st.lists(st.text("abc-", min_size=1, max_size=30), min_size=1), st.integers(40, 100))
def test_lines_are_broken_between_words_only(words, width):
    lines = wrap(" ".join(words), width).splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width for line in lines)


@pytest.mark.long
def test_compiling_is_said_when_it_happens_and_only_then(start, tmp_path):
    """A run with an empty cache of kernels, and its repetition."""
    code = (
        "import sys, json, numpy as np\n"
        "from minizerofl.kernels import update\n"
        "from minizerofl.kernels.jit import watch_compiling\n"
        "from minizerofl_cli.screen import compiling\n"
        "from minizerofl_cli.screen.progress import PlainScreen\n"
        "compiling.COUNTS = 0.0  # said however fast the machine is\n"
        "w = np.ones(10, np.float32)\n"
        "with PlainScreen.opened() as shown, watch_compiling(shown.compiling):\n"
        "    update.sgd(w, w, 0.1, 0.0)\n"
        "    shown.compiling.over()\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (start(code=code, env=environment).communicate() for _ in range(2))
    assert re.fullmatch(
        r"Compiling the kernels, once: they are kept for later runs\.\nCompiled 1 kernel in \d+ s\.\n", first[0]
    ), first[1]
    assert second == ("", "")
