"""A model for other programs: weights in the layout of PyTorch and ONNX, and a description in plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minizerofl import __version__
from minizerofl.export.errors import ExportError
from minizerofl.export.layout import kept_layouts, outputs_first
from minizerofl.fl.files.modelfile import SavedModel
from minizerofl.fl.payload import State
from minizerofl.nn import Module
from minizerofl.nn.paths import sparse_layers
from minizerofl.sparse.csr import kept_mask
from minizerofl.sparse.selection import count_kept

ABOUT = ("dataset", "source", "class_names", "input_shape", "transform", "rounds", "test_accuracy")


@dataclass(frozen=True)
class Portable:
    """A model for other programs.

    Attributes
    ----------
    model : Module
        The model itself, in evaluation mode.
    state : dict of str to array
        Its parameters and buffers as they are to be written, under our names, in the layout of PyTorch and ONNX.
    metadata : dict
        What belongs to it, JSON only: see docs/export.md.
    """

    model: Module
    state: State
    metadata: dict[str, Any]

    def texts(self) -> dict[str, str]:
        """Return the metadata for formats whose metadata are texts: what is not a text is written as JSON.

        Examples
        --------
        >>> from minizerofl import nn
        >>> Portable(nn.ReLU(), {}, {"model": "mine", "class_names": ["a", "b"]}).texts()
        {'model': 'mine', 'class_names': '["a", "b"]'}
        """
        return as_texts(self.metadata)


def as_texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Write every value that is not a text as JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}


def make_portable(saved: SavedModel, dense: bool = False) -> Portable:
    """Prepare a saved model for other programs.

    Parameters
    ----------
    saved : SavedModel
        The model.
    dense : bool
        Whether to take all weights. By default the sparse layers keep the weights that evaluation uses, chosen by the
        rule of the run; all others are zero.

    Returns
    -------
    Portable
        The model.

    Raises
    ------
    ModelFileError
        The model cannot be built.

    Examples
    --------
    >>> from minizerofl.models import femnist_cnn
    >>> arguments = {"num_classes": 3, "sparsity": 0.95}
    >>> saved = SavedModel("femnist_cnn", arguments, femnist_cnn(**arguments).state_dict())
    >>> portable = make_portable(saved)
    >>> weight = portable.state["conv2.weight"]
    >>> weight.shape, round(float((weight != 0).mean()), 2), portable.metadata["weights"]
    ((64, 32, 5, 5), 0.05, 'sparse')
    """
    model = saved.build().eval()
    state = model.state_dict()
    layers = {f"{name}.weight" if name else "weight": layer for name, layer in sparse_layers(model).items()}
    if not dense:
        for name, layer in layers.items():
            kept = layer.selecting()(layer.weight, count_kept(layer.weight.size, layer.sparsity))
            state[name] = np.where(kept_mask(kept, layer.weight.shape), layer.weight.data, 0)
    about = saved.about
    metadata = {
        "minizerofl": __version__,
        "model": saved.name,
        "arguments": dict(saved.arguments),
        "weights": "dense" if dense else "sparse",
        "sparsity": {name: layer.sparsity for name, layer in layers.items()},
        "selection": saved.setup.selection,
        "input": "float32 (N, C, H, W), after the transform",
        **{name: about[name] for name in ABOUT if name in about},
        "trained_on": trained_on(about),
        "layout_kept": kept_layouts(model),
    }
    return Portable(model, outputs_first(model, state), metadata)


def trained_on(about: Mapping[str, object]) -> str:
    """Say on what data a model was trained, and whether they are real.

    Examples
    --------
    >>> trained_on({"dataset": "femnist", "source": "synthetic"}), trained_on({})
    ('femnist, SYNTHETIC data', 'data that its file does not name')
    """
    if "source" not in about:
        return "data that its file does not name"
    return f"{about.get('dataset', 'data')}, {'real' if about['source'] == 'real' else 'SYNTHETIC'} data"


def input_shape(portable: Portable) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of a sample.

    Raises
    ------
    ExportError
        The description of the model does not say it.
    """
    shape = portable.metadata.get("input_shape")
    if not (isinstance(shape, list | tuple) and len(shape) == 3 and all(type(n) is int and n > 0 for n in shape)):
        raise ExportError(
            f"{portable.metadata['model']}: its file does not give the shape of a sample; "
            'put about={"input_shape": [C, H, W]} into its SavedModel'
        )
    return (shape[0], shape[1], shape[2])
