"""64 comparisons at a time: their results are the bits of one number, and only those that are set are looked at.

As in `minizerofl.kernels.simd`, each function stands here twice: in NumPy, and as LLVM instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.simd import AVX512, Floats, Vectors, as_instructions, choose, load, pointer, splat, store


def plain_reaches(array: Floats, index: int, cut: Any) -> Any:
    """Compare 64 floats with a cut: bit i of the result is set where ``abs(array[index + i]) >= cut``."""
    bits = np.uint64(0)
    for i in range(64):
        if np.abs(array[index + i]) >= cut:
            bits |= np.uint64(1) << np.uint64(i)
    return bits


def plain_lowest(bits: Any) -> int:
    """Return the position of the lowest bit that is set."""
    i = 0
    while not bits >> np.uint64(i) & np.uint64(1):
        i += 1
    return i


def plain_count(bits: Any) -> int:
    """Count the bits that are set."""
    n = 0
    while bits:
        bits &= bits - np.uint64(1)
        n += 1
    return n


def plain_compress(array: Floats, index: int, bits: Any, among: Any, out: Floats, at: int) -> None:
    """Write those of 64 numbers whose bit is set one after the other, and behind them, up to 64 numbers of any value.

    `among` has the bits of those that matter: where it has none, `bits` has none, and the array may end.
    """
    while bits:
        out[at] = array[index + lowest(bits)]
        bits &= bits - np.uint64(1)
        at += 1


def llvm_reaches(typing: Any, array: Any, index: Any, cut: Any) -> Any:
    """Type and instructions of `plain_reaches`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vectors(array.dtype, 64)).element
        integers = ir.VectorType(ir.IntType(array.dtype.bitwidth), 64)
        values = builder.load(pointer(context, builder, signature.args[0], arguments[0], arguments[1], vector), align=4)
        no_sign = ir.Constant(integers, [2 ** (array.dtype.bitwidth - 1) - 1] * 64)
        magnitudes = builder.bitcast(builder.and_(builder.bitcast(values, integers), no_sign), vector)
        reached = builder.fcmp_ordered(">=", magnitudes, splat(builder, arguments[2], vector))
        return builder.bitcast(reached, ir.IntType(64))

    return types.uint64(array, types.intp, array.dtype), generate


def llvm_lowest(typing: Any, bits: Any) -> Any:
    """Type and instructions of `plain_lowest`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), generate


def llvm_count(typing: Any, bits: Any) -> Any:
    """Type and instructions of `plain_count`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.intp(types.uint64), generate


def llvm_compress(typing: Any, array: Any, index: Any, bits: Any, among: Any, out: Any, at: Any) -> Any:
    """Type and instructions of `plain_compress`, with AVX-512: a register at a time."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, index, bits, _, target, at = arguments
        size = array.dtype.bitwidth
        lanes = 512 // size
        vector, mask = ir.VectorType(ir.IntType(size), lanes), ir.VectorType(ir.IntType(1), lanes)
        name = f"llvm.x86.avx512.mask.compress.v{lanes}i{size}"  # floats are moved like integers
        instruction = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, ir.FunctionType(vector, [vector, vector, mask]), name
        )
        for start in range(0, 64, lanes):
            part = builder.trunc(builder.lshr(bits, ir.Constant(bits.type, start)), ir.IntType(lanes))
            place = builder.add(index, ir.Constant(index.type, start))
            numbers = builder.load(pointer(context, builder, signature.args[0], data, place, vector), align=4)
            anything = ir.Constant(vector, ir.Undefined)
            chosen = builder.call(instruction, [numbers, anything, builder.bitcast(part, mask)])
            builder.store(chosen, pointer(context, builder, signature.args[4], target, at, vector), align=4)
            at = builder.add(at, builder.zext(builder.ctpop(part), at.type))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64, types.uint64, out, types.intp), generate


def close_gaps(array: Floats, index: int, bits: Any, among: Any, out: Floats, at: int) -> None:
    """Do what `plain_compress` says where few are left out: write all, and behind each gap all again, one ahead.

    3.4 times as fast as number by number in `minizerofl.kernels.topk.keep_rows`; the instruction of AVX-512 is up to 3
    times as fast as this.
    """
    store(out, at, load(array, index, 64))
    gaps = among & ~bits
    while gaps:
        gap = lowest(gaps)
        store(out, at + gap, load(array, index + gap + 1, 64))
        gaps &= gaps - np.uint64(1)
        at -= 1


reaches = choose(plain_reaches, as_instructions(llvm_reaches))
lowest = choose(plain_lowest, as_instructions(llvm_lowest))
count = choose(plain_count, as_instructions(llvm_count))
compress = choose(plain_compress, as_instructions(llvm_compress) if AVX512 else kernel(close_gaps))
