"""Engines: where a round's jobs are run."""

from minizerofl.fl.engines.threads import ThreadEngine

__all__ = ["ThreadEngine"]
