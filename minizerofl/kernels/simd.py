"""SIMD vectors (single instruction, multiple data): rows of floats that one instruction loads, multiplies or adds.

A plain loop ``out[i] += a * x[i]`` loads and stores `out` at every pass. LLVM, the compiler under Numba, has a type for
sums that stay in the processor's registers, ``<width x float>``, which it spreads over as many registers as the machine
needs. Numba does not offer it. So each function below is written twice, side by side: first what it means, in NumPy
(``plain_``), then the few LLVM instructions that do it (``llvm_``). One of the `width` places of a vector is a lane.

Nothing is checked: an index out of range reads whatever memory is there. With bounds checks on
(``NUMBA_BOUNDSCHECK=1``), and with the JIT off, the plain functions are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, models, register_model

from minizerofl.kernels.jit import kernel
from minizerofl.kernels.types import Array

Context = Any  # Numba's BaseContext, which knows how values are represented; it has no type hints
Typed = tuple[Signature, Callable[..., ir.Value]]  # what an intrinsic returns: its signature, and what emits its code
config: Any = numba.config

# The lanes of the longest vector: half of all registers. Enough independent multiply-adds are then in flight to hide
# their latency (the time until a result can be used), and memory is read in long runs.
FEATURES = llvmlite.binding.get_host_cpu_features().flatten() if config.CPU_FEATURES is None else config.CPU_FEATURES
AVX512 = "+avx512f" in FEATURES.split(",")
MAX_LANES = 256 if AVX512 else 64


class Vectors(types.Type):
    """The Numba type of `count` vectors of `width` numbers each."""

    def __init__(self, dtype: types.Type, width: int, count: int = 1) -> None:
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


def choose(plain: Any, fast: Any) -> Any:
    """Return the plain function if the JIT is off or checks bounds, else the fast one."""
    return kernel(plain) if config.DISABLE_JIT or config.BOUNDSCHECK else fast


as_instructions = intrinsic(prefer_literal=True)


def pointer(
    context: Context, builder: ir.IRBuilder, array: tuple[types.Array, ir.Value], index: ir.Value, vector: ir.Type
) -> ir.Value:
    """Return the address of ``array[index]`` as that of a vector; `array` is its Numba type and its value."""
    data = context.make_array(array[0])(context, builder, array[1]).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def splat(builder: ir.IRBuilder, scalar: ir.Value, vector: ir.VectorType) -> ir.Value:
    """Return an LLVM vector of equal numbers."""
    anything = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(anything, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, anything, lanes([0] * vector.count))


def lanes(numbers: list[int]) -> ir.Constant:
    """Return the numbers of the lanes that ``shuffle_vector`` takes from two vectors."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)


def plain_load(array: Array, index: int, width: int, count: int = 1, step: int = 0) -> Array:
    """Read `width` numbers of a flat array from `index` on; or `count` such vectors, `step` numbers apart."""
    vectors = np.empty((count, width), array.dtype)
    for v in range(count):
        for i in range(width):
            vectors[v, i] = array[index + v * step + i]
    return vectors


