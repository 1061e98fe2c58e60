"""A model leaves us, as .npz, PyTorch, safetensors or ONNX; and weights come in.

Reading order: `layout` (ours and theirs), `portable` (what is written), `formats` (files of weights), `graph` and
`onnx_file` (the model itself, as a graph), `writing`, `reading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.choices import EXPORTS
from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.export.errors import ExportError, MissingExtraError
    from minizerofl.export.portable import Portable, make_portable
    from minizerofl.export.reading import read_weights
    from minizerofl.export.writing import export_model

__all__ = [
    "EXPORTS",
    "ExportError",
    "MissingExtraError",
    "Portable",
    "export_model",
    "make_portable",
    "read_weights",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "ExportError": "minizerofl.export.errors",
        "MissingExtraError": "minizerofl.export.errors",
        "Portable": "minizerofl.export.portable",
        "export_model": "minizerofl.export.writing",
        "make_portable": "minizerofl.export.portable",
        "read_weights": "minizerofl.export.reading",
    },
)
