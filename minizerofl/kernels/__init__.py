"""The ground floor: serial Numba kernels over plain arrays.

Reading order: `update` (a plain loop), `jit` (how loops are compiled), `linear` (one sparse product), `simd` (what
`linear` is made of), `conv` (the three products of a sparse convolution), `layout` (what is sorted for them), `bits`
and `topk` (how the largest numbers are found), `blocks` (products with blocks of weights), then `norm`, `pool`,
`support`, `codec` and `memory` in any order.

The names in a module's ``__all__`` are its public kernels. Each has a *reference kernel* of
the same name in `minizerofl.kernels.reference`, slow and obvious; read it first. The other kernels of a module are
steps of the public ones.
"""
