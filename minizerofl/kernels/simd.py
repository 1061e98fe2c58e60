"""Short vectors: a few numbers that stay in the processor's registers while a kernel adds rows to them.

A plain loop ``out[i] += a * row[i]`` loads and stores `out` at every pass. LLVM has a type for what we mean,
``<width x float>``, which it spreads over as many registers as the machine needs, but Numba does not offer it. Each of
the nine functions below stands here twice: as it is meant, in NumPy (``plain_``), and as the few LLVM instructions it
becomes (``llvm_``).

Nothing is checked: an index out of range reads what lies there. With bounds checks on (``NUMBA_BOUNDSCHECK=1``), and
with the JIT off, the plain functions are used.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

Floats = NDArray[Any]
config: Any = numba.config

# Floats in a long vector: half of all registers. Multiplications enough are under way to hide how long each takes, and
# long stretches are read: 16 registers of AVX-512 made the sums of rows of ResNet-18 1.08 to 1.13 times as fast as 8.
FEATURES = llvmlite.binding.get_host_cpu_features().flatten() if config.CPU_FEATURES is None else config.CPU_FEATURES
AVX512 = "+avx512f" in FEATURES.split(",")
WIDE = 256 if AVX512 else 64


def plain_load(array: Floats, index: int, width: int, count: int = 1, step: int = 0) -> Any:
    """Read `width` numbers of a flat array from `index` on; or `count` times so many, `step` apart."""
    vectors = np.empty((count, width), array.dtype)
    for row in range(count):
        for i in range(width):
            vectors[row, i] = array[index + row * step + i]
    return vectors


def plain_store(array: Floats, index: int, vectors: Any, step: int = 0) -> None:
    """Write a vector to a flat array, from `index` on; or several, `step` apart."""
    for row in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            array[index + row * step + i] = vectors[row, i]


def plain_add_scaled(totals: Any, factor: Any, vectors: Any) -> Any:
    """Return ``totals + factor * vectors``, in one instruction a register."""
    return totals + factor * vectors


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


def plain_transpose(a: Floats, i: int, length_a: int, b: Floats, j: int, length_b: int) -> None:
    """Write the 8 x 8 floats at ``a[i]`` to ``b[j]``, rows becoming columns; rows are so many floats apart."""
    for row in range(8):
        for column in range(8):
            b[j + column * length_b + row] = a[i + row * length_a + column]


def plain_fetch(array: Floats, index: int) -> None:
    """Have the cache line around ``array[index]`` brought near; nothing waits for it, and it may lie behind the end."""


class Vectors(types.Type):
    """The Numba type of `count` vectors of `width` numbers each."""

    def __init__(self, dtype: Any, width: int, count: int = 1) -> None:
        self.dtype = dtype
        self.width = width
        self.count = count
        super().__init__(name=f"{dtype}x{width}x{count}")


@register_model(Vectors)
class VectorsModel(models.PrimitiveModel):
    """Their representation: an LLVM array of LLVM vectors."""

    def __init__(self, manager: Any, vectors: Vectors) -> None:
        one = ir.VectorType(manager.lookup(vectors.dtype).get_value_type(), vectors.width)
        super().__init__(manager, vectors, ir.ArrayType(one, vectors.count))  # type: ignore[no-untyped-call]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def llvm_load(typing: Any, array: Any, index: Any, width: Any, count: Any = 1, step: Any = 0) -> Any:
    """Type and instructions of `plain_load`."""
    vectors = Vectors(array.dtype, width.literal_value, getattr(count, "literal_value", 1))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = ir.Constant(context.get_value_type(vectors), ir.Undefined)
        at = arguments[1]
        for row in range(vectors.count):
            place = _pointer(context, builder, signature.args[0], arguments[0], at, result.type.element)
            result = builder.insert_value(result, builder.load(place, align=array.dtype.bitwidth // 8), row)
            at = builder.add(at, arguments[4])
        return result

    return vectors(array, types.intp, width, types.intp if count == 1 else count, types.intp), generate


def llvm_store(typing: Any, array: Any, index: Any, vectors: Any, step: Any = 0) -> Any:
    """Type and instructions of `plain_store`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at, values = arguments[1:3]
        for row in range(vectors.count):
            place = _pointer(context, builder, signature.args[0], arguments[0], at, values.type.element)
            builder.store(builder.extract_value(values, row), place, align=array.dtype.bitwidth // 8)
            at = builder.add(at, arguments[3])
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors, types.intp), generate


def _splat(builder: Any, scalar: Any, vector: Any) -> Any:
    anything = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(anything, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, anything, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    )


