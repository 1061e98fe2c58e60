"""The program as a whole: it answers at once, and imports what is dear only where it is used."""

import os
import re
import signal
import subprocess
import sys

import pytest

import minizerofl
from minizerofl_cli.main import cli

DEAR = ("numba", "scipy", "h5py", "matplotlib", "numpy", "rich")


def test_help_imports_nothing_dear():
    code = (
        "import sys; from minizerofl_cli.main import cli\n"
        "for arguments in ([], ['train'], ['resume'], ['eval']): cli([*arguments, '--help'], standalone_mode=False)\n"
        f"print('imported:', [name for name in {DEAR} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_version(invoke):
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.output.strip() == f"minizerofl, version {minizerofl.__version__}"


def test_group_help_names_all_commands_and_shows_examples(invoke):
    text = invoke("--help").output
    assert re.findall(r"^  ([a-z]+)  ", text, re.MULTILINE) == sorted(cli.commands)
    assert re.search(r"^\s*minizerofl train --dataset femnist --sparsity 0.95$", text, re.MULTILINE)


def test_unknown_command(invoke):
    result = invoke("trian")
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_the_exit_code_reaches_the_shell(start, tmp_path):
    process = start("eval", tmp_path / "nothing")
    out, err = process.communicate()
    assert process.returncode == 3
    assert out == ""
    assert len(err.splitlines()) == 1


@pytest.mark.posix
def test_ctrl_c_while_it_is_imported_leaves_no_traceback(start):
    code = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
import pytest

from minizerofl_cli.__main__ import main
main()
"""
    process = start("data", "list", code=code)
    assert process.communicate() == ("", "")
    assert process.returncode == -signal.SIGINT


def test_ctrl_c_is_handled_again_after_the_imports(invoke):
    code = "import signal; from minizerofl_cli.__main__ import main; import sys; sys.argv[1:] = ['--version']\n"
    code += "try: main()\nfinally: print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"


def test_without_the_jit_it_says_that_it_will_take_long(start, small, tmp_path, wait_for_line):
    quick = ("--masks-every", 0)  # without masks nothing is computed before the first round
    process = start("train", *small, *quick, "--runs-dir", tmp_path, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    wait_for_line(process, "Note: NUMBA_DISABLE_JIT is set")
    assert process.poll() is None  # it says so before the work, not after it
