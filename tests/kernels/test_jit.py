"""How kernels are compiled: flags in one place, nothing at import, bounds checks that bite, read-only installations."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numba
import numpy as np
import pytest
from numba.core import event

import minizerofl
from minizerofl.kernels import jit, pool

ROOT = Path(minizerofl.__file__).parent
JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
needs_jit = pytest.mark.skipif(not JIT_IS_ON, reason="the JIT is off")


def test_flags_are_named_in_one_file_only() -> None:
    for file in ROOT.rglob("*.py"):
        text = file.read_text()
        if file.name != "jit.py":
            assert not re.search(r"fastmath|njit|nogil=|parallel=", text), file
    assert "fastmath=True" not in (ROOT / "kernels" / "jit.py").read_text()


MODULES = [
    importlib.import_module(f"minizerofl.kernels.{file.stem}")
    for file in sorted((ROOT / "kernels").glob("*.py"))
    if re.search(r"^@kernel$", file.read_text(), re.MULTILINE)
]


def kernels(module: ModuleType) -> dict[str, list[str]]:
    """Find the kernels of a module, with the names of their arguments."""
    text = Path(str(module.__file__)).read_text()
    functions = {name: getattr(module, name) for name in re.findall(r"^@kernel\ndef (\w+)", text, re.MULTILINE)}
    return {name: list(inspect.signature(getattr(f, "py_func", f)).parameters) for name, f in functions.items()}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_public_kernels_have_a_reference_with_the_same_arguments_and_only_they(module: ModuleType) -> None:
    twins = importlib.import_module(module.__name__.replace("kernels.", "kernels.reference."))
    theirs = {
        name: list(inspect.signature(twin).parameters)
        for name, twin in inspect.getmembers(twins, inspect.isfunction)
        if twin.__module__ == twins.__name__ and not name.startswith("_")
    }
    ours = {name: arguments for name, arguments in kernels(module).items() if name in module.__all__}
    assert ours
    for name in {"conv_weight_gradient", "block_gradient"} & set(
        ours
    ):  # sorted entries are read by the kernel, images by the twin
        del ours[name], theirs[name]
    assert ours == theirs


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_no_kernel_has_many_arguments(module: ModuleType) -> None:
    most = 7 if module.__name__.endswith(".conv") else 8
    for name, arguments in kernels(module).items():
        assert len(arguments) <= most, name


def test_the_upper_floors_use_public_kernels_only() -> None:
    inner = {name for module in MODULES for name in set(kernels(module)) - set(module.__all__)}
    for file in ROOT.rglob("*.py"):
        if (ROOT / "kernels") not in file.parents:
            modules = "|".join(module.__name__.split(".")[-1] for module in MODULES)
            used = set(re.findall(rf"\b(?:{modules}|kernels)\.(\w+)\(", file.read_text()))
            assert not used & inner, file


def test_kernels_import_nothing_of_the_upper_floors() -> None:
    for file in (ROOT / "kernels").rglob("*.py"):
        assert not re.search(r"(from|import) minizerofl(?!\.kernels)", file.read_text()), file


@pytest.mark.long
@needs_jit
def test_training_compiles_one_signature_per_dtype_and_a_warm_cache_changes_no_bit(tmp_path: Path) -> None:
    names = ", ".join(module.__name__.split(".")[-1] for module in MODULES)
    code = (
        f"""
from minizerofl.kernels import {names}
modules = ({names})
"""
        + """
import numpy as np
import minizerofl as mz
dispatchers = {
    f"{m.__name__}.{n}": f for m in modules for n, f in vars(m).items()
    if hasattr(f, "signatures") and f.py_func.__module__ == m.__name__  # not the vectors, which have many widths
}
assert dispatchers and not any(f.signatures for f in dispatchers.values())
nn = mz.nn
rng = np.random.default_rng(0)
model = nn.Sequential(
    nn.SparseConv2d(1, 4, 3, padding=1, sparsity=0.9, rng=rng), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
    nn.SparseConv2d(4, 4, 3, stride=2, padding=1, sparsity=0.9, rng=rng), nn.Flatten(),
    nn.SparseLinear(16, 3, sparsity=0.9, rng=rng),
)
for optimiser in (mz.optim.SGD, mz.optim.Adam):
    step = optimiser(model.parameters(), lr=0.1)
    for n in (5, 2):
        x = mz.Tensor(rng.standard_normal((1, 8, 8, n)).astype(np.float32))
        step.zero_grad()
        mz.ops.cross_entropy(model(x), np.zeros(n, np.int64)).backward()
        step.step()
for name, f in dispatchers.items():
    print(name, len(f.signatures))
    assert len(f.signatures) <= 1 or name.endswith(("_pieces", "_taps")), (name, f.signatures)  # many widths or counts
print([parameter.data.tobytes().hex() for parameter in model.parameters()])
"""
    )
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)
    assert "sum_rows 1" in outputs[0]
    cold, warm = (output.splitlines()[-1] for output in outputs)  # compiled, and loaded from the cache
    assert cold == warm


@needs_jit
def test_a_planted_out_of_range_read_raises_when_bounds_are_checked(tmp_path: Path) -> None:
    code = """
import numpy as np
from minizerofl.kernels import update
w = np.ones((1, 4), np.float32)
try:
    update.sgd_rows(w, np.array([100]), w, np.float32(1))  # small, hence soon compiled; vectors: see test_simd.py
