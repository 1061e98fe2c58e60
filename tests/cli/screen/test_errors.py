"""Every error becomes one line and its exit code."""

import signal

import click
import pytest
from click.testing import CliRunner, Result

from minizerofl.fl import ConfigError, DivergedError, ModelFileError, TooFewClientsError
from minizerofl_cli.screen.errors import Program, exit_code, message
from minizerofl_cli.screen.interrupts import Interrupted
from minizerofl_cli.screen.options import debug_option
from minizerofl_datasets import DataError


def _run(error: BaseException, *arguments: str) -> Result:
    """Run a program whose only command fails."""

    @click.command()
    @debug_option
    def fail() -> None:
        raise error

    return CliRunner().invoke(Program("program", commands={"fail": fail}), ["fail", *arguments])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (DataError("x"), 3),
        (ModelFileError("x"), 3),
        (TooFewClientsError("x"), 4),
        (DivergedError("x"), 5),
        (OSError(28, "No space left on device"), 6),
        (ValueError("x"), 1),
        (RuntimeError("x"), 1),
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(error, code):
    result = _run(error)
    assert result.exit_code == code
    assert len(result.output.splitlines()) == 1
    assert "Traceback" not in result.output


def test_internal_errors_say_what_they_are():
    assert exit_code(KeyError("k")) == 1
    assert message(KeyError("k")) == "internal error: KeyError: 'k'; --debug shows where"


def test_debug_shows_the_traceback(monkeypatch):
    assert "Traceback" in _run(DataError("gone"), "--debug").output
    monkeypatch.setenv("MINIZEROFL_DEBUG", "1")
    assert "Traceback" in _run(DataError("gone")).output


def test_a_message_of_several_lines_becomes_one():
    assert message(DataError("a\n  b")) == "a b"
