"""Exit codes: what went wrong, as one line for people and one number for scripts."""

from __future__ import annotations

import os
import traceback
from typing import Any

import click

from minizerofl.printable import printable
from minizerofl_cli.screen.help import SummaryGroup
from minizerofl_cli.screen.interrupts import Interrupted
from minizerofl_cli.screen.wording import in_options

INTERNAL, USAGE, DATA, TOO_FEW_CLIENTS, DIVERGED, DISK = 1, 2, 3, 4, 5, 6
DEBUG = "minizerofl_cli.debug"  # key in the context of click


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error.

    Examples
    --------
    >>> exit_code(OSError(28, "No space left on device"))
    6
    """
    # Whoever only asks for --help should not wait for numba.
    from minizerofl.export.errors import ExportError, MissingExtraError
    from minizerofl.fl.errors import ConfigError, DivergedError, SealError, TooFewClientsError
    from minizerofl.registry import ChoiceError
    from minizerofl_datasets import DataError

    kinds: list[tuple[type[BaseException], int]] = [
        (ConfigError, USAGE),
        (ChoiceError, USAGE),
        (MissingExtraError, USAGE),
        (ExportError, USAGE),
        (DataError, DATA),
        (SealError, DATA),
        (TooFewClientsError, TOO_FEW_CLIENTS),
        (DivergedError, DIVERGED),
        (OSError, DISK),
    ]
    return next((code for kind, code in kinds if isinstance(error, kind)), INTERNAL)


def message(error: BaseException) -> str:
    """Return what went wrong, on one line.

    Examples
    --------
    >>> message(OSError(13, "Permission denied", "runs"))
    'runs: Permission denied'
    """
    if isinstance(error, OSError) and error.strerror:
        # The failure of a write does not name its file.
        return f"{error.filename}: {error.strerror}" if error.filename else f"cannot write: {error.strerror}"
    from minizerofl.fl.errors import ClientCodeError
    from minizerofl.usercode import describe, users_line

    if isinstance(error, ClientCodeError) or exit_code(error) != INTERNAL:
        return " ".join(str(error).split())
    if users_line(error):  # The mistake is in code of the user's own.
        return describe(error)
    return f"internal error: {describe(error)}; --debug shows where"


def flags_of(command: click.Command) -> dict[str, str]:
    """Return the long option for each name of a parameter, those of all subcommands included.

    Examples
    --------
    >>> flags_of(click.Command("train", params=[click.Option(["--mask-ratio"])]))
    {'mask_ratio': '--mask-ratio'}
    """
    options = [each for each in command.params if isinstance(each, click.Option)]
    flags = {str(each.name): max(each.opts, key=len) for each in options}
    for subcommand in command.commands.values() if isinstance(command, click.Group) else ():
        flags = {**flags_of(subcommand), **flags}
    return flags


class Program(SummaryGroup):
    """The command `minizerofl`: turns every error of a subcommand into one line and an exit code.

    With --debug or MINIZEROFL_DEBUG=1 the traceback comes first.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except click.ClickException as error:  # shown as one line, without the usage line that click puts first
            where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ctx.command_path
            self._fail(ctx, f"{error.format_message()} See {where} --help.", error.exit_code)
        except Interrupted as stop:
            self._fail(ctx, str(stop), stop.exit_code)
        except KeyboardInterrupt:
            self._fail(ctx, "stopped by SIGINT", 130)
        except BrokenPipeError:  # whoever read the output has gone (as in `| head`): nothing is left to be said
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(DISK)
        except Exception as error:
            if ctx.meta.get(DEBUG) or os.environ.get("MINIZEROFL_DEBUG") == "1":
                click.echo(traceback.format_exc(), err=True, nl=False)
            line, code = message(error), exit_code(error)
            self._fail(ctx, line if code == INTERNAL else in_options(line, flags_of(self)), code)

    def _fail(self, ctx: click.Context, line: str, code: int) -> None:
        click.echo(f"minizerofl: {printable(line)}", err=True)
        ctx.exit(code)
