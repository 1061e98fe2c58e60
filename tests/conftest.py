"""Settings shared by all tests."""

import gc
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from minizerofl.autograd import live_tensors

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# No deadline: the first call of a kernel compiles it. Derandomised: the same examples everywhere.
settings.register_profile(
    "minizerofl", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
# For a second run of the suite, as with the oldest versions of the packages: HYPOTHESIS_PROFILE=brief
settings.register_profile("brief", settings.get_profile("minizerofl"), max_examples=8)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "minizerofl"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip on Windows what needs a POSIX system."""
    for item in items:
        if os.name != "posix" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="needs a POSIX system"))


@pytest.fixture(scope="session", autouse=True)
def _no_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests a cache of their own, unless one is named: they write nothing into the user's."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("MINIZEROFL_CACHE"):
            patch.setenv("MINIZEROFL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def alive() -> Callable[[], int]:
    """Count the Tensors that are alive; what earlier tests left behind in cycles is collected before."""
    gc.collect()
    return live_tensors


@pytest.fixture(scope="session")
def gone() -> Callable[[int], bool]:
    """Wait until a process has ended; say whether it has. It may stay as a zombie until its parent asks for it."""

    def wait(pid: int) -> bool:
        for _ in range(1000):
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                    return True
            except OSError:
                return True
            time.sleep(0.02)
        return False

    return wait


@pytest.fixture(scope="session")
def browse(tmp_path_factory) -> Callable[..., tuple[str, str]]:
    """Show a file in a headless browser; give the document as it then is, and what the console said."""
    browser = os.environ.get("MINIZEROFL_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("needs a browser: install chromium, or set MINIZEROFL_BROWSER")
    profile = tmp_path_factory.mktemp("profile")

    def show(file: Path, *options: str) -> tuple[str, str]:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            *options,
            "--dump-dom",
            file.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        console = "\n".join(line for line in done.stderr.splitlines() if re.search(r":CONSOLE[:(]", line))
        return done.stdout, console

    return show
