"""Pages read by a strict parser."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page, and refuses what is not well formed or would need anything outside of the file."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []  # all text outside of styles

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        assert len(values) == len(attrs), f"<{tag}> has an attribute twice"
        assert tag not in ("script", "iframe", "img", "object"), f"<{tag}> on a page that needs nothing else"
        for name, value in values.items():
            assert not name.startswith("on"), f"<{tag} {name}>"
            if name in ("src", "href"):
                assert value == "data:,", f"<{tag} {name}={value!r}>"
            if name in ("d", "x", "y", "width", "height", "viewBox", "fill-opacity"):
                assert not re.search("nan|inf", value), f"{name}={value}"
        self.seen.append((tag, values))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data):
        if "style" in self.open:
            assert not re.search(r"url\(|@import", data)
        else:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str, kind: str = "") -> int:
        return sum(name == tag and kind in ("", *values.get("class", "").split()) for name, values in self.seen)


@pytest.fixture(scope="session")
def read_html() -> Callable[[str], Reader]:
    """Read HTML by the strict parser."""

    def read(html: str) -> Reader:
        reader = Reader()
        reader.feed(html)
        reader.close()
        assert not reader.open, f"not closed: {reader.open}"
        return reader

    return read
