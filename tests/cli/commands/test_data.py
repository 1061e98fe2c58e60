"""The group: help, what is refused, exit codes, and that nothing dear is imported for --help."""

import subprocess
import sys

import pytest

COMMANDS = ("list", "fetch", "info", "preview", "partition", "import", "remove", "build")


def test_help_of_every_command_is_cheap_and_says_something(invoke):
    text = invoke("data", "--help").output
    for command in COMMANDS:
        assert f"  {command} " in text
        assert len(invoke("data", command, "--help").output.splitlines()) > 8
    code = (
        "import sys; from minizerofl_cli.main import cli\n"
        f"for name in {COMMANDS}: cli(['data', name, '--help'], standalone_mode=False)\n"
        "print([name for name in ('numba', 'scipy', 'h5py', 'matplotlib', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["fetch", "cifar"], 2, "did you mean 'cifar10'?"),
        (["fetch", "cifar10", "--version", "v0.02"], 2, "--version v0.02 is unknown"),
        (["fetch", "cifar10", "--from", "no.tar.gz"], 3, "no.tar.gz: the file does not exist"),
        (["fetch", "cifar10", "--from", "http://127.0.0.1:9/c.tar.gz"], 6, "the download failed"),
        (["info", "femnits"], 2, "did you mean 'femnist'?"),
        (["info", "cifar10", "--source", "real"], 3, "minizerofl data fetch cifar10"),
        (["info", "femnist", "--alpha", "1"], 2, "--alpha is not an option of femnist"),
        (["info", "cifar10", "--partition", "irichlet"], 2, "did you mean 'dirichlet'?"),
        (["info", "cifar10", "--partition", "no.json"], 3, "no.json: cannot be read"),
        (["info", "cifar10", "--num-clients", "0"], 2, "--num-clients 0"),
        (["info", "speech_commands", "--words", "bed,catt"], 2, "did you mean 'cat'?"),
        (["preview", "cifar10"], 2, "--output"),
        (["preview", "cifar10", "-o", "sheet.txt"], 2, "is not a picture"),
        (["import", "no.npz", "--name", "mine"], 3, "no.npz"),
        (["import", "no.npz", "--name", "Mine"], 2, "lower-case"),
        (["build", "femnist", "--by-class", "a", "--by-write", "b"], 2, "did you mean 'femnist-leaf'?"),
        (["build", "femnist-leaf", "--by-class", "no.zip", "--by-write", "no.zip"], 3, "no.zip: cannot be read"),
        (["list", "--data-dir", "nowhere"], 3, "'nowhere' does not exist"),
    ],
)
def test_bad_input_gets_one_line_and_the_documented_code(arguments, code, expected, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("data", *arguments)
    assert result.exit_code == code, result.output
    (line,) = result.output.splitlines()
    assert expected in line
    assert not list(tmp_path.rglob("*.*"))


def test_a_picture_that_cannot_be_written(invoke, tmp_path):
    (tmp_path / "file").write_text("")
    result = invoke("data", "preview", "femnist", "--clients", 1, "-o", tmp_path / "file" / "sheet.png")
    assert result.exit_code == 6
    assert "file" in result.output.splitlines()[-1]
