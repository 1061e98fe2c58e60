"""The loop of docs/examples/train_loop.py runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "examples" / "train_loop.py"


@pytest.mark.long
def test_the_loop_trains_saves_and_loads(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rounds = re.findall(r"^ +(\d)  +(\S+(?: %)?)  ", done.stdout, re.MULTILINE)
    assert [number for number, _ in rounds] == ["1", "2", "3", "4"]
    assert [accuracy == "-" for _, accuracy in rounds] == [True, False, True, False]
    assert done.stdout.splitlines()[-1].endswith(f" {rounds[-1][1]}")  # the accuracy of the model that was saved
    assert done.stderr == ""
    assert [file.name for file in tmp_path.iterdir()] == ["femnist.h5"]
