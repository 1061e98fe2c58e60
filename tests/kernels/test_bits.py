"""64 comparisons at a time: instructions against the plain functions that say what they mean."""

import llvmlite.binding
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target

from minizerofl.kernels import bits as words
from minizerofl.kernels.jit import kernel

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])


@kernel
def compare(a: np.ndarray, i: int, cut: float) -> int:
    return words.mask_at_least(a, i, cut)


close_gaps = kernel(words.close_gaps)  # what serves without AVX-512


@kernel
def compress(a: np.ndarray, i: int, mask: int, valid: int, out: np.ndarray, at: int) -> None:
    words.compress(a, i, mask, valid, out, at)


@kernel
def first_bit(mask: int) -> int:
    return words.trailing_zeros(mask)


@kernel
def number_of_bits(mask: int) -> int:
    return words.popcount(mask)


@given(st.sampled_from([np.float32, np.float64, np.int32]), st.integers(0, 5), st.integers(0, 5), st.data())
def test_compress_keeps_what_has_a_bit(dtype: type, i: int, at: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 64))
    valid = 2**length - 1
    mask = data.draw(st.integers(0, valid))
    a = np.arange(1, 140, dtype=dtype)
    chosen = [k for k in range(64) if mask >> k & 1]
    for function in (compress, close_gaps):
        out = np.zeros(140, dtype)
        function(a, i, np.uint64(mask), np.uint64(valid), out, at)
        np.testing.assert_array_equal(out[at : at + len(chosen)], a[i:][chosen])
        assert not out[:at].any()
        assert not out[at + len(chosen) + 64 :].any()


@given(SEEDS, DTYPES, st.integers(0, 5))
def test_masks_and_the_counts_of_their_bits(seed: int, dtype: type, i: int) -> None:
    a = np.random.default_rng(seed).choice(np.array([0, -1, 1, 2, -3, np.nan, np.inf], dtype), 70)
    for cut in (1, 2, 3):
        mask = compare(a, i, dtype(cut))
        assert int(mask) == int(words.plain_mask_at_least(a, i, dtype(cut)))
        assert int(mask) == sum(1 << k for k in range(64) if abs(a[i + k]) >= cut)
        assert number_of_bits(np.uint64(mask)) == words.plain_popcount(np.uint64(mask)) == int(mask).bit_count()
        if mask:
            assert (
                first_bit(np.uint64(mask))
                == words.plain_trailing_zeros(np.uint64(mask))
                == (int(mask) & -int(mask)).bit_length() - 1
            )


@pytest.mark.parametrize(("dtype", "lanes"), [(types.float32, 16), (types.float64, 8), (types.int32, 16)])
def test_the_code_for_avx512_is_valid_on_machines_without_it(dtype: types.Type, lanes: int) -> None:
    """It cannot run there, but LLVM can check it."""
    array = types.Array(dtype, 1, "C")
    signature, generate = words.llvm_compress(None, array, types.intp, types.uint64, types.uint64, array, types.intp)
    context = cpu_target.target_context
    module = context.create_module("compress")
    arguments = [context.get_value_type(argument) for argument in signature.args]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "compress")
    builder = ir.IRBuilder(function.append_basic_block())
    generate(context, builder, signature, function.args)
    builder.ret_void()
    llvmlite.binding.parse_assembly(str(module)).verify()
    assert str(module).count(f'call <{lanes} x i{512 // lanes}> @"llvm.x86.avx512.mask.compress') == 64 // lanes
