"""The environment can be written down and holds what decides a result."""

import json
import os
import platform

import numpy as np
import pytest

from minizerofl_cli.runs.environment import environment, usable_cores


def test_versions_and_linear_algebra():
    described = json.loads(json.dumps(environment()))
    assert described["packages"]["numpy"] == np.__version__
    assert all(described["packages"].values())
    assert described["python"] == platform.python_version()
    assert described["blas"][0]["num_threads"] >= 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to cores")
def test_cores_are_those_this_process_may_use():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
