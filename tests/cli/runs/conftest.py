"""What the tests of runs share."""

import pytest


@pytest.fixture
def train(invoke, small, tmp_path):
    """Train the smallest run with some options; return the run directory and what was said."""

    def run(*arguments, code=0):
        before = set((tmp_path / "runs").glob("*-*"))
        result = invoke("train", *small, "--runs-dir", tmp_path / "runs", *arguments)
        assert result.exit_code == code, result.output
        new = set((tmp_path / "runs").glob("*-*")) - before
        return (new.pop() if new else None), result.output

    return run
