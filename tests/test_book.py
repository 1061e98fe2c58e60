"""The book as it was built: links lead somewhere, all public names are in it, and a browser shows each page.

sphinx-build -W -b html docs build/book && MINIZEROFL_BOOK=build/book pytest -n 0 tests/test_book.py
"""

import json
import os
import re
import zlib
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from minizerofl_cli.main import cli

BOOK = Path(os.environ.get("MINIZEROFL_BOOK", "no book")).resolve()
DOCS = Path(__file__).parents[1] / "docs"
pytestmark = pytest.mark.skipif(not os.environ.get("MINIZEROFL_BOOK"), reason="MINIZEROFL_BOOK names no built book")
PAGES = sorted(each for each in BOOK.rglob("*.html") if "_" not in each.relative_to(BOOK).parts[0][0])
ROOTS = [DOCS.parent / "minizerofl", DOCS.parent / "datasets" / "minizerofl_datasets"]
PACKAGES = [  # what offers names: packages, ops.py and optim.py, and the modules of kernels
    ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
    for root in ROOTS
    for file in sorted(root.rglob("*.py"))
    if (file.name == "__init__.py" or file.parent in (ROOTS[0], ROOTS[0] / "kernels"))
    and "\n__all__ = " in file.read_text(encoding="utf-8")
]
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"

# A page that opens all pages of the book in a frame, one after the other, and tells how wide each is.
FRAME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>frame</title></head>
<body><iframe id="frame" width="{width}" height="800" style="border:0"></iframe><pre id="found"></pre>
<script>
const frame = document.getElementById("frame"), pages = {pages}, found = [];
frame.onload = function () {{
  const page = frame.contentDocument, style = frame.contentWindow.getComputedStyle(page.body);
  found.push({{name: pages[found.length], width: page.documentElement.scrollWidth, paper: style.backgroundColor,
    ink: style.color, title: page.title, copied: page.querySelectorAll("button.copybtn").length,
    blocks: page.querySelectorAll("div.highlight").length}});
  if (found.length < pages.length) frame.src = pages[found.length];
  else document.getElementById("found").textContent = JSON.stringify(found);
}};
frame.src = pages[0];
</script></body></html>
"""


class Links(HTMLParser):
    """Collects what a page names: targets of links and pictures, and the places that a link can lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name in ("href", "src") and value:
                self.targets.append(value)


@cache
def read(page: Path) -> Links:
    links = Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no place in it."""
    missing = []
    for target in read(page).targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path.partition("?")[0])).resolve() if path else page
        ids = read(file).ids if file.suffix == ".html" and file.exists() else {unquote(anchor)}
        if not file.exists() or (anchor and unquote(anchor) not in ids):
            missing.append(target)
    return missing


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(BOOK)) for page in PAGES])
def test_every_internal_link_resolves(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a id="b" href="#b"></a><a href="#c"></a><a href="d.html"></a>')
    assert broken(tmp_path / "a.html") == ["#c", "d.html"]


def test_every_page_of_docs_is_in_the_book() -> None:
    sources = [each.relative_to(DOCS).with_suffix(".html") for each in DOCS.rglob("*.md")]
    assert len(sources) > 30
    assert [each for each in sources if not (BOOK / each).exists()] == []


def documented() -> set[str]:
    """Return the full names in the inventory of the book."""
    inventory = (BOOK / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_described(package: str) -> None:
    """A name counts if the object is described under any of its names."""
    module, known = import_module(package), documented()
    objects = {id(getattr(import_module(each), name)) for each in PACKAGES for name in _names(each, known)}
    for name in module.__all__:
        value = getattr(module, name)
        if type(value).__name__ != "module" and name != "__version__":
            assert id(value) in objects, f"{package}.{name}"


def _names(package: str, known: set[str]) -> list[str]:
    return [name for name in import_module(package).__all__ if f"{package}.{name}" in known]


def test_every_command_and_option_is_described() -> None:
    text = (BOOK / "commands.html").read_text(encoding="utf-8")

    def check(command: click.Command, path: str) -> None:
        assert f'id="{path.replace(" ", "-")}"' in text, path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or max(parameter.opts, key=len) in text, parameter.opts
        for name, each in command.commands.items() if isinstance(command, click.Group) else ():
            check(each, f"{path} {name}")

    check(cli, "minizerofl")


def look(
    browse: Callable[..., tuple[str, str]], folder: Path, pages: list[Path], width: int, scheme: str
) -> list[dict]:
    """Show pages in a frame of some width; give what was found of each."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width, pages=json.dumps([each.as_uri() for each in pages])))
    document, console = browse(frame, scheme, "--virtual-time-budget=120000")
    assert not console, console
    found = re.search(r'<pre id="found">(.+?)</pre>', document, re.DOTALL)
    assert found, "the browser did not come to the last page"
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_a_browser_shows_every_page(browse, tmp_path: Path, width: int, scheme: str) -> None:
    found = look(browse, tmp_path, PAGES, width, scheme)
    assert len(found) == len(PAGES)
    assert [(each["name"], each["width"]) for each in found if each["width"] != width] == []
    assert all(sum(map(int, re.findall(r"\d+", each["paper"])[:3])) > 600 for each in found) == (scheme == LIGHT)
    assert all(each["ink"] != each["paper"] and each["title"] for each in found)
    assert all(each["copied"] == each["blocks"] for each in found)


def test_a_page_that_is_too_wide_is_found(browse, tmp_path: Path) -> None:
    (tmp_path / "wide.html").write_text('<!DOCTYPE html><title>a</title><p style="width: 400px">a</p>')
    assert look(browse, tmp_path, [tmp_path / "wide.html"], 375, LIGHT)[0]["width"] > 375


def test_the_handout_is_one_page_on_paper(browse, tmp_path: Path) -> None:
    browse(BOOK / "handout.html", f"--print-to-pdf={tmp_path / 'handout.pdf'}")
    sheets = re.findall(rb"/Type\s*/Page\b", (tmp_path / "handout.pdf").read_bytes())
    assert len(sheets) == 1