def llvm_load(typing: Any, array: Any, index: Any, width: Any, count: Any = 1, step: Any = 0) -> Typed:
    """Type and instructions of `plain_load`."""
    vectors = Vectors(array.dtype, width.literal_value, getattr(count, "literal_value", 1))

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        result = ir.Constant(context.get_value_type(vectors), ir.Undefined)
        at = arguments[1]
        for v in range(vectors.count):
            address = pointer(context, builder, (signature.args[0], arguments[0]), at, result.type.element)
            result = builder.insert_value(result, builder.load(address, align=array.dtype.bitwidth // 8), v)
            at = builder.add(at, arguments[4])
        return result

    return vectors(array, types.intp, width, types.intp if count == 1 else count, types.intp), generate


load = choose(plain_load, as_instructions(llvm_load))


def plain_store(array: Array, index: int, vectors: Array, step: int = 0) -> None:
    """Write a vector to a flat array, from `index` on; or several, `step` numbers apart."""
    for v in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            array[index + v * step + i] = vectors[v, i]


def llvm_store(typing: Any, array: Any, index: Any, vectors: Any, step: Any = 0) -> Typed:
    """Type and instructions of `plain_store`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        at, values = arguments[1:3]
        for v in range(vectors.count):
            address = pointer(context, builder, (signature.args[0], arguments[0]), at, values.type.element)
            builder.store(builder.extract_value(values, v), address, align=array.dtype.bitwidth // 8)
            at = builder.add(at, arguments[3])
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors, types.intp), generate


store = choose(plain_store, as_instructions(llvm_store))


def plain_full(number: Any, width: int, count: int = 1) -> Array:
    """Make `count` vectors of `width` equal numbers."""
    vectors = np.empty((count, width), np.asarray(number).dtype)
    vectors[:] = number
    return vectors


def llvm_full(typing: Any, number: Any, width: Any, count: Any = 1) -> Typed:
    """Type and instructions of `plain_full`."""
    vectors = Vectors(number, width.literal_value, getattr(count, "literal_value", 1))

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        result = ir.Constant(context.get_value_type(vectors), ir.Undefined)
        for v in range(vectors.count):
            result = builder.insert_value(result, splat(builder, arguments[0], result.type.element), v)
        return result

    return vectors(number, width, types.intp if count == 1 else count), generate


full = choose(plain_full, as_instructions(llvm_full))


def plain_fma(sums: Array, factor: Any, vectors: Array) -> Array:
    """Fused multiply-add (FMA): return ``sums + factor * vectors``; the factor is a number or vectors too."""
    result: Array = sums + factor * vectors
    return result


def llvm_fma(typing: Any, sums: Any, factor: Any, vectors: Any) -> Typed:
    """Type and instructions of `plain_fma`: with `contract` LLVM makes one instruction of two."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        result = arguments[0]
        for v in range(sums.count):
            if isinstance(factor, Vectors):
                factors = builder.extract_value(arguments[1], v)
            else:
                factors = splat(builder, arguments[1], result.type.element)
            product = builder.fmul(factors, builder.extract_value(arguments[2], v), flags=("contract",))
            total = builder.fadd(builder.extract_value(result, v), product, flags=("contract",))
            result = builder.insert_value(result, total, v)
        return result

    return sums(sums, factor if isinstance(factor, Vectors) else sums.dtype, vectors), generate


fma = choose(plain_fma, as_instructions(llvm_fma))


def plain_where_positive(conditions: Array, vectors: Array) -> Array:
    """Return `vectors` with 0 wherever ``conditions <= 0``."""
    result = vectors.copy()
    for v in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            if conditions[v, i] <= 0:
                result[v, i] = 0
    return result


def llvm_where_positive(typing: Any, conditions: Any, vectors: Any) -> Typed:
    """Type and instructions of `plain_where_positive`: "unordered" comparisons are true where one number is NaN."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        result = arguments[1]
        zeros = ir.Constant(result.type.element, None)
        for v in range(vectors.count):
            passes = builder.fcmp_unordered(">", builder.extract_value(arguments[0], v), zeros)
            chosen = builder.select(passes, builder.extract_value(result, v), zeros)
            result = builder.insert_value(result, chosen, v)
        return result

    return vectors(vectors, vectors), generate


where_positive = choose(plain_where_positive, as_instructions(llvm_where_positive))


def plain_reduce_add(vector: Array) -> Any:
    """Horizontal sum: add the second half of a vector's lanes to the first, and again, until one is left."""
    sums = vector[0].copy()
    n = sums.size
    while n > 1:
        n //= 2
        for i in range(n):
            sums[i] += sums[n + i]
    return sums[0]


def llvm_reduce_add(typing: Any, vector: Any) -> Typed:
    """Type and instructions of `plain_reduce_add`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        sums = builder.extract_value(arguments[0], 0)
        while (n := sums.type.count // 2) > 0:
            halves = [lanes(list(range(first, first + n))) for first in (0, n)]
            sums = builder.fadd(*(builder.shuffle_vector(sums, sums, half) for half in halves))
        return builder.extract_element(sums, ir.Constant(ir.IntType(32), 0))

    return vector.dtype(vector), generate


reduce_add = choose(plain_reduce_add, as_instructions(llvm_reduce_add))


def plain_transpose(a: Array, i: int, step_a: int, b: Array, j: int, step_b: int) -> None:
    """Write the transpose of the 8 x 8 floats at ``a[i]`` to ``b[j]``; rows are `step_a` and `step_b` floats apart."""
    for row in range(8):
        for column in range(8):
            b[j + column * step_b + row] = a[i + row * step_a + column]


def llvm_transpose(typing: Any, a: Any, i: Any, step_a: Any, b: Any, j: Any, step_b: Any) -> Typed:
    """Type and instructions of `plain_transpose`: perfect shuffles in registers.

    One shuffle interleaves the upper half of the rows with the lower half, as one shuffles cards. It transposes two
    rows: of 8 numbers, ``0 1 2 3`` and ``4 5 6 7`` become ``0 4 1 5 2 6 3 7``, the rows ``0 4``, ``1 5``, ``2 6``,
    ``3 7``. Eight rows need three shuffles, since 8 is 2 * 2 * 2.
    """

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        vector = context.get_value_type(Vectors(a.dtype, 8)).element
        source, gap_a, target, gap_b = (arguments[k] for k in (1, 2, 4, 5))
        rows = []
        for _ in range(8):
            address = pointer(context, builder, (signature.args[0], arguments[0]), source, vector)
            rows.append(builder.load(address, align=a.dtype.bitwidth // 8))
            source = builder.add(source, gap_a)
        halves = [lanes([k + 8 * other for k in half for other in (0, 1)]) for half in (range(4), range(4, 8))]
        for _ in range(3):
            rows = [builder.shuffle_vector(rows[k], rows[k + 4], half) for k in range(4) for half in halves]
        for row in rows:
            address = pointer(context, builder, (signature.args[3], arguments[3]), target, vector)
            builder.store(row, address, align=a.dtype.bitwidth // 8)
            target = builder.add(target, gap_b)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, b, types.intp, types.intp), generate


transpose = choose(plain_transpose, as_instructions(llvm_transpose))


def plain_prefetch(array: Array, index: int) -> None:
    """Software prefetch: start loading the cache line of ``array[index]``. Never waits; the index may lie outside."""


def llvm_prefetch(typing: Any, array: Any, index: Any) -> Typed:
    """Type and instructions of `plain_prefetch`."""

    def generate(context: Context, builder: ir.IRBuilder, signature: Signature, arguments: Any) -> ir.Value:
        address = pointer(context, builder, (signature.args[0], arguments[0]), arguments[1], ir.IntType(8))
        options = [ir.Constant(ir.IntType(32), option) for option in (0, 3, 1)]  # to read, into every cache, data
        returns = ir.FunctionType(ir.VoidType(), [address.type, *(option.type for option in options)])
        function = builder.module.declare_intrinsic("llvm.prefetch", [address.type], returns)
        builder.call(function, [address, *options])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch = choose(plain_prefetch, as_instructions(llvm_prefetch))
