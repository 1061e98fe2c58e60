"""`minizerofl exercise` and its commands: exercises that check themselves."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.printable import printable
from minizerofl_cli.screen.help import SectionCommand, SummaryGroup, argument, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

NOT_PASSED = 7  # exit code

_files = section("Files")
_cases = section("Cases")
_output = section("Output")

EXAMPLES = """\b
Examples:
  minizerofl exercise start
      write the text of the next exercise, and a file to fill in
  minizerofl exercise check c1
      is it right?
  minizerofl exercise hint c1
      a question that helps; hint c1 2 and hint c1 3 say more
  minizerofl exercise check --all --json --folder submission
      marks for a program to read
"""

folder_option = _files(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("exercises"),
    show_default=True,
    help="Where your files are.",
)


@click.group(cls=SummaryGroup, epilog=EXAMPLES)
def exercise() -> None:
    """Learn ZeroFL by writing its parts; each exercise checks itself.

    An exercise takes one function of minizerofl away, and you write it. The check puts yours in the place of the
    original, and looks at what the library does with it. All of it works offline; docs/exercises.md says more.
    """


@exercise.command("list", cls=SectionCommand)
@folder_option
@debug_option
def list_exercises(folder: Path) -> None:
    """List the exercises of both tracks, how long they take, and which you have begun."""
    from minizerofl_cli.exercise.lines import list_lines  # imports numpy

    for line in list_lines(folder):
        say(line)


@exercise.command(cls=SectionCommand)
@argument("name", help="An exercise. [default: the first that you have not begun]", required=False, metavar="[ID]")
@folder_option
@debug_option
def start(name: str | None, folder: Path) -> None:
    """Write the text of an exercise, and a file to fill in.

    Files that are there stay as they are.
    """
    from minizerofl_cli.exercise.lines import one, start_lines

    for line in start_lines(one(name, folder), folder):
        say(line)


@exercise.command(cls=SectionCommand)
@argument(
    "names", help="Exercises, or a track: core, engine. [default: those in the folder]", nargs=-1, metavar="[ID...]"
)
@_cases("--all", "everything", is_flag=True, help="Check all exercises; one without a file has not passed.")
@_cases("--seed", type=click.IntRange(0), default=0, show_default=True, help="Fixes the random cases.")
@_output("--json", "as_json", is_flag=True, help="Say it in JSON, for grading.")
@_output("--verbose", is_flag=True, help="Show the traceback where your code raises an exception.")
@folder_option
@debug_option
def check(names: tuple[str, ...], everything: bool, seed: int, as_json: bool, verbose: bool, folder: Path) -> None:
    """Check solutions, each in a process of its own that may compute for 10 seconds.

    The exit code is 0 if all that were checked have passed, and 7 if one has not.
    """
    import json

    from minizerofl_cli.exercise.check import check_all
    from minizerofl_cli.exercise.lines import begun_in, verdict_lines
    from minizerofl_cli.exercise.manifest import EXERCISES, find

    chosen = list(EXERCISES) if everything else find(names) if names else begun_in(folder)
    if not chosen:
        raise click.UsageError(f"There is no exercise in {folder}; to begin: minizerofl exercise start.")
    verdicts = []
    with Interrupts() as interrupts, interrupts.allowed():
        for each, verdict in zip(chosen, check_all(chosen, folder, seed, verbose), strict=True):
            verdicts.append(verdict)
            for line in [] if as_json else verdict_lines(each, verdict):
                click.echo(printable(line))  # not broken, so that arrays keep their columns
    passed = sum(verdict["status"] == "passed" for verdict in verdicts)
    if as_json:
        click.echo(json.dumps({"seed": seed, "passed": passed, "of": len(verdicts), "exercises": verdicts}, indent=1))
    elif len(verdicts) > 1:
        say(f"{passed} of {len(verdicts)} exercises passed.")
    if passed < len(verdicts):
        click.get_current_context().exit(NOT_PASSED)


@exercise.command(cls=SectionCommand)
@argument("name", help="An exercise, for example c1.", metavar="ID")
@argument(
    "number",
    help="1: a question; 2: where to look; 3: a sketch in words. [default: 1]",
    type=click.IntRange(1, 3),
    default=1,
    metavar="[N]",
)
@debug_option
def hint(name: str, number: int) -> None:
    """Give a hint: a question, then where to look, then a sketch in words."""
    from minizerofl_cli.exercise.lines import hint_lines, one

    for line in hint_lines(one(name), number):
        say(line)


@exercise.command(cls=SectionCommand)
@argument("name", help="An exercise, for example c1.", metavar="ID")
@debug_option
def solution(name: str) -> None:
    """Show how the library does it, and in which file."""
    from minizerofl_cli.exercise.lines import one, solution_lines

    for line in solution_lines(one(name)):
        click.echo(line)
