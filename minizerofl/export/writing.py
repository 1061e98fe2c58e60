"""Writing an exported model: all of it or nothing, and never over another file unless that is asked for."""

from __future__ import annotations

import os
from pathlib import Path

from minizerofl.choices import EXPORTS
from minizerofl.export.portable import Portable, make_portable
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.files.modelfile import SavedModel
from minizerofl.fl.files.sealed import write_atomically

SUFFIXES = {"torch": ".pt"}  # of the formats whose suffix is not their name


def suffix_of(to: str) -> str:
    """Return the usual suffix of a format's files.

    Examples
    --------
    >>> suffix_of("torch"), suffix_of("onnx")
    ('.pt', '.onnx')
    """
    return SUFFIXES.get(to, f".{to}")


def export_model(
    saved: SavedModel, path: str | os.PathLike[str], to: str, *, dense: bool = False, replace: bool = False
) -> Portable:
    """Write a model for other programs.

    Parameters
    ----------
    saved : SavedModel
        The model, see `minizerofl.fl.load_model`.
    path : str or path
        Where to.
    to : {"npz", "torch", "safetensors", "onnx"}
        The format. All but the first need the extra of minizerofl with this name.
    dense : bool
        Whether to write all weights. By default the sparse layers keep the weights that evaluation uses; all others
        are zero.
    replace : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Portable
        What was written.

    Raises
    ------
    ConfigError
        The file exists.
    ChoiceError
        No format has that name.
    MissingExtraError
        The package of the format is not installed.
    ExportError
        The format cannot hold the model.
    ModelFileError
        The model cannot be built.
    OSError
        The disk is full or the folder cannot be written to. Nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from minizerofl.models import femnist_cnn
    >>> saved = SavedModel("femnist_cnn", {"sparsity": 0.95}, femnist_cnn(sparsity=0.95).state_dict())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = export_model(saved, f"{folder}/model.npz", "npz")
    ...     with np.load(f"{folder}/model.npz") as file:
    ...         print(file["linear1.weight"].shape)
    (2048, 3136)
    """
    EXPORTS.check(to)
    path = Path(path)
    if os.path.lexists(path) and not replace:
        raise ConfigError(f"{path} exists already; --replace (in Python: replace=True) replaces it")
    portable = make_portable(saved, dense)
    content = EXPORTS[to](portable)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return portable