except IndexError:
    print("raised")
"""
    environment = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "raised", done.stderr


@needs_jit
def test_an_installation_without_a_writable_folder_works(tmp_path: Path) -> None:
    """Kernels are then compiled in every process. (A file where a folder should be stops even root from writing.)"""
    package = tmp_path / "site" / "minizerofl"
    shutil.copytree(ROOT / "kernels", package / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "lazy.py"):
        shutil.copy(ROOT / name, package)
    (package / "kernels" / "__pycache__").write_text("no folder")
    code = f"""
import sys
sys.path.insert(0, {str(package.parent)!r})
import numpy as np
from minizerofl.kernels import topk
assert topk.__file__.startswith({str(tmp_path)!r}), topk.__file__
from minizerofl.kernels.jit import how_kernels_run
print(topk.count_at_least(np.ones(3, np.float32), np.float32(1)), how_kernels_run())
"""
    no_home = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "LOCALAPPDATA": "/dev/null", "NUMBA_CACHE_DIR": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | no_home, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "3 compiled", done.stderr


COUNTS = """
import numpy as np
from minizerofl.kernels import jit, topk
for kernel in (topk.count_at_least, jit.kernel(topk.count_at_least.py_func)):  # the second as in a later process
    print(kernel(np.ones(3, np.float32), np.float32(1)), jit.how_kernels_run(), sum(kernel.stats.cache_hits.values()))
"""


def count_with(cache: Path) -> str:
    """Run a kernel twice in a process that keeps compiled kernels in a folder; the second is read from there."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", COUNTS], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("3 kept"), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def whole_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a compiled kernel."""
    folder = tmp_path_factory.mktemp("cache")
    count_with(folder)
    return folder


@pytest.mark.long
@needs_jit
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("content", [b"", b"rubbish", b"half"])
def test_a_damaged_cache_is_built_again(whole_cache: Path, tmp_path: Path, suffix: str, content: bytes) -> None:
    cache = Path(shutil.copytree(whole_cache, tmp_path / "cache"))
    files = list(cache.rglob(f"*{suffix}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content == b"half" else content)
    assert count_with(cache).splitlines() == ["3 kept 0", "3 kept 1"]  # The second finds what the first put there.


def test_a_kernel_is_compiled_without_a_cache_when_numba_finds_no_place_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def njit(*, cache: bool = False, **flags: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, flags)

    monkeypatch.setattr(jit.numba, "njit", njit)
    assert jit.kernel(len) == (len, jit.FLAGS)


def test_a_nan_reaches_the_result() -> None:
    """The flags keep NaN, which fast math would delete."""
    y = np.empty((1, 1, 1, 1), np.float32)
    x = np.array([1, np.nan, 2, 3], np.float32).reshape(1, 2, 2, 1)
    pool.max_pool(x, 2, 2, y, np.empty(y.shape, np.uint8))
    assert np.isnan(y).all()


@pytest.mark.parametrize(
    ("off", "not_kept", "expected"),
    [(1, [], "interpreted"), (0, [], "kept"), (0, ["add_rows"], "compiled")],
)
def test_how_kernels_run_is_told(monkeypatch: pytest.MonkeyPatch, off: int, not_kept: list[str], expected: str) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", off)
    monkeypatch.setattr(jit, "_not_kept", not_kept)
    assert jit.how_kernels_run() == expected


def test_a_file_of_the_cache_that_cannot_be_loaded_is_forgotten() -> None:
    class Cache:
        flushed = False

        def load_overload(self, signature: object, context: object) -> object:
            raise EOFError("Ran out of input")

        def flush(self) -> None:
            self.flushed = True

    class Compiled:
        _cache = Cache()

    jit._rebuild_if_damaged(Compiled)
    assert Compiled._cache.load_overload("signature", "context") is None
    assert Compiled._cache.flushed


COMPILING = """
import numpy as np
from minizerofl.kernels import jit, update
w = np.ones(10, np.float32)
with jit.watch_compiling(lambda seconds: print("compiled", seconds > 0)):
    update.sgd(w, w, 0.1, 0.0)
    update.sgd(w, w, 0.1, 0.0)
    print("again")
"""


@needs_jit
def test_it_is_told_when_a_kernel_is_compiled_and_not_when_it_is_read_from_disk(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for expected in ("compiled True\nagain\n", "again\n"):
        done = subprocess.run([sys.executable, "-c", COMPILING], env=environment, stdout=subprocess.PIPE, check=True)
        assert done.stdout.decode() == expected


def test_a_compilation_is_told_once_with_those_within_it() -> None:
    """Numba's own events, with and without a result."""
    told: list[float] = []
    done, failed = ({"dispatcher": SimpleNamespace(overloads=each), "args": ()} for each in ({(): None}, {}))
    with jit.watch_compiling(told.append):
        event.start_event("numba:compile", done)
        event.start_event("numba:compile", done)  # a kernel that the first one calls
        event.end_event("numba:compile", done)
        assert not told
        event.end_event("numba:compile", done)
        assert len(told) == 1
        event.start_event("numba:compile", failed)
        event.end_event("numba:compile", failed)
    event.start_event("numba:compile", done)
    event.end_event("numba:compile", done)
    assert len(told) == 1
    assert told[0] >= 0
