"""Codecs: what a client sends, as bytes."""

from minizerofl.fl.codecs.decode import decode
from minizerofl.fl.codecs.encode import CODECS, Codec
from minizerofl.fl.codecs.message import VALUES
from minizerofl.fl.codecs.schema import Schema

__all__ = ["CODECS", "VALUES", "Codec", "Schema", "decode"]
