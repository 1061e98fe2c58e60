"""The scripts that draw pictures of the docs still run."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_pictures_of_the_chapter_on_kernels_can_be_drawn_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "kernels_pictures.py"), str(tmp_path)], check=True)
    for name in ("kernels-planes.png", "kernels-dw.png"):
        assert (tmp_path / name).stat().st_size > 10_000
        assert name in (DOCS / "kernels.md").read_text()
