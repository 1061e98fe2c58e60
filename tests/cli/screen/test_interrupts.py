"""Signals, in processes of their own: what a round left behind, and the exit codes of a shell."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import load_model
from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl_cli.screen.interrupts import Interrupted, Interrupts

# The command; the first backward pass of a client says so.
TELLS_OF_ITS_STEPS = """
from minizerofl import Tensor
from minizerofl_cli.main import main

def backward(self, gradient=None, backward=Tensor.backward):
    Tensor.backward = backward
    print("a step", flush=True)
    backward(self, gradient)

Tensor.backward = backward
main()
"""


def test_held_back_until_allowed():
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted, match="SIGTERM"), interrupts.allowed():
            raise AssertionError("never reached")


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_the_second_signal_ends_the_process_at_once():
    code = (
        "import signal; from minizerofl_cli.screen.interrupts import Interrupts\n"
        "with Interrupts():\n"
        "    signal.raise_signal(signal.SIGINT); print('first', flush=True)\n"
        "    signal.raise_signal(signal.SIGINT); print('second', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "first\n")


@pytest.mark.long
@pytest.mark.posix
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_last_complete_round(signum, code, start, wait_for_line, small, tmp_path):
    process = start("train", *small, "--rounds", 100_000, "--runs-dir", tmp_path)
    wait_for_line(process, "round +2/")
    process.send_signal(signum)
    out, err = process.communicate()
    assert process.returncode == code
    assert err == f"minizerofl: stopped by {signum.name}\n"
    assert "Interrupted; the model of round" in out

    (run,) = tmp_path.glob("*-*")
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    summary = json.loads((run / "summary.json").read_text())
    model = load_model(run / "model.h5")
    assert summary["status"] == "interrupted"
    assert signum.name in summary["reason"]
    assert summary["rounds_done"] == len(rows) == model.about["rounds"] >= 2
    assert (run / "accuracy.png").is_file()
    assert all(np.isfinite(value).all() for value in model.state.values())


@pytest.mark.posix
def test_a_signal_in_the_first_round_keeps_no_model(start, wait_for_line, small, tmp_path):
    process = start("train", *small, "--local-epochs", 100_000, "--runs-dir", tmp_path, code=TELLS_OF_ITS_STEPS)
    wait_for_line(process, "a step")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)  # they would go on for an hour
    assert process.returncode == 130
    assert "no round was complete" in out
    (run,) = tmp_path.glob("*-*")
    assert json.loads((run / "summary.json").read_text())["rounds_done"] == 0
    assert not (run / "model.h5").exists()


@pytest.mark.long
@pytest.mark.skipif(not AVAILABLE, reason="there are no forked processes here")
def test_a_worker_that_is_killed_ends_the_run_which_goes_on_later(start, wait_for_line, small, tmp_path):
    process = start("train", *small, "--workers", 2, "--rounds", 100_000, "--runs-dir", tmp_path)
    wait_for_line(process, "round +2/")
    worker, _ = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert re.fullmatch(rf"minizerofl: worker process {worker} died .*; use fewer --workers\n", err)

    (run,) = tmp_path.glob("*-*")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert summary["rounds_done"] >= 2
    going_on = start("resume", run, "--workers", 1)
    wait_for_line(going_on, f"round +{summary['rounds_done'] + 1}/")
