"""What can go wrong when a model leaves or comes back: an extra that is missing, a model that a format cannot hold."""

from __future__ import annotations


class ExportError(ValueError):
    """A model cannot be written in the format that was asked for."""


class MissingExtraError(ImportError):
    """A package that is needed for a format is not installed.

    Parameters
    ----------
    package : str
        The package.
    purpose : str
        What needs it.
    extra : str
        The extra of minizerofl that brings it; by default it has the name of the package.

    Examples
    --------
    >>> print(MissingExtraError("onnx", "--to onnx"))
    --to onnx needs the package onnx, which is not installed; pip install 'minizerofl[onnx]'
    """

    def __init__(self, package: str, purpose: str, extra: str = "") -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed; "
            f"pip install 'minizerofl[{extra or package}]'"
        )
        self.package = package
