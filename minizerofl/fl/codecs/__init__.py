"""Codecs: what a client sends, as bytes."""

from minizerofl.fl.codecs.decode import decode
from minizerofl.fl.codecs.encode import Codec
from minizerofl.fl.codecs.schema import Schema

__all__ = ["Codec", "Schema", "decode"]
