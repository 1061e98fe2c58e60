"""Short vectors: a few numbers that stay in the processor's registers while a kernel adds rows to them.

A plain loop ``out[i] += a * row[i]`` loads and stores `out` at every pass. LLVM has a type for what we mean,
``<width x float>``, which it spreads over as many registers as the machine needs, but Numba does not offer it. Each of
the eight functions below stands here twice: as it is meant, in NumPy (``plain_``), and as the few LLVM instructions it
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
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from minizerofl.kernels.jit import kernel

Floats = NDArray[Any]
config: Any = numba.config

# Floats in a long vector: half of all registers. Multiplications enough are under way to hide how long each takes, and
# long stretches are read: 16 registers of AVX-512 made the sums of rows of ResNet-18 1.08 to 1.13 times as fast as 8.
FEATURES = llvmlite.binding.get_host_cpu_features().flatten() if config.CPU_FEATURES is None else config.CPU_FEATURES
WIDE = 256 if "+avx512f" in FEATURES.split(",") else 64


def plain_load(array: Floats, index: int, width: int) -> Any:
    """Read `width` numbers of a flat array, from `index` on."""
    vector = np.empty(width, array.dtype)
    for i in range(width):
        vector[i] = array[index + i]
    return vector


def plain_store(array: Floats, index: int, vector: Any) -> None:
    """Write a vector to a flat array, from `index` on."""
    for i in range(vector.size):
        array[index + i] = vector[i]


def plain_add_scaled(total: Any, factor: Any, vector: Any) -> Any:
    """Return ``total + factor * vector``, in one instruction a register."""
    return total + factor * vector


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


def plain_transpose(a: Floats, i: int, length_a: int, b: Floats, j: int, length_b: int) -> None:
    """Write the 8 x 8 floats at ``a[i]`` to ``b[j]``, rows becoming columns; rows are so many floats apart."""
    for row in range(8):
        for column in range(8):
            b[j + column * length_b + row] = a[i + row * length_a + column]


def plain_fetch(array: Floats, index: int) -> None:
    """Have the cache line around ``array[index]`` brought near; nothing waits for it, and it may lie behind the end."""


class Vector(types.Type):
    """The Numba type of a vector of `width` numbers."""

    def __init__(self, dtype: Any, width: int) -> None:
        self.dtype = dtype
        self.width = width
        super().__init__(name=f"{dtype}x{width}")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """Its representation: one LLVM value."""

    def __init__(self, manager: Any, vector: Vector) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.width))  # type: ignore[no-untyped-call]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def llvm_load(typing: Any, array: Any, index: Any, width: Any) -> Any:
    """Type and instructions of `plain_load`."""
    vector = Vector(array.dtype, width.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(
            context, builder, signature.args[0], arguments[0], arguments[1], context.get_value_type(vector)
        )
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return vector(array, types.intp, width), generate


def llvm_store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Type and instructions of `plain_store`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], arguments[2].type)
        builder.store(arguments[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


def _splat(builder: Any, scalar: Any, vector: Any) -> Any:
    anything = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(anything, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, anything, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    )


def llvm_reaches(typing: Any, array: Any, index: Any, cut: Any) -> Any:
    """Type and instructions of `plain_reaches`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vector(array.dtype, 64))
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


def llvm_add_scaled(typing: Any, total: Any, factor: Any, vector: Any) -> Any:
    """Type and instructions of `plain_add_scaled`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        product = builder.fmul(_splat(builder, arguments[1], arguments[0].type), arguments[2], flags=("contract",))
        return builder.fadd(arguments[0], product, flags=("contract",))

    return total(total, total.dtype, vector), generate


def llvm_transpose(typing: Any, a: Any, i: Any, length_a: Any, b: Any, j: Any, length_b: Any) -> Any:
    """Type and instructions of `plain_transpose`.

    Interleave the upper four rows with the lower four, as one shuffles cards; after three times they are the columns.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vector(a.dtype, 8))
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

if config.DISABLE_JIT:
    load, store, add_scaled = plain_load, plain_store, plain_add_scaled
    reaches, lowest, count = plain_reaches, plain_lowest, plain_count
    transpose, fetch = plain_transpose, plain_fetch
elif config.BOUNDSCHECK:
    load, store, add_scaled = kernel(plain_load), kernel(plain_store), kernel(plain_add_scaled)
    reaches, lowest, count = kernel(plain_reaches), kernel(plain_lowest), kernel(plain_count)
    transpose, fetch = kernel(plain_transpose), kernel(plain_fetch)
else:
    as_instructions = intrinsic(prefer_literal=True)
    load, store, add_scaled = as_instructions(llvm_load), as_instructions(llvm_store), as_instructions(llvm_add_scaled)
    reaches, lowest, count = as_instructions(llvm_reaches), as_instructions(llvm_lowest), as_instructions(llvm_count)
    transpose, fetch = as_instructions(llvm_transpose), as_instructions(llvm_fetch)
