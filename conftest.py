"""What pytest leaves out of the doctests: a module that needs a package of an extra which is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("flwr") else ["minizerofl/fl/engines/flower.py"]
