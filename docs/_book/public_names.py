"""The directive `public-names`: documents all public names of a package, so that none can be missing."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, get_origin

from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

logger = getLogger(__name__)


def describe(package: str, name: str) -> str:
    """Return the reStructuredText that documents one public name.

    Examples
    --------
    >>> print(describe("minizerofl.fl", "Simulation"))
    .. autoclass:: minizerofl.fl.Simulation
       :members:
    >>> describe("minizerofl.sparse", "top_k")
    '.. autofunction:: minizerofl.sparse.top_k'
    """
    value, full = getattr(import_module(package), name), f"{package}.{name}"
    if isinstance(value, ModuleType):
        return f"`{value.__name__}`: {(value.__doc__ or '').splitlines()[0]}"
    if is_code(value):
        return f".. autoclass:: {full}\n   :members:" if inspect.isclass(value) else f".. autofunction:: {full}"
    known = f"The names {', '.join(f'``{key}``' for key in value)}." if isinstance(value, Mapping) else f"``{value}``"
    return f".. py:data:: {full}\n\n   {known}"


def is_code(value: object) -> bool:
    """Return whether it is a class or a function, and not a table of names or a name for a type."""
    return callable(value) and get_origin(value) is None


class PublicNames(SphinxDirective):
    """Documents the names in ``__all__`` of the module that is its argument.

    The option `except` names a module that offers some of them as well; these are described there only.
    """

    required_arguments = 1
    option_spec: ClassVar = {"except": str}

    def run(self) -> list[Any]:
        """Return the nodes: the docstring of the module, and each name."""
        self.env.note_reread()  # The source may change when the page does not.
        module = import_module(self.arguments[0])
        elsewhere = import_module(self.options["except"]).__all__ if "except" in self.options else []
        text = []
        for name in sorted({*module.__all__} - {*elsewhere}, key=str.casefold):
            value = getattr(module, name)
            if is_code(value) and not inspect.getdoc(value):
                logger.warning("%s.%s has no docstring", module.__name__, name)
            text += [describe(module.__name__, name), ""]
        lines = ["````{eval-rst}", *"\n".join(text).splitlines(), "````"]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
