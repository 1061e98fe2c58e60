"""Pages link to source files as GitHub wants it; in the book these links lead to the repository.

A page that is a notebook also gets a link to itself as .ipynb.
"""

import re
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/minizerofl/minizerofl/blob/main"
SHOWN = {".md", ".png", ".svg"}  # what the book holds itself
LINK = re.compile(r"(\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s:#]+)(#[^)\s]*)?(?=\))")


def absolute(markdown: str, folder: Path, root: Path) -> str:
    """Give the links of a page in a folder that lead out of the book the address that they have in the repository.

    Examples
    --------
    >>> root = Path(__file__).parents[2]
    >>> absolute("[`SGD`](../minizerofl/optim.py), [k](glossary.md#words)", root / "docs", root)
    '[`SGD`](https://github.com/minizerofl/minizerofl/blob/main/minizerofl/optim.py), [k](glossary.md#words)'
    """

    def rewrite(found: re.Match[str]) -> str:
        before, target, anchor = found[1], found[2], found[3] or ""
        file = (folder / target).resolve()
        if not file.exists() or (file.suffix in SHOWN and file.is_relative_to(root / "docs")):
            return found[0]  # A link that leads nowhere is left for Sphinx, which complains.
        return f"{before}{REPOSITORY}/{file.relative_to(root).as_posix()}{anchor}"

    return LINK.sub(rewrite, markdown)


def _on_read(app: Any, name: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(name))
    source[0] = absolute(source[0], page.parent, Path(app.srcdir).resolve().parent)
    if source[0].startswith("---\njupytext:"):
        download = f"\\1\n\nThis page is a notebook: {{nb-download}}`{page.stem}.ipynb`.\n"
        source[0] = re.sub(r"^(# .*)$", download, source[0], count=1, flags=re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Register the rule with Sphinx."""
    app.connect("source-read", _on_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
