"""Help worth reading: options in titled sections, arguments explained, summaries whole, values that complete."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import click

from minizerofl.fl.recipes import NAMES, RECIPES
from minizerofl.registry import unknown

WIDTH = 78  # columns of a help text
Value = str | tuple[str, ...] | None  # several, if an option may be repeated
Validator = Callable[[click.Context, click.Parameter, Value], Value]


class SectionOption(click.Option):
    """An option that stands under a title in the help text."""

    def __init__(self, *args: Any, section: str = "Other", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section
        if isinstance(self.type, click.types.IntParamType) and self.metavar is None and not self.is_flag:
            self.metavar = "N"
        if self.metavar and len(f"  {self.opts[0]} {self.metavar}") > WIDTH:  # Too many names for one line.
            names = self.metavar.strip("[]").split("|")
            self.metavar, self.help = "NAME", f"{', '.join(names[:-1])} or {names[-1]}. {self.help}"


class ExplainedArgument(click.Argument):
    """A positional argument that the help text explains; its section is the first."""

    section = "Arguments"

    def __init__(self, *args: Any, help: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._explanation = help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the name and the explanation."""
        name = (self.metavar or str(self.name).upper()).strip("[]")
        return (name if self.required else f"[{name}]"), self._explanation


def argument(*names: str, help: str, **attributes: Any) -> Callable[[Any], Any]:
    """Declare a positional argument with its explanation, as `click.argument` declares one without.

    Examples
    --------
    >>> @click.command(cls=SectionCommand)
    ... @argument("file", help="What to read.")
    ... def show(file):
    ...     pass
    >>> "  FILE  What to read." in show.get_help(click.Context(show))
    True
    """
    return click.argument(*names, cls=ExplainedArgument, help=help, **attributes)


class SummaryGroup(click.Group):
    """A group whose help shows the whole first sentence of each command."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        records = [(name, command.get_short_help_str(1000)) for name, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl(records)


class SectionCommand(click.Command):
    """A command whose options stand in sections, in the order in which they were declared.

    Examples
    --------
    >>> option = SectionOption(["--rounds"], section="Federation", help="How many.")
    >>> command = SectionCommand("train", params=[option])
    >>> "Federation:" in command.get_help(click.Context(command))
    True
    """

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections; that of the arguments comes first."""
        sections: dict[str, list[tuple[str, str]]] = {}
        if any(isinstance(parameter, ExplainedArgument) for parameter in self.get_params(ctx)):
            sections[ExplainedArgument.section] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                sections.setdefault(getattr(parameter, "section", "Other"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=28)


def section(title: str) -> partial[Callable[[Any], Any]]:
    """Return a `click.option` whose options stand under a title."""
    return partial(click.option, cls=SectionOption, section=title)


def one_of(names: Collection[str], own: str = "") -> dict[str, Any]:
    """Return attributes of an option that takes one of some names, completes them, and suggests the nearest.

    Parameters
    ----------
    names : collection of str
        What can be chosen.
    own : str
        What a class of the user's own is called in the help text. Any name with a colon is then taken; whether it can
        be used is found out when the command runs.

    Examples
    --------
    >>> one_of(["full", "topk-diff"])["metavar"], one_of(["full"], own="MODULE:CLASS")["metavar"]
    ('[full|topk-diff]', '[full|MODULE:CLASS]')
    """

    def check(ctx: click.Context, parameter: click.Parameter, value: Value) -> Value:
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None and each not in names and not (own and ":" in each):
                raise click.BadParameter(f"{unknown(each, names)}{f', or {own}' if own else ''}.", ctx, parameter)
        return value

    validator: Validator = check
    metavar = f"[{'|'.join([*names, own] if own else names)}]"
    return {"callback": validator, "metavar": metavar, "shell_complete": completes(lambda: names)}


def completes(names: Callable[[], Collection[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes the value of an option on the command line: the names that begin as it does.

    Examples
    --------
    >>> completes(lambda: ["csr", "rice"])(None, None, "r")
    ['rice']
    """

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def default_text(name: str) -> str:
    """Return the default of a setting for the help text: one value, or that of the default recipe, named as such.

    Examples
    --------
    >>> default_text("sparsity"), default_text("rounds")
    ('[default: 0.95]', '[default: by recipe, femnist quick 30]')
    """
    values = {dataset: [getattr(recipes[each], name) for each in NAMES] for dataset, recipes in RECIPES.items()}
    different = {value for pair in values.values() for value in pair}
    if len(different) == 1:
        return f"[default: {different.pop()}]"
    return f"[default: by recipe, femnist quick {values['femnist'][0]}]"
