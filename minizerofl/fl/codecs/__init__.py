"""Codecs: what is sent, as bytes."""

from minizerofl.fl.codecs.decode import decode
from minizerofl.fl.codecs.encode import Codec
from minizerofl.fl.codecs.parts import Parts, parts_of
from minizerofl.fl.codecs.schema import Schema
from minizerofl.fl.codecs.values import ValueCodec, value_codec
from minizerofl.lazy import listing

__all__ = ["Codec", "Parts", "Schema", "ValueCodec", "decode", "parts_of", "value_codec"]

__dir__ = listing(__name__)
