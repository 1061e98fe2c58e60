"""Exported models as files of weights: .npz, a PyTorch state dict, safetensors; each is written and read here."""

from __future__ import annotations

import io
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from minizerofl.export.errors import MissingExtraError
from minizerofl.export.portable import Portable
from minizerofl.fl.payload import State

METADATA = "__metadata__"  # the entry of a .npz file that holds the description, as JSON


def need(package: str, purpose: str) -> Any:
    """Import a package of an extra.

    Raises
    ------
    MissingExtraError
        It is not installed.

    Examples
    --------
    >>> need("no_such_package", "--to nowhere")
    Traceback (most recent call last):
    ...
    minizerofl.export.errors.MissingExtraError: --to nowhere needs the package no_such_package, which is not \
installed; pip install 'minizerofl[no_such_package]'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(package.partition(".")[0], purpose) from error


def npz(portable: Portable) -> bytes:
    """Return a model as a .npz file: an array for each tensor, and the description as JSON.

    Examples
    --------
    >>> from minizerofl import nn
    >>> layer = nn.Linear(2, 1)
    >>> content = npz(Portable(layer, layer.state_dict(), {"model": "mine"}))
    >>> sorted(np.load(io.BytesIO(content)))
    ['__metadata__', 'bias', 'weight']
    """
    file = io.BytesIO()
    np.savez(file, **{METADATA: np.array(json.dumps(portable.metadata))}, **portable.state)  # type: ignore[arg-type]
    return file.getvalue()


def torch(portable: Portable) -> bytes:
    """Return a model as `torch.save` writes it: a dictionary of ``state_dict`` and ``metadata``."""
    library = need("torch", "--to torch")
    tensors = {name: library.from_numpy(value.copy()) for name, value in portable.state.items()}
    file = io.BytesIO()
    library.save({"state_dict": tensors, "metadata": portable.metadata}, file)
    return file.getvalue()


def safetensors(portable: Portable) -> bytes:
    """Return a model as a safetensors file."""
    library = need("safetensors.numpy", "--to safetensors")
    content: bytes = library.save(portable.state, metadata=portable.texts())
    return content


def read_npz(path: str | os.PathLike[str]) -> State:
    """Read the arrays of a .npz file."""
    with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
        return {name: file[name] for name in file.files if name != METADATA}


def read_torch(path: str | os.PathLike[str]) -> State:
    """Read a PyTorch state dict, bare or as ``state_dict`` of a dictionary; code in the file is never run."""
    library = need("torch", f"{Path(path).name}, a file of PyTorch,")
    content = library.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, library.Tensor) for value in content.values()):
        raise ValueError("it holds something else than a state dict")
    return {str(name): value.detach().float().numpy() for name, value in content.items()}


def read_safetensors(path: str | os.PathLike[str]) -> State:
    """Read the tensors of a safetensors file."""
    library = need("safetensors.numpy", f"{Path(path).name}, a safetensors file,")
    tensors: State = library.load(Path(path).read_bytes())
    return tensors
