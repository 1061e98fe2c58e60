"""The program as a whole: it answers at once, and imports what is dear only where it is used."""

import re
import subprocess
import sys

import minizerofl

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
    assert re.search(r"eval .*\n\s+resume .*\n(.*\n)*\s+train ", text)
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
