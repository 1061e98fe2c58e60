"""Every help text: whole summaries, explained arguments, 80 columns; and the page that documents every option."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from minizerofl.fl.recipes import RECIPES
from minizerofl_cli.main import cli
from minizerofl_cli.screen.help import default_text

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def _commands(group: click.Group = cli, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)


def _find(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


COMMANDS = list(_commands())


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_a_help_text_is_whole(path):
    text = CliRunner().invoke(cli, [*path, "--help"]).output
    options = text.split("Examples:")[0].split("Example, ")[0]
    assert max(map(len, options.splitlines())) <= 80
    assert not re.search(r"[a-z.]\.\.\.", options)  # no summary is cut
    assert not re.search(r"[^,|]* \| [\d.]+[,\]]", options)  # no pairs of numbers as defaults
    for parameter in _find(path).params:
        if isinstance(parameter, click.Argument):
            record = parameter.get_help_record(click.Context(_find(path)))
            assert record
            assert record[0].strip("[]") in text.split("Arguments:")[1]
            assert len(record[1]) > 10


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_on_the_page(path):
    for parameter in _find(path).params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert any(f"`{name}`" in PAGE or f"{name} " in PAGE for name in parameter.opts), parameter.opts


def test_every_command_is_on_the_page():
    for path in COMMANDS:
        assert re.search(rf"minizerofl {' '.join(path)}\b", PAGE), path


def test_the_default_of_a_recipe_is_that_of_the_first_command():
    quick = RECIPES["femnist"]["quick"]
    for name in ("rounds", "clients_per_round", "lr_start", "lr_end", "eval_samples"):
        assert default_text(name) == f"[default: by recipe, femnist quick {getattr(quick, name)}]"
    assert default_text("sparsity") == "[default: 0.95]"


def test_the_contact_sheet_is_described_as_it_is_drawn():
    text = " ".join(CliRunner().invoke(cli, ["data", "preview", "--help"]).output.split())
    assert "a row for each of some clients, a column for each class" in text
