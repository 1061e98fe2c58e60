"""Reading weights for a model: from our own files, from what we export, or from a PyTorch state dict."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minizerofl.export.errors import MissingExtraError
from minizerofl.export.formats import read_npz, read_safetensors, read_torch
from minizerofl.export.layout import inputs_first, outputs_first
from minizerofl.fl.errors import ModelFileError
from minizerofl.fl.files.modelfile import load_model
from minizerofl.fl.payload import State
from minizerofl.nn import Module

READERS: dict[str, Callable[[Path], State]] = {
    ".npz": read_npz,
    ".pt": read_torch,
    ".pth": read_torch,
    ".safetensors": read_safetensors,
}
COUNTER = "num_batches_tracked"  # which PyTorch's BatchNorm has beside its statistics, and ours has not


def weights_file(path: str | os.PathLike[str]) -> Path:
    """Return the file of a model: of a run directory, its model.h5."""
    path = Path(path)
    return path / "model.h5" if path.is_dir() else path


def weights_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file of weights.

    Raises
    ------
    ModelFileError
        It cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "model.npz").write_bytes(b"")
    ...     weights_digest(f"{folder}/model.npz")[:12]
    'e3b0c44298fc'
    """
    file = weights_file(path)
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error


def read_weights(path: str | os.PathLike[str], model: Module) -> State:
    """Read weights that fit a model.

    Parameters
    ----------
    path : str or path
        A run directory or its model.h5; or, with outputs first (see `minizerofl.export.layout`), a .npz or
        .safetensors file, or a PyTorch state dict, .pt or .pth.
    model : Module
        The model. The tensors of the file must have its names and shapes.

    Returns
    -------
    dict of str to array
        A state for `Module.load_state_dict`, float32.

    Raises
    ------
    ModelFileError
        The file cannot be read, or a tensor is missing, unknown, of another shape or not finite.
    MissingExtraError
        The package that reads such a file is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from minizerofl import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", weight=np.ones((2, 3)), bias=np.zeros(2))
    ...     read_weights(f"{folder}/a.npz", nn.Linear(3, 2))["weight"].shape
    (3, 2)
    """
    file = weights_file(path)
    if file.suffix == ".h5":
        return _match(file, load_model(file).state, model.state_dict())
    reader = READERS.get(file.suffix)
    if reader is None:
        raise ModelFileError(
            f"{file}: weights can be read from a run directory, or from a file with the suffix .h5, "
            f"{', '.join(READERS)}; expected one of these"
        )
    try:
        found = reader(file)
    except MissingExtraError:
        raise
    except Exception as error:  # whatever the content brings about in the library that reads it
        raise _unreadable(file, error) from error
    found = {name: value for name, value in found.items() if name.rpartition(".")[2] != COUNTER}
    return inputs_first(model, _match(file, found, outputs_first(model, model.state_dict())))


def _unreadable(file: Path, error: Exception) -> ModelFileError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return ModelFileError(f"{file}: cannot be read ({reason}); expected weights, see docs/export.md")


def _match(file: Path, found: State, own: State) -> State:
    """Return the tensors of a file in the order of the model's, after making sure that they fit."""
    fitting: State = {}
    for name, value in own.items():
        if name not in found:
            raise ModelFileError(
                f"{file}: lacks the tensor {name}, expected one of shape {value.shape}; it is another model's, or its "
                "tensors need to be renamed"
            )
        if found[name].shape != value.shape:
            raise ModelFileError(f"{file}: {name} has shape {found[name].shape}, expected {value.shape}")
        if not np.issubdtype(found[name].dtype, np.floating):
            raise ModelFileError(f"{file}: {name} is {found[name].dtype}, expected float32")
        with np.errstate(over="ignore"):  # Too large for float32: infinite, and refused as such.
            fitting[name] = found[name].astype(np.float32)
        if not np.isfinite(fitting[name]).all():
            raise ModelFileError(f"{file}: {name} has NaN or infinite values, expected finite ones")
    for name, value in found.items():
        if name not in own:
            raise ModelFileError(
                f"{file}: has a tensor {name} of shape {value.shape}, which the model lacks; expected "
                f"{len(own)} tensors, the last of which is {list(own)[-1]}"
            )
    return fitting
