"""What pytest leaves out of the doctests here: files that need a package of an extra which is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "results"))  # scripts there use each other

collect_ignore = [] if find_spec("torch") else ["export/torch_models.py"]
collect_ignore += ["conf.py"] if find_spec("sphinx") else ["conf.py", "_book"]
