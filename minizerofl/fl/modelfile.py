"""A model on disk: an HDF5 file that describes itself, behind a header that proves it is whole.

HDF5 libraries crash and hang on damaged files. The file therefore begins with a 512-byte user block (which HDF5
skips): magic, format version, length and SHA-256 of all that follows. They are verified before the HDF5 library sees
the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from minizerofl.fl.errors import ModelFileError
from minizerofl.fl.payload import State
from minizerofl.models import build
from minizerofl.nn import Module

MAGIC = b"minizerofl-model"
VERSION = 1
BLOCK = 512
HEADER = struct.Struct("<16sIQ32s")  # magic, version, length, SHA-256


@dataclass(frozen=True)
class SavedModel:
    """A model with all that is needed to use it.

    Attributes
    ----------
    name : str
        A name of `minizerofl.models.MODELS`.
    arguments : dict
        The arguments of its builder.
    state : dict of str to array
        Parameters and buffers.
    about : dict
        What else belongs to it, JSON only: data set, source ("real" or "synthetic"), input transform, class names,
        rounds, accuracy.
    """

    name: str
    arguments: dict[str, float]
    state: State
    about: dict[str, object] = field(default_factory=dict)

    def build(self) -> Module:
        """Build the model with its weights."""
        model = build(self.name, **self.arguments)
        model.load_state_dict(self.state)
        return model


def save_model(path: Path, model: SavedModel) -> None:
    """Write a model file, all of it or nothing: beside its place first, then renamed.

    Parameters
    ----------
    path : Path
        Where to. An older file is replaced.
    model : SavedModel
        What.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """
    content = io.BytesIO()
    with h5py.File(content, "w", userblock_size=BLOCK) as file:
        file.attrs["model"] = json.dumps({"name": model.name, "arguments": model.arguments, "about": model.about})
        for name, value in model.state.items():
            file.create_dataset(name, data=value)
    body = content.getbuffer()[BLOCK:]
    header = HEADER.pack(MAGIC, VERSION, len(body), hashlib.sha256(body).digest()).ljust(BLOCK, b"\0")
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as out:
            out.write(header)
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load_model(path: Path) -> SavedModel:
    """Read a model file.

    Parameters
    ----------
    path : Path
        Where from.

    Returns
    -------
    SavedModel
        The model.

    Raises
    ------
    ModelFileError
        The file is missing, none of ours, of a newer version, cut short or changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); expected a model.h5 of a run") from error
    if len(content) < BLOCK or not content.startswith(MAGIC):
        raise ModelFileError(f"{path}: not a minizerofl model file")
    _, version, length, digest = HEADER.unpack_from(content)
    if version != VERSION:
        raise ModelFileError(f"{path}: format version {version}, this program reads version {VERSION}")
    if len(content) - BLOCK != length or hashlib.sha256(content[BLOCK:]).digest() != digest:
        raise ModelFileError(f"{path}: damaged or cut short (its checksum does not match); use another copy")
    with h5py.File(io.BytesIO(content), "r") as file:
        header = json.loads(file.attrs["model"])
        state: dict[str, np.ndarray] = {name: file[name][()] for name in file}
    return SavedModel(header["name"], header["arguments"], state, header["about"])
