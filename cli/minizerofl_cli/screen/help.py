"""Help worth reading: options in titled sections, defaults of the recipes in the text, examples as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import click

from minizerofl.fl.recipes import NAMES, RECIPES
from minizerofl.registry import unknown

Validator = Callable[[click.Context, click.Parameter, str | None], str | None]


class SectionOption(click.Option):
    """An option that stands under a title in the help text."""

    def __init__(self, *args: Any, section: str = "Other", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


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
        """Write the sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
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
    """Return attributes of an option that takes one of some names, and suggests the nearest for any other.

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

    def check(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is None or value in names or (own and ":" in value):
            return value
        raise click.BadParameter(f"{unknown(value, names)}{f', or {own}' if own else ''}.", ctx, parameter)

    validator: Validator = check
    return {"callback": validator, "metavar": f"[{'|'.join([*names, own] if own else names)}]"}


def default_text(name: str) -> str:
    """Return the default of a setting for the help text: one value, or each recipe's.

    Examples
    --------
    >>> default_text("sparsity"), default_text("rounds")
    ('[default: 0.95]', '[femnist 30 | 1000, cifar10 10 | 700, speech_commands 20 | 200]')
    """
    values = {dataset: [getattr(recipes[each], name) for each in NAMES] for dataset, recipes in RECIPES.items()}
    different = {value for pair in values.values() for value in pair}
    if len(different) == 1:
        return f"[default: {different.pop()}]"
    return "[" + ", ".join(f"{dataset} {quick} | {paper}" for dataset, (quick, paper) in values.items()) + "]"
