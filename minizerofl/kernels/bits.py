"""Bit masks: 64 comparisons at a time give the 64 bits of one number, and only the bits that are set are looked at.

As in `minizerofl.kernels.simd`, each function is written twice: in NumPy, and as LLVM instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import Signature

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import (
    AVX512,
    Context,
    Typed,
    Vectors,
    as_instructions,
    choose,
    load,
    pointer,
    splat,
    store,
)
from minizerofl.kernels.types import Array


def plain_mask_at_least(array: Array, index: int, cut: Any) -> Any:
    """Compare 64 floats with a cut: bit i of the result is set where ``abs(array[index + i]) >= cut``."""
    mask = np.uint64(0)
    for i in range(64):
        if np.abs(array[index + i]) >= cut:
            mask |= np.uint64(1) << np.uint64(i)
    return mask


def llvm_mask_at_least(typing: Any, array: Any, index: Any, cut: Any) -> Typed:
    """Type and instructions of `plain_mask_at_least`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        vector = context.get_value_type(Vectors(array.dtype, 64)).element
        integers = ir.VectorType(ir.IntType(array.dtype.bitwidth), 64)
        address = pointer(context, builder, (signature.args[0], arguments[0]), arguments[1], vector)
        values = builder.load(address, align=4)
        no_sign = ir.Constant(integers, [2 ** (array.dtype.bitwidth - 1) - 1] * 64)
        magnitudes = builder.bitcast(builder.and_(builder.bitcast(values, integers), no_sign), vector)
        at_least = builder.fcmp_ordered(">=", magnitudes, splat(builder, arguments[2], vector))
        return builder.bitcast(at_least, ir.IntType(64))

    return types.uint64(array, types.intp, array.dtype), generate


mask_at_least = choose(plain_mask_at_least, as_instructions(llvm_mask_at_least))


def plain_trailing_zeros(mask: Any) -> int:
    """Count trailing zeros (CTZ): return the position of the lowest bit that is set; one must be."""
    i = 0
    while not mask >> np.uint64(i) & np.uint64(1):
        i += 1
    return i


def llvm_trailing_zeros(typing: Any, mask: Any) -> Typed:
    """Type and instructions of `plain_trailing_zeros`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), generate


trailing_zeros = choose(plain_trailing_zeros, as_instructions(llvm_trailing_zeros))


def plain_popcount(mask: Any) -> int:
    """Popcount (population count): return how many bits are set."""
    n = 0
    while mask:
        mask &= mask - np.uint64(1)  # clears the lowest bit that is set
        n += 1
    return n


def llvm_popcount(typing: Any, mask: Any) -> Typed:
    """Type and instructions of `plain_popcount`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        return builder.ctpop(arguments[0])

    return types.intp(types.uint64), generate


popcount = choose(plain_popcount, as_instructions(llvm_popcount))


def plain_compress(array: Array, index: int, mask: Any, valid: Any, out: Array, at: int) -> None:
    """Compress-store: write those of 64 numbers whose bit is set, without gaps.

    Of 8 numbers ``a b c d e f g h`` with the bits of all but c and f, ``a b d e g h`` are written. After them, up to 64
    more numbers of `out` may be overwritten with anything. `valid` has a bit for each number that belongs to the
    input: elsewhere `mask` has no bit, and the array may end.
    """
    while mask:
        out[at] = array[index + trailing_zeros(mask)]
        mask &= mask - np.uint64(1)
        at += 1


def llvm_compress(typing: Any, array: Any, index: Any, mask: Any, valid: Any, out: Any, at: Any) -> Typed:
    """Type and instructions of `plain_compress`: AVX-512 has one that compresses a register."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        data, index, mask, _, target, at = arguments
        size = array.dtype.bitwidth
        lanes = 512 // size
        vector, lane_mask = ir.VectorType(ir.IntType(size), lanes), ir.VectorType(ir.IntType(1), lanes)
        name = f"llvm.x86.avx512.mask.compress.v{lanes}i{size}"  # floats are moved like integers
        instruction = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, ir.FunctionType(vector, [vector, vector, lane_mask]), name
        )
        for start in range(0, 64, lanes):
            part = builder.trunc(builder.lshr(mask, ir.Constant(mask.type, start)), ir.IntType(lanes))
            source = builder.add(index, ir.Constant(index.type, start))
            address = pointer(context, builder, (signature.args[0], data), source, vector)
            anything = ir.Constant(vector, ir.Undefined)
            numbers = builder.load(address, align=4)
            chosen = builder.call(instruction, [numbers, anything, builder.bitcast(part, lane_mask)])
            builder.store(chosen, pointer(context, builder, (signature.args[4], target), at, vector), align=4)
            at = builder.add(at, builder.zext(builder.ctpop(part), at.type))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64, types.uint64, out, types.intp), generate


def close_gaps(array: Array, index: int, mask: Any, valid: Any, out: Array, at: int) -> None:
    """Compress-store for processors without AVX-512, fast for masks with few gaps.

    Copy all 64 numbers, then for each gap copy the rest again, moved down by one. With 8 numbers and gaps at c and f::

        copy all             a b c d e f g h
        copy from d to c     a b d e f g h .
        copy from g to f     a b d e g h . .
    """
    store(out, at, load(array, index, 64))
    gaps = valid & ~mask
    while gaps:
        gap = trailing_zeros(gaps)
        store(out, at + gap, load(array, index + gap + 1, 64))
        gaps &= gaps - np.uint64(1)
        at -= 1


compress = choose(plain_compress, as_instructions(llvm_compress) if AVX512 else kernel(close_gaps))
