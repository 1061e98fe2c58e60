"""The sheet for critical reading: each question has its answer, and the answers can be computed."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_each_question_has_its_answer():
    questions = re.findall(
        r"^\*\*(\d+)\. (.*?)(?: \([^)]*\))?\.?\*\*$", (DOCS / "reading-critically.md").read_text(), re.M
    )
    answers = re.findall(r"^## (\d+)\. (.*)$", (DOCS / "reading-critically-answers.md").read_text(), re.M)
    assert questions == answers
    assert [int(number) for number, _ in questions] == list(range(1, 13))


def test_the_sheet_gives_nothing_away():
    sheet = (DOCS / "reading-critically.md").read_text()
    assert ">>>" not in sheet
    assert "answers.md" not in sheet
