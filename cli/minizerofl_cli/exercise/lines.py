"""What the commands say and write: the list, a begun exercise, a verdict, a hint, a solution."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from minizerofl.registry import ChoiceError
from minizerofl_cli.exercise.manifest import EXERCISES, TRACKS, Exercise, find
from minizerofl_cli.exercise.symbols import make_stub, source_of


def list_lines(folder: Path) -> Iterator[str]:
    """List the tracks and their exercises, and say which are begun."""
    for track, about in TRACKS.items():
        mine = [each for each in EXERCISES if each.track == track]
        yield f"{track} track: {about}; {sum(each.minutes for each in mine)} minutes"
        for each in mine:
            after = f"after {', '.join(each.needs)}" if each.needs else ""
            begun = "begun" if each in begun_in(folder) else ""
            yield f"  {each.id}  {each.title:34} {each.minutes:2} min  {after:14} {begun}".rstrip()
    yield "To begin: minizerofl exercise start"


def begun_in(folder: Path) -> list[Exercise]:
    """Return the exercises whose file is in a folder."""
    return [each for each in EXERCISES if (folder / f"{each.stem}.py").exists()]


def one(name: str | None, folder: Path = Path()) -> Exercise:
    """Return the exercise with an id; without one, the first that is not begun.

    Raises
    ------
    ChoiceError
        There is no such exercise.
    """
    if name is None:
        return next((each for each in EXERCISES if each not in begun_in(folder)), EXERCISES[-1])
    if name in TRACKS:
        raise ChoiceError(f"{name} is a track; name one exercise, for example {name[0]}1")
    return find((name,))[0]


def start_lines(exercise: Exercise, folder: Path) -> Iterator[str]:
    """Write the text and the stub of an exercise; a file that is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".md", exercise.text()), (".py", make_stub(exercise))):
        file = folder / f"{exercise.stem}{suffix}"
        try:
            with file.open("x", encoding="utf-8") as stream:
                stream.write(content)
            yield f"Written: {file}"
        except FileExistsError:
            yield f"Kept as it is: {file}"
    yield f"{exercise.id}, {exercise.title}: about {exercise.minutes} minutes. Read the text, then write the function."
    yield f"Then: minizerofl exercise check {exercise.id}"


def verdict_lines(exercise: Exercise, verdict: dict[str, Any]) -> Iterator[str]:
    """Tell a verdict: how many properties hold, what does not, and what to do next."""
    head, held = f"{exercise.id}, {exercise.title}", f"{verdict['held']} of {verdict['properties']} properties hold"
    if verdict["status"] == "passed":
        yield f"{head}: {held}. Passed."
    elif verdict["status"] == "unwritten":
        yield f"{head}: {exercise.function} is not written yet. The text is in {exercise.stem}.md."
    else:
        yield f"{head}: {held}. Not passed." if verdict["properties"] else f"{head}: not passed."
        yield from verdict["lines"]
    if verdict["status"] in ("failed", "unwritten"):
        yield f"Help: minizerofl exercise hint {exercise.id}"


def hint_lines(exercise: Exercise, number: int) -> Iterator[str]:
    """Give one of the three hints, and say how to get the next."""
    yield exercise.hints()[number - 1]
    after = f"hint {exercise.id} {number + 1}" if number < 3 else f"solution {exercise.id}"
    yield f"More: minizerofl exercise {after}"


def solution_lines(exercise: Exercise) -> Iterator[str]:
    """Show the library's own source, and the same in plain NumPy where that is easier to read."""
    has_plain = hasattr(import_module(exercise.module), "plain")
    places = [exercise.symbol, *([f"{exercise.module}:plain"] if has_plain else [])]
    for title, place in zip(("The library", "In plain NumPy"), places, strict=False):
        file, source = source_of(place)
        yield f"# {title}: {place.replace(':', '.')}, in {file}"
        yield from ["", *source.splitlines(), ""]