def llvm_reaches(typing: Any, array: Any, index: Any, cut: Any) -> Any:
    """Type and instructions of `plain_reaches`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vectors(array.dtype, 64)).element
        integers = ir.VectorType(ir.IntType(array.dtype.bitwidth), 64)
        values = builder.load(
            _pointer(context, builder, signature.args[0], arguments[0], arguments[1], vector), align=4
        )
        no_sign = ir.Constant(integers, [2 ** (array.dtype.bitwidth - 1) - 1] * 64)
        magnitudes = builder.bitcast(builder.and_(builder.bitcast(values, integers), no_sign), vector)
        reached = builder.fcmp_ordered(">=", magnitudes, _splat(builder, arguments[2], vector))
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
            numbers = builder.load(_pointer(context, builder, signature.args[0], data, place, vector), align=4)
            anything = ir.Constant(vector, ir.Undefined)
            chosen = builder.call(instruction, [numbers, anything, builder.bitcast(part, mask)])
            builder.store(chosen, _pointer(context, builder, signature.args[4], target, at, vector), align=4)
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


def llvm_add_scaled(typing: Any, totals: Any, factor: Any, vectors: Any) -> Any:
    """Type and instructions of `plain_add_scaled`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = arguments[0]
        factors = _splat(builder, arguments[1], result.type.element)
        for row in range(totals.count):
            product = builder.fmul(factors, builder.extract_value(arguments[2], row), flags=("contract",))
            total = builder.fadd(builder.extract_value(result, row), product, flags=("contract",))
            result = builder.insert_value(result, total, row)
        return result

    return totals(totals, totals.dtype, vectors), generate


def llvm_transpose(typing: Any, a: Any, i: Any, length_a: Any, b: Any, j: Any, length_b: Any) -> Any:
    """Type and instructions of `plain_transpose`.

    Interleave the upper four rows with the lower four, as one shuffles cards; after three times they are the columns.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vectors(a.dtype, 8)).element
        source, step_a, target, step_b = (arguments[k] for k in (1, 2, 4, 5))
        rows = []
        for _ in range(8):
            place = _pointer(context, builder, signature.args[0], arguments[0], source, vector)
            rows.append(builder.load(place, align=a.dtype.bitwidth // 8))
            source = builder.add(source, step_a)
        halves = [
            ir.Constant(ir.VectorType(ir.IntType(32), 8), [k + 8 * other for k in half for other in (0, 1)])
            for half in (range(4), range(4, 8))
        ]
        for _ in range(3):
            rows = [builder.shuffle_vector(rows[k], rows[k + 4], half) for k in range(4) for half in halves]
        for row in rows:
            place = _pointer(context, builder, signature.args[3], arguments[3], target, vector)
            builder.store(row, place, align=a.dtype.bitwidth // 8)
            target = builder.add(target, step_b)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, b, types.intp, types.intp), generate


def llvm_fetch(typing: Any, array: Any, index: Any) -> Any:
    """Type and instructions of `plain_fetch`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], ir.IntType(8))
        options = [ir.Constant(ir.IntType(32), option) for option in (0, 3, 1)]  # to read, in every cache, data
        returns = ir.FunctionType(ir.VoidType(), [place.type, *(option.type for option in options)])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], returns)
        builder.call(prefetch, [place, *options])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


load: Any
store: Any
add_scaled: Any
reaches: Any
lowest: Any
count: Any
transpose: Any
fetch: Any
compress: Any

if config.DISABLE_JIT:
    load, store, add_scaled = plain_load, plain_store, plain_add_scaled
    reaches, lowest, count = plain_reaches, plain_lowest, plain_count
    transpose, fetch, compress = plain_transpose, plain_fetch, plain_compress
elif config.BOUNDSCHECK:
    load, store, add_scaled = kernel(plain_load), kernel(plain_store), kernel(plain_add_scaled)
    reaches, lowest, count = kernel(plain_reaches), kernel(plain_lowest), kernel(plain_count)
    transpose, fetch, compress = kernel(plain_transpose), kernel(plain_fetch), kernel(plain_compress)
else:
    as_instructions = intrinsic(prefer_literal=True)
    load, store, add_scaled = as_instructions(llvm_load), as_instructions(llvm_store), as_instructions(llvm_add_scaled)
    reaches, lowest, count = as_instructions(llvm_reaches), as_instructions(llvm_lowest), as_instructions(llvm_count)
    transpose, fetch = as_instructions(llvm_transpose), as_instructions(llvm_fetch)
    compress = as_instructions(llvm_compress) if AVX512 else kernel(close_gaps)
