"""Random masks: the control of every method that chooses its mask.

Weights are drawn once, with Erdos-Renyi-Kernel densities; only these are trained and sent, values only.
"""

from __future__ import annotations

from minizerofl.fl.methods.method import Method

RANDOM_MASK = Method(
    paper="Evci et al., Rigging the Lottery, ICML 2020 (the densities)",
    settings={
        "selection": "erk",
        "activation_sparsity": 0.0,  # dW is exact
        "uplink": "topk-weights",
        "mask_ratio": 0.0,
    },
)
