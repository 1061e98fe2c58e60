"""What others meet first: the page of a package index, the workflow, issue templates, the container. They all agree."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOME = PROJECT["project"]["urls"]["Homepage"]
RAW = HOME.replace("github.com", "raw.githubusercontent.com")
VERSION = PROJECT["project"]["version"]
GITHUB = ROOT / ".github"
WORKFLOW = (GITHUB / "workflows" / "tests.yml").read_text(encoding="utf-8")
YAML = [*sorted(GITHUB.rglob("*.yml")), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))

# Every way in which Markdown and its HTML name a file.
LINK = re.compile(
    r"""\]\(\s*<?([^)\s>]+)|\b(?:src|srcset|href)\s*=\s*["']?([^"'\s>]+)|^\[[^\]]+\]:\s*(\S+)""", re.MULTILINE
)


def links(markdown: str) -> Iterator[str]:
    """Yield the targets of all links and pictures outside of code."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", markdown, flags=re.MULTILINE | re.DOTALL)
    yield from (next(filter(None, found.groups())) for found in LINK.finditer(text))


def published(markdown: str) -> str:
    """Turn README.md into the text of a package index, as the build does it."""
    for each in PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        markdown = re.sub(each["pattern"], each["replacement"].replace("$HFPR_VERSION", VERSION), markdown)
    return markdown


def test_a_package_index_shows_the_readme_with_links_that_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, after = list(links(readme)), list(links(published(readme)))
    assert len(before) == len(after) > 20
    for ours, theirs in zip(before, after, strict=True):
        assert re.match("https?://|#", theirs), f"{theirs} is relative"
        if not re.match("https?://|#", ours):
            is_picture = Path(ours).suffix in {".png", ".svg", ".gif"}
            assert theirs == f"{RAW if is_picture else HOME + '/blob'}/v{VERSION}/{ours}"
            assert (ROOT / ours.split("#")[0]).exists(), ours


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("![a](docs/a.png)", f"![a]({RAW}/v{VERSION}/docs/a.png)"),
        ('<img src="docs/a.png">', f'<img src="{RAW}/v{VERSION}/docs/a.png">'),
        ('<source srcset="docs/a.png">', f'<source srcset="{RAW}/v{VERSION}/docs/a.png">'),
        ("[![a](docs/a.png)](docs/a.md#b)", f"[![a]({RAW}/v{VERSION}/docs/a.png)]({HOME}/blob/v{VERSION}/docs/a.md#b)"),
        ('<a href="LICENSE">', f'<a href="{HOME}/blob/v{VERSION}/LICENSE">'),
        ("[a](https://b.org) [c](#d) [e](mailto:f@g.h)", "[a](https://b.org) [c](#d) [e](mailto:f@g.h)"),
    ],
)
def test_each_kind_of_link_is_rewritten(ours: str, theirs: str) -> None:
    assert published(ours) == theirs


def test_every_file_names_the_same_home() -> None:
    owner = HOME.split("/")[-2]
    texts = [ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "CITATION.cff", *GITHUB.rglob("*.*")]
    found = {
        re.sub(r"https://(github|raw\.githubusercontent)\.com/([\w-]+/[\w-]+).*", r"\2", address)
        for file in texts
        for address in re.findall(
            r"https://(?:raw\.githubusercontent|github)\.com/[\w-]+/[\w-]+", file.read_text(encoding="utf-8")
        )
    }
    assert found == {f"{owner}/minizerofl"}
    assert f'repository-code: "{HOME}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(GITHUB.glob("*.md")), ids=lambda file: file.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "#")):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_the_workflow_runs_the_test_command_of_the_readme_on_every_python() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python3 .*pytest$", readme, re.MULTILINE)
    runs = re.findall(r"^ +run: (python.*)$", WORKFLOW, re.MULTILINE)
    assert runs == [command, command.replace("python3", "python").replace("/bin/", "/Scripts/")]
    (matrix,) = re.findall(r"python: \[(.*)\]", WORKFLOW)
    assert re.findall(r"[\d.]+", matrix) == PYTHONS
    assert f">={PYTHONS[0]}" == PROJECT["project"]["requires-python"]
    assert "run: bash .ci/run" in WORKFLOW


@pytest.mark.parametrize("file", YAML, ids=lambda file: file.name)
def test_yaml_is_well_formed(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if importlib.util.find_spec("yaml"):
        yaml = importlib.import_module("yaml")
        content = yaml.safe_load(text)
        assert isinstance(content, dict)
        if file.parent.name == "ISSUE_TEMPLATE" and file.name != "config.yml":
            assert content.keys() >= {"name", "description", "body"}
            assert len({part["id"] for part in content["body"]}) == len(content["body"])
    assert "\t" not in text
    for line in text.splitlines():
        assert line == line.rstrip()
        assert (len(line) - len(line.lstrip())) % 2 == 0, f"{file.name}: {line}"


def test_hooks_run_the_programs_of_the_environment() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    programs = {entry.split()[0] for entry in re.findall(r"entry: (.*)", hooks)}
    dev = {re.split("[^a-z-]", each)[0] for each in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert programs == {"ruff", "mypy"} <= dev
    assert hooks.count("language: system") == hooks.count("- id:")


def test_the_container_starts_the_command_and_gets_what_the_wheel_needs() -> None:
    recipe = (ROOT / ".ci" / "Dockerfile").read_text(encoding="utf-8")
    (program,) = PROJECT["project"]["scripts"]
    assert f'ENTRYPOINT ["{program}"]' in recipe
    versions = set(re.findall(r"^FROM python:([\d.]+)-slim", recipe, re.MULTILINE))
    assert len(versions) == 1
    assert versions <= set(PYTHONS)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    packages = {Path(each).parts[0] for each in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    assert let_in == {"pyproject.toml", "README.md", *PROJECT["project"]["license-files"], *packages}
