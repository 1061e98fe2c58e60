"""`minizerofl exercise`: from an empty folder to a pass, and a helpful line for whatever a file may do."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minizerofl_cli.exercise.check import check_all
from minizerofl_cli.exercise.manifest import EXERCISES, find

PAGE = (Path(__file__).parents[3] / "docs" / "exercises.md").read_text()
PASSES = """import numpy as np
def top_k(x, k):
    x = x.ravel()
    kept = np.argsort(-np.abs(x), kind="stable")[:k]
    return np.sort(kept[x[kept] != 0])
"""
FAILS = PASSES.replace("np.abs(x)", "x")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdict_of(folder: Path, content: str, seconds: float = 10.0) -> dict:
    (folder / "c1_top_k.py").write_text(content)
    (verdict,) = check_all(find(("c1",)), folder, seed=0, seconds=seconds)
    return verdict


def test_a_student_gets_from_nothing_to_a_pass(invoke, folder):
    listed = invoke("exercise", "list").output
    assert all(f"{each.id}  {each.title}" in listed for each in EXERCISES)
    assert "begun" not in listed
    started = invoke("exercise", "start")
    assert started.exit_code == 0
    assert f"Written: {Path('exercises', 'c1_top_k.py')}" in started.output
    unwritten = invoke("exercise", "check")
    assert unwritten.exit_code == 7
    assert "top_k is not written yet" in unwritten.output
    Path("exercises/c1_top_k.py").write_text(PASSES)
    passed = invoke("exercise", "check", "c1")
    assert passed.output == "c1, The top-k mask: 6 of 6 properties hold. Passed.\n"
    assert passed.exit_code == 0
    assert "begun" in invoke("exercise", "list").output
    assert "c2_swat_backward" in invoke("exercise", "start").output  # the next


def test_start_never_writes_over_work(invoke, folder):
    invoke("exercise", "start", "c1", "--folder", "mine")
    Path("mine/c1_top_k.py").write_text("my work")
    again = invoke("exercise", "start", "c1", "--folder", "mine")
    assert f"Kept as it is: {Path('mine', 'c1_top_k.py')}" in again.output
    assert Path("mine/c1_top_k.py").read_text() == "my work"


def test_hints_and_solution(invoke):
    for number in (1, 2, 3):
        assert invoke("exercise", "hint", "c1", number).output.startswith(find(("c1",))[0].hints()[number - 1])
    assert "hint c1 2" in invoke("exercise", "hint", "c1").output
    shown = invoke("exercise", "solution", "c2").output
    assert "x_top @ grad.T" in shown
    assert "In plain NumPy" in invoke("exercise", "solution", "c1").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "c0"), "'c0' is unknown"),
        (("hint", "core"), "core is a track"),
        (("hint", "c1", "4"), "1<=x<=3"),
        (("check",), "There is no exercise in exercises"),
        (("check", "c1", "--seed", "-1"), "x>=0"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, told, invoke, folder):
    result = invoke("exercise", *arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("def top_k(x, k)\n    return x\n", r"c1_top_k\.py, line 1: expected ':': def top_k\(x, k\)"),
        ("x = 1\0\n", r"c1_top_k\.py: source code .* null bytes$"),
        ("import nothing_like_it\n", r"cannot be run: ModuleNotFoundError.*line 1"),
        ("def topk(x, k): return x\n", r"has no top_k, only topk; keep the name"),
        ("top_k = 3\n", r"has no top_k"),
        ("def top_k(x): return x\n", r"takes 1 positional argument"),
        ("def top_k(x, k):\n    return x[0] / y\n", r"NameError: name 'y' is not defined \(in c1_top_k\.py, line 2\)"),
        ("def top_k(x, k): return None\n", r"expected an array of shape \(3,\), got NoneType"),
        ("def top_k(x, k): return [[1], [1, 2]]\n", r"got list"),
        ("import numpy as np\ndef top_k(x, k): return np.zeros((k, 2))\n", r"expected shape \(3,\), got \(3, 2\)"),
        ("import sys\ndef top_k(x, k): sys.exit(0)\n", r"SystemExit: 0"),
        ("import os\nos._exit(0)\n", r"ended the process before the check had finished"),
        ("import os\ndef top_k(x, k): os._exit(0)\n", r"ended the process before the check had finished"),
        ("def top_k(x, k): return top_k(x, k)\n", r"RecursionError"),
    ],
)
def test_a_broken_file_gets_a_helpful_line(content, told, folder):
    verdict = verdict_of(folder, content)
    assert verdict["status"] == "failed"
    assert re.search(told, "\n".join(verdict["lines"])), verdict
    assert len(verdict["lines"]) < 12


@pytest.mark.posix
def test_a_crash_of_python_is_told(folder):
    verdict = verdict_of(folder, "import os, signal\ndef top_k(x, k): os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert (verdict["status"], verdict["lines"]) == ("failed", [verdict["lines"][0]])
    assert "signal 11" in verdict["lines"][0]


@pytest.mark.parametrize(
    ("content", "line"), [("def top_k(x, k):\n    while True:\n        pass\n", 2), ("x = 1\nwhile True: pass\n", 2)]
)
def test_an_endless_loop_ends_and_its_line_is_told(content, line, folder):
    verdict = verdict_of(folder, content, seconds=1)
    assert verdict["status"] == "failed"
    assert re.search(rf"ended in line [{line}{line + 1}] after 1 seconds of computing", verdict["lines"][0])


def test_a_wait_without_end_ends_too(folder):
    verdict = verdict_of(folder, "import time\ndef top_k(x, k):\n    time.sleep(600)\n", seconds=0.5)
    assert "ended in line 3 after 0.5 seconds of computing, or 2 in all" in verdict["lines"][0]


def test_a_file_of_the_library_is_not_taken_for_the_students(folder):
    (folder / "c3_surrogate.py").write_text(
        "def _central_difference(f, tensors, steps, u, eps):\n    while True: f()\n"
    )
    (verdict,) = check_all(find(("c3",)), folder, seed=0, seconds=0.5)
    assert verdict["status"] == "failed"
    assert not re.search(r"line ([3-9]|\d\d)", verdict["lines"][0])


def test_megabytes_of_output_are_cut(folder):
    noisy = PASSES.replace("    return", "    print('word ' * 2_000_000)\n    return")
    assert verdict_of(folder, noisy) == {"id": "c1", "status": "passed", "held": 6, "properties": 6, "lines": []}
    verdict = verdict_of(folder, noisy.replace("return np", "return 1 + np"))
    assert verdict["status"] == "failed"
    assert len("".join(verdict["lines"])) < 3000


def test_what_a_student_prints_is_shown(folder):
    verdict = verdict_of(folder, "def top_k(x, k):\n    print('k is', k)\n    return [0]\n")
    first = verdict["lines"].index("Your code printed:") + 1
    assert verdict["lines"][first] == "  k is 3"


@pytest.mark.posix
def test_what_a_students_code_has_started_is_ended(folder, gone):
    started = "import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    written = f"open({str(folder / 'pid')!r}, 'w').write(str(p.pid))\n"
    assert verdict_of(folder, started + written + PASSES)["status"] == "passed"
    assert gone(int((folder / "pid").read_text()))


def test_deleting_and_writing_files_changes_nothing(folder):
    destructive = "import pathlib\nfor f in pathlib.Path(__file__).parent.glob('*.py'): f.unlink()\n"
    (folder / "c1_top_k.py").write_text(destructive + PASSES)
    (folder / "c6_fedavg.py").write_text("def _add(self, name, tensor, n): pass\n")
    first, second, third = check_all(find(("c1", "c6", "c8")), folder, seed=0)
    assert [each["status"] for each in (first, second, third)] == ["passed", "failed", "missing"]
    assert len(list(folder.glob("*.py"))) == 2


def test_modules_of_ones_own_are_found_and_hide_nothing(folder):
    (folder / "json.py").write_text("raise RuntimeError\n")
    (folder / "helper.py").write_text("def first(x, k): return x[:k]\n")
    content = PASSES.replace("import numpy as np", "import numpy as np\nfrom helper import first")
    assert verdict_of(folder, content)["status"] == "passed"


def test_verbose_shows_the_traceback(invoke, folder):
    invoke("exercise", "start", "c1")
    Path("exercises/c1_top_k.py").write_text("def top_k(x, k): return x.nothing\n")
    short, long = (invoke("exercise", "check", "c1", *more).output for more in ((), ("--verbose",)))
    assert "Traceback" not in short
    assert "Traceback" in long


def test_another_seed_tries_other_cases(invoke, folder):
    invoke("exercise", "start", "c1")
    Path("exercises/c1_top_k.py").write_text("def top_k(x, k): return [1, 2, 4]\n")  # only the example is right
    outputs = [invoke("exercise", "check", "c1", "--seed", seed).output for seed in (0, 0, 5)]
    assert outputs[0] == outputs[1]
    assert "example of the text" not in outputs[0]


def test_the_example_of_the_page_is_what_is_shown(invoke, folder):
    invoke("exercise", "start", "c1")
    Path("exercises/c1_top_k.py").write_text(FAILS)
    assert invoke("exercise", "check", "c1").output in PAGE


def test_all_says_what_is_missing(invoke, folder):
    (folder / "exercises").mkdir()
    result = invoke("exercise", "check", "--all", "--json", "--seed", 3)
    assert result.exit_code == 7
    verdicts = json.loads(result.output)
    assert (verdicts["seed"], verdicts["passed"], verdicts["of"]) == (3, 0, 16)
    assert {each["status"] for each in verdicts["exercises"]} == {"missing"}


SUBMISSIONS = {
    "passes": PASSES,
    "fails": FAILS,
    "prints": "print('word ' * 5_000_000)\n" + PASSES,
    "exits": "import os\n" + PASSES.replace("    return", "    os._exit(0)\n    return"),
    "deletes": "import os, shutil\nshutil.rmtree(os.getcwd())\n" + PASSES,
    "fills": "bytes(10**12)\n" + PASSES,
}


@pytest.mark.long
@pytest.mark.posix
@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
def test_the_loop_of_the_page_marks_each_submission(folder):
    for name, content in SUBMISSIONS.items():
        (folder / "submissions" / name).mkdir(parents=True)
        (folder / "submissions" / name / "c1_top_k.py").write_text(content)
    (loop,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    (table,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "bin").mkdir()
    command = folder / "bin" / "minizerofl"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m minizerofl_cli "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    bash = shutil.which("bash")
    assert bash
    subprocess.run([bash, "-c", loop], check=True, env=env)
    marks = subprocess.run([sys.executable, "-c", table], check=True, text=True, capture_output=True).stdout
    passing = {"passes", "prints", "deletes"}
    assert marks.splitlines() == [f"{name} 1 c1" if name in passing else f"{name} 0" for name in sorted(SUBMISSIONS)]
