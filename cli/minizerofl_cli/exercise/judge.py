"""The check of one file, in a process of its own: which properties hold with the student's function in the library.

    python -m minizerofl_cli.exercise.judge ID SEED SECONDS VERBOSE

The file is in the working directory, and the verdict is written into the folder above, so that a file which deletes all
that is beside it gets its verdict too. A process that ends without one has failed.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import IO, Any

import numpy as np

from minizerofl.usercode import describe
from minizerofl_cli.exercise.manifest import Exercise, find
from minizerofl_cli.exercise.properties import Property, Raised, answers, difference, shown

VERDICT, PLACE = "verdict.json", "place.txt"
LOOK = 0.05  # seconds between two looks at how long it has computed
PATIENCE = 4  # how many times longer than it may compute a check may take in all


def judge(exercise: Exercise, function: Any, seed: int, verbose: bool = False) -> dict[str, Any]:
    """Check a function in the place of the exercise's symbol.

    Returns
    -------
    dict
        ``status``, "passed", "failed" or "unwritten"; ``held`` of ``properties``; ``lines`` for a person.
    """
    checks = import_module(exercise.module)
    tables: list[tuple[Property, list[Any]]] = []
    for number, each in enumerate(checks.PROPERTIES):
        tables.append((each, list(each.cases(np.random.default_rng([seed, number])))))
    if not tables or not all(cases for _, cases in tables):
        raise RuntimeError(f"{exercise.id} has no properties, or one without cases")
    results = [_look(exercise, function, each, cases) for each, cases in tables]
    found = [got for result in results for got in result.found]
    unwritten = any(isinstance(got, Raised) and isinstance(got.error, NotImplementedError) for got in found)
    broken = next((result for result in results if result.wrong), None)
    status = "unwritten" if unwritten else "failed" if broken else "passed"
    lines = []
    if status == "failed" and broken:
        lines = _explain(broken, verbose) + _mistake(exercise, checks.MUTANTS, broken, results)
    held = sum(not result.wrong for result in results)
    return {"status": status, "held": held, "properties": len(tables), "lines": lines}


@dataclass(frozen=True)
class Look:
    """A property, its cases, the right answers and those that were found, and the numbers of the cases that differ."""

    asked: Property
    cases: list[Any]
    right: list[Any]
    found: list[Any]
    wrong: list[int]


def _look(exercise: Exercise, function: Any, asked: Property, cases: list[Any]) -> Look:
    right = [asked.expected(**deepcopy(given)) for given in cases]
    found = answers(exercise.symbol, function, asked, cases)
    wrong = [i for i in range(len(cases)) if difference(right[i], found[i], asked.tolerance)]
    return Look(asked, cases, right, found, wrong)


def _explain(look: Look, verbose: bool) -> list[str]:
    """Show the smallest case in which a property does not hold."""
    asked, i = look.asked, look.wrong[0]
    given, right, got = look.cases[i], look.right[i], look.found[i]
    lines = [f"This does not hold: {asked.sentence}"]
    for title, value in (("given", given), ("expected", right), ("got", got)):
        lines += [f"  {'' if n else title:9} {line}" for n, line in enumerate(shown(value))]
    lines += [f"  {'that is':9} {difference(right, got, asked.tolerance)}", f"  {'formula':9} {asked.formula}"]
    if verbose and isinstance(got, Raised):
        lines += "".join(traceback.format_exception(got.error)).splitlines()
    return lines


def _mistake(exercise: Exercise, mutants: Sequence[Any], broken: Look, looks: list[Look]) -> list[str]:
    """Name the known mistake that gives the same answers here, and of several the one that does so most often."""

    def same(mutant: Any, look: Look) -> bool:
        theirs = answers(exercise.symbol, mutant, look.asked, look.cases)
        pairs = zip(theirs, look.found, strict=True)
        return not any(difference(one, other, look.asked.tolerance) for one, other in pairs)

    candidates = [mutant for mutant in mutants if same(mutant, broken)]
    if len(candidates) > 1:
        candidates.sort(key=lambda mutant: -sum(same(mutant, look) for look in looks))
    return [f"  It looks like this mistake: {' '.join(mutant.__doc__.split())}" for mutant in candidates[:1]]


def load(exercise: Exercise, file: Path) -> Any:
    """Run a student's file and return the function, or the words that say why there is none."""
    sys.path.append(str(file.parent.resolve()))
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - for the type checker
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        return f"{file.name}{where}: {error.msg}: {(error.text or '').strip()}".rstrip(": ")
    except BaseException as error:
        return f"{file.name} cannot be run: {describe(error)}"
    if not callable(getattr(module, exercise.function, None)):
        others = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == file.stem]
        return f"{file.name} has no {exercise.function}, only {', '.join(others) or 'other things'}; keep the name"
    return getattr(module, exercise.function)


def _watch(seconds: float, place: IO[str]) -> None:
    """End the process when it has computed for some seconds, and note where it was; on a busy machine that is later."""
    begin = time.process_time()
    while time.process_time() < begin + seconds:
        time.sleep(LOOK)
    place.write("Timeout\n")
    place.flush()
    faulthandler.dump_traceback(place, all_threads=True)
    os._exit(1)


def main() -> None:
    """Write the verdict, and end at once: nothing that the student's code has started is waited for."""
    (exercise,), seed, seconds = find((sys.argv[1],)), int(sys.argv[2]), float(sys.argv[3])
    import_module(exercise.module)
    above = Path.cwd().parent
    with (above / PLACE).open("w") as place:
        faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True, file=place)
        threading.Thread(target=_watch, args=(seconds, place), daemon=True).start()
        function = load(exercise, Path(f"{exercise.stem}.py"))
        if isinstance(function, str):
            verdict = {"status": "failed", "lines": [function]}
        else:
            verdict = judge(exercise, function, seed, verbose=sys.argv[4] == "1")
        faulthandler.cancel_dump_traceback_later()
    (above / "part").write_text(json.dumps(verdict), encoding="utf-8")
    (above / "part").replace(above / VERDICT)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
