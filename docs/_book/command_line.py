"""The directive `command-line`: every command of the program with its options, made from what `--help` says."""

from collections.abc import Iterator
from typing import Any

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from minizerofl_cli.main import cli


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all commands below it, each with what is typed for it.

    Examples
    --------
    >>> [path for path, _ in commands(cli, "minizerofl")][:3]
    ['minizerofl', 'minizerofl train', 'minizerofl resume']
    """
    yield path, command
    for name, each in command.commands.items() if isinstance(command, click.Group) else ():
        yield from commands(each, f"{path} {name}")


def prose(text: str | None) -> Iterator[nodes.Node]:
    r"""Yield the paragraphs of a help text; those after the mark \b keep their lines."""
    for paragraph in (text or "").strip().split("\n\n"):
        if paragraph.lstrip().startswith("\b"):
            lines = paragraph.replace("\b", "").strip("\n")
            yield nodes.literal_block(lines, lines, language="text")
        elif paragraph:
            yield nodes.paragraph("", " ".join(paragraph.split()))


def options(command: click.Command, ctx: click.Context) -> Iterator[nodes.Node]:
    """Yield the arguments and options of a command under the titles that its help has."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record:
            sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
    for title, records in sections.items():
        yield nodes.rubric(title, title)
        listed = nodes.definition_list(classes=["options"])
        for name, text in records:
            term = nodes.term("", "", nodes.literal(name, name))
            listed += nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", text)))
        yield listed


class CommandLine(SphinxDirective):
    """Shows all commands, a section for each."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        self.env.note_reread()  # The program may change when the page does not.
        found = []
        for path, command in commands(cli, "minizerofl"):
            ctx = click.Context(command, info_name=path)
            section = nodes.section("", nodes.title(path, path), ids=[nodes.make_id(path)], names=[path])
            usage = f"{path} {' '.join(command.collect_usage_pieces(ctx))}"
            section += [*prose(command.help), nodes.literal_block(usage, usage, language="text")]
            section += [*options(command, ctx), *prose(command.epilog)]
            found.append(section)
        return found


def setup(app: Any) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
