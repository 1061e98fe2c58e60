"""A pass over all writers keeps only a few of them in memory: what is read grows, what is held does not."""

import subprocess
import sys
from pathlib import Path

import pytest

PASS = """
import re, sys
from pathlib import Path
from minizerofl_datasets import load
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # kB -> MB
data = load("femnist", data_dir=sys.argv[1])
data.train(data.clients[0])
before = peak()
for client in data.clients:
    data.train(client), data.validation(client), data.test(client)
one_pass = peak()
data.test()
print(one_pass - before, peak() - one_pass)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of one process is read from /proc")
def test_a_pass_holds_few_writers_and_the_test_set_once(tmp_path, write_tff):
    """100 MB of training and 25 MB of test images."""
    writers = [f"f{i:03}" for i in range(200)]
    write_tff(tmp_path, dict.fromkeys(writers, 160), dict.fromkeys(writers, 40))
    done = subprocess.run([sys.executable, "-c", PASS, tmp_path], capture_output=True, text=True, check=True)
    one_pass, test_set = map(float, done.stdout.split())
    assert one_pass < 50
    assert test_set < 40
