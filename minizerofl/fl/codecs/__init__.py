"""Codecs: what a client sends, as bytes."""

from minizerofl.fl.codecs.decode import decode
from minizerofl.fl.codecs.encode import Codec
from minizerofl.fl.codecs.schema import Schema
from minizerofl.lazy import listing

__all__ = ["Codec", "Schema", "decode"]

__dir__ = listing(__name__)
