"""Short vectors: a few numbers that stay in the processor's registers while a kernel adds rows to them.

A plain loop ``out[i] += a * row[i]`` loads and stores `out` at every pass. LLVM has a type for what we mean,
``<width x float>``, which it spreads over as many registers as the machine needs, but Numba does not offer it. Each of
the functions below stands here twice: as it is meant, in NumPy (``plain_``), and as the few LLVM instructions it
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


def plain_full(number: Any, width: int, count: int = 1) -> Any:
    """Make `count` vectors of `width` equal numbers."""
    vectors = np.empty((count, width), np.asarray(number).dtype)
    vectors[:] = number
    return vectors


def plain_add_scaled(totals: Any, factor: Any, vectors: Any) -> Any:
    """Return ``totals + factor * vectors``, in one instruction a register; the factor is a number or vectors too."""
    return totals + factor * vectors


def plain_where_positive(conditions: Any, vectors: Any) -> Any:
    """Return `vectors` with 0 wherever ``conditions <= 0``."""
    result = vectors.copy()
    for row in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            if conditions[row, i] <= 0:
                result[row, i] = 0
    return result


def plain_total(vector: Any) -> Any:
    """Add up the numbers of a vector: the second half to the first, and again, until one is left."""
    lanes = vector[0].copy()
    n = lanes.size
    while n > 1:
        n //= 2
        for i in range(n):
            lanes[i] += lanes[n + i]
    return lanes[0]


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


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    """Return where a vector lies in an array, from `index` on."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def llvm_load(typing: Any, array: Any, index: Any, width: Any, count: Any = 1, step: Any = 0) -> Any:
    """Type and instructions of `plain_load`."""
    vectors = Vectors(array.dtype, width.literal_value, getattr(count, "literal_value", 1))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = ir.Constant(context.get_value_type(vectors), ir.Undefined)
        at = arguments[1]
        for row in range(vectors.count):
            place = pointer(context, builder, signature.args[0], arguments[0], at, result.type.element)
            result = builder.insert_value(result, builder.load(place, align=array.dtype.bitwidth // 8), row)
            at = builder.add(at, arguments[4])
        return result

    return vectors(array, types.intp, width, types.intp if count == 1 else count, types.intp), generate


def llvm_store(typing: Any, array: Any, index: Any, vectors: Any, step: Any = 0) -> Any:
    """Type and instructions of `plain_store`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at, values = arguments[1:3]
        for row in range(vectors.count):
            place = pointer(context, builder, signature.args[0], arguments[0], at, values.type.element)
            builder.store(builder.extract_value(values, row), place, align=array.dtype.bitwidth // 8)
            at = builder.add(at, arguments[3])
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors, types.intp), generate


def splat(builder: Any, scalar: Any, vector: Any) -> Any:
    """Return an LLVM vector of equal numbers."""
    anything = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(anything, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, anything, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    )


def llvm_add_scaled(typing: Any, totals: Any, factor: Any, vectors: Any) -> Any:
    """Type and instructions of `plain_add_scaled`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = arguments[0]
        for row in range(totals.count):
            if isinstance(factor, Vectors):
                factors = builder.extract_value(arguments[1], row)
            else:
                factors = splat(builder, arguments[1], result.type.element)
            product = builder.fmul(factors, builder.extract_value(arguments[2], row), flags=("contract",))
            total = builder.fadd(builder.extract_value(result, row), product, flags=("contract",))
            result = builder.insert_value(result, total, row)
        return result

    return totals(totals, factor if isinstance(factor, Vectors) else totals.dtype, vectors), generate


def llvm_full(typing: Any, number: Any, width: Any, count: Any = 1) -> Any:
    """Type and instructions of `plain_full`."""
    vectors = Vectors(number, width.literal_value, getattr(count, "literal_value", 1))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = ir.Constant(context.get_value_type(vectors), ir.Undefined)
        for row in range(vectors.count):
            result = builder.insert_value(result, splat(builder, arguments[0], result.type.element), row)
        return result

    return vectors(number, width, types.intp if count == 1 else count), generate


def llvm_where_positive(typing: Any, conditions: Any, vectors: Any) -> Any:
    """Type and instructions of `plain_where_positive`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = arguments[1]
        zeros = ir.Constant(result.type.element, None)
        for row in range(vectors.count):
            passes = builder.fcmp_unordered(">", builder.extract_value(arguments[0], row), zeros)
            chosen = builder.select(passes, builder.extract_value(result, row), zeros)
            result = builder.insert_value(result, chosen, row)
        return result

    return vectors(vectors, vectors), generate


def llvm_total(typing: Any, vector: Any) -> Any:
    """Type and instructions of `plain_total`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = builder.extract_value(arguments[0], 0)
        number = ir.IntType(32)
        while (n := lanes.type.count // 2) > 0:
            halves = [ir.Constant(ir.VectorType(number, n), list(range(at, at + n))) for at in (0, n)]
            lanes = builder.fadd(*(builder.shuffle_vector(lanes, lanes, half) for half in halves))
        return builder.extract_element(lanes, ir.Constant(number, 0))

    return vector.dtype(vector), generate


def llvm_transpose(typing: Any, a: Any, i: Any, length_a: Any, b: Any, j: Any, length_b: Any) -> Any:
    """Type and instructions of `plain_transpose`.

    Interleave the upper four rows with the lower four, as one shuffles cards; after three times they are the columns.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(Vectors(a.dtype, 8)).element
        source, step_a, target, step_b = (arguments[k] for k in (1, 2, 4, 5))
        rows = []
        for _ in range(8):
            place = pointer(context, builder, signature.args[0], arguments[0], source, vector)
            rows.append(builder.load(place, align=a.dtype.bitwidth // 8))
            source = builder.add(source, step_a)
        halves = [
            ir.Constant(ir.VectorType(ir.IntType(32), 8), [k + 8 * other for k in half for other in (0, 1)])
            for half in (range(4), range(4, 8))
        ]
        for _ in range(3):
            rows = [builder.shuffle_vector(rows[k], rows[k + 4], half) for k in range(4) for half in halves]
        for row in rows:
            place = pointer(context, builder, signature.args[3], arguments[3], target, vector)
            builder.store(row, place, align=a.dtype.bitwidth // 8)
            target = builder.add(target, step_b)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, b, types.intp, types.intp), generate


def llvm_fetch(typing: Any, array: Any, index: Any) -> Any:
    """Type and instructions of `plain_fetch`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = pointer(context, builder, signature.args[0], arguments[0], arguments[1], ir.IntType(8))
        options = [ir.Constant(ir.IntType(32), option) for option in (0, 3, 1)]  # to read, in every cache, data
        returns = ir.FunctionType(ir.VoidType(), [place.type, *(option.type for option in options)])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], returns)
        builder.call(prefetch, [place, *options])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def choose(plain: Any, fast: Any) -> Any:
    """Return the plain function if the JIT is off or checks bounds, else the fast one."""
    return kernel(plain) if config.DISABLE_JIT or config.BOUNDSCHECK else fast


as_instructions = intrinsic(prefer_literal=True)
load = choose(plain_load, as_instructions(llvm_load))
store = choose(plain_store, as_instructions(llvm_store))
full = choose(plain_full, as_instructions(llvm_full))
add_scaled = choose(plain_add_scaled, as_instructions(llvm_add_scaled))
where_positive = choose(plain_where_positive, as_instructions(llvm_where_positive))
total = choose(plain_total, as_instructions(llvm_total))
transpose = choose(plain_transpose, as_instructions(llvm_transpose))
fetch = choose(plain_fetch, as_instructions(llvm_fetch))
