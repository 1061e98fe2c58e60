"""Every exercise is proved: the reference passes, the stub fails, and each known mistake fails and is named."""

import inspect
import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import minizerofl_cli.exercise
from minizerofl_cli.exercise.judge import judge
from minizerofl_cli.exercise.manifest import EXERCISES, TRACKS
from minizerofl_cli.exercise.symbols import make_stub, replaced

FOLDER = Path(minizerofl_cli.exercise.__file__).parent
PAGE = (Path(__file__).parents[3] / "docs" / "exercises.md").read_text()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.stem)
MUTANTS = [(each, mutant) for each in EXERCISES for mutant in import_module(each.module).MUTANTS]


def reference(exercise):
    module, _, path = exercise.symbol.partition(":")
    return reduce(getattr, path.split("."), import_module(module))


def stub(exercise):
    names = {}
    exec(compile(make_stub(exercise), exercise.stem, "exec"), names)
    return names[exercise.function]


def parameters(function):
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@each_exercise
def test_the_reference_passes(exercise):
    checks = import_module(exercise.module)
    for solution in filter(None, (reference(exercise), getattr(checks, "plain", None))):
        verdict = judge(exercise, solution, seed=0)
        assert verdict == {**verdict, "status": "passed", "held": len(checks.PROPERTIES), "lines": []}
    assert len(checks.PROPERTIES) >= 5


@pytest.mark.long
@each_exercise
@settings(max_examples=5)
@example(seed=2026)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_reference_passes_with_every_seed(exercise, seed):
    assert judge(exercise, reference(exercise), seed)["status"] == "passed"


@each_exercise
def test_the_stub_fails(exercise):
    verdict = judge(exercise, stub(exercise), seed=0)
    assert verdict["status"] == "unwritten"
    assert verdict["held"] < verdict["properties"]


@pytest.mark.long
@pytest.mark.parametrize(("exercise", "mutant"), MUTANTS, ids=[f"{each.id}-{m.__name__}" for each, m in MUTANTS])
def test_a_mistake_is_found_and_named(exercise, mutant):
    verdict = judge(exercise, mutant, seed=0)
    assert verdict["status"] == "failed"
    named = [line for line in verdict["lines"] if "looks like this mistake" in line]
    assert named == [f"  It looks like this mistake: {' '.join(mutant.__doc__.split())}"], verdict["lines"]
    assert [line for line in verdict["lines"] if re.match("  (given|expected|got|that is|formula) ", line)]


@each_exercise
def test_at_least_three_mistakes_are_known_under_other_names(exercise):
    names = [mutant.__doc__ for mutant in import_module(exercise.module).MUTANTS]
    assert len(set(names)) == len(names) >= 3


@each_exercise
def test_a_seed_gives_other_cases_and_the_first_is_that_of_the_text(exercise):
    def never(*arguments):
        return None

    one, other = (judge(exercise, never, seed)["lines"] for seed in (0, 1))
    assert one
    assert one == other  # the example of the text does not depend on the seed


@each_exercise
def test_the_stub_keeps_the_signature_and_the_docstring_of_the_source(exercise):
    made, real = stub(exercise), reference(exercise)
    names = ("forward", "backward") if inspect.isclass(real) else ()
    for ours, theirs in [(getattr(made, each), getattr(real, each)) for each in names] or [(made, real)]:
        assert parameters(ours) == parameters(theirs)
        assert inspect.cleandoc(ours.__doc__ or "") == inspect.cleandoc(theirs.__doc__ or "")
    code = make_stub(exercise).rpartition('"""')[2]
    assert not re.search(r"\b(return|for|while|if)\b", code)


@each_exercise
def test_the_symbol_is_there_again_after_a_check(exercise):
    before = reference(exercise)
    with replaced(exercise.symbol, lambda *arguments: None):
        assert reference(exercise) is not before
    assert reference(exercise) is before


@each_exercise
def test_the_text_is_whole(exercise):
    text = exercise.text()
    assert text.startswith(f"# {exercise.id}: {exercise.title}\n")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["The idea", "The formula", "A worked example", "What to write", "Where it is used"]
    assert f"`{exercise.function}(" in text or f"`{exercise.function}`" in text
    hints = exercise.hints()
    assert len(hints) == 3
    assert "?" in hints[0]
    assert re.search(r"section|docs/|\.py", hints[1])
    assert all(40 < len(hint) < 500 for hint in hints)


def test_each_file_belongs_to_the_manifest():
    for track in TRACKS:
        stems = {file.stem for file in (FOLDER / track).iterdir() if file.suffix in (".py", ".md")} - {"__init__"}
        assert stems == {each.stem for each in EXERCISES if each.track == track}


def test_exercises_come_after_what_they_need():
    ids = [each.id for each in EXERCISES]
    assert len(set(ids)) == len(ids) == 16
    for i, each in enumerate(EXERCISES):
        assert set(each.needs) <= set(ids[:i])
        assert 10 <= each.minutes <= 60


def test_the_page_lists_the_manifest():
    rows = re.findall(r"^\| ([ce]\d) \| (.*?) \| (\d+) \| (.*?) ?\| `(.*?)` \|$", PAGE, re.MULTILINE)
    expected = []
    for each in EXERCISES:
        name = each.symbol.partition(":")[2]
        expected.append((each.id, each.title, str(each.minutes), ", ".join(each.needs), name))
    assert rows == expected


def test_a_check_without_properties_is_an_error(monkeypatch):
    exercise = EXERCISES[0]
    checks = import_module(exercise.module)
    for properties in ((), (type(checks.PROPERTIES[0])("", "", lambda rng: [], None, None),)):
        monkeypatch.setattr(checks, "PROPERTIES", properties)
        with pytest.raises(RuntimeError, match="no properties"):
            judge(exercise, reference(exercise), seed=0)
