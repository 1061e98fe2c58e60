"""What a run can choose from, by name; this module imports no class before it is used.

To add an uplink, a codec of values, a server, a rule of selection or a model, write it in a file and add a line here:
the settings, the command line and its help know it then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from minizerofl.registry import Registry, has, subclass_of, takes

if TYPE_CHECKING:
    from minizerofl.export import Portable
    from minizerofl.fl.codecs.values import ValueCodec
    from minizerofl.fl.methods import Method
    from minizerofl.fl.server import Server
    from minizerofl.fl.uplinks import Uplink
    from minizerofl.nn import Module
    from minizerofl.sparse import Selection

UPLINKS: Registry[type[Uplink]] = Registry(
    "uplink",
    {
        "full": "minizerofl.fl.uplinks.paper:Full",
        "topk-weights": "minizerofl.fl.uplinks.paper:TopKWeights",
        "diff-topk-weights": "minizerofl.fl.uplinks.paper:DiffTopKWeights",
        "topk-diff": "minizerofl.fl.uplinks.paper:TopKDiff",
        "topk-diff-feedback": "minizerofl.fl.uplinks.controls:TopKDiffFeedback",
        "random-k": "minizerofl.fl.uplinks.controls:RandomK",
        "stc": "minizerofl.fl.uplinks.controls:Stc",
        "sparsyfed": "minizerofl.fl.methods.sparsyfed:SparsyFed",
        "feddst": "minizerofl.fl.methods.feddst:FedDst",
        "feddst-as-published": "minizerofl.fl.methods.feddst:FedDstAsPublished",
        "fedrts": "minizerofl.fl.methods.fedrts:FedRts",
    },
    subclass_of("minizerofl.fl.uplinks:Uplink"),
)
SERVERS: Registry[type[Server]] = Registry(
    "server",
    {
        "fedavg": "minizerofl.fl.server:Server",
        "fedavgm": "minizerofl.fl.server:FedAvgM",
        "fedadagrad": "minizerofl.fl.server:FedAdagrad",
        "fedadam": "minizerofl.fl.server:FedAdam",
        "fedyogi": "minizerofl.fl.server:FedYogi",
    },
    subclass_of("minizerofl.fl.server:Server"),
)
RULES: Registry[type[Selection]] = Registry(
    "selection",
    {
        "top-k": "minizerofl.sparse.rules:TopK",
        "global-top-k": "minizerofl.sparse.rules:GlobalTopK",
        "random": "minizerofl.sparse.rules:RandomK",
        "block-4": "minizerofl.sparse.structured:Block4",
        "block-8": "minizerofl.sparse.structured:Block8",
        "block-16": "minizerofl.sparse.structured:Block16",
        "kernel": "minizerofl.sparse.structured:Kernel",
        "channel": "minizerofl.sparse.structured:Channel",
        "fan-in": "minizerofl.sparse.structured:FanIn",
        "uniform": "minizerofl.sparse.fixed:Uniform",
        "erk": "minizerofl.sparse.fixed:Erk",
        "fixed": "minizerofl.sparse.fixed:Initial",
        "fixed-block-8": "minizerofl.sparse.fixed:InitialBlock8",
        "ssfl": "minizerofl.fl.methods.ssfl:Salient",
        "flash": "minizerofl.fl.methods.flash_spdst:LearnedDensities",
        "active": "minizerofl.sparse.fixed:Active",
        "sparsyfed": "minizerofl.fl.methods.sparsyfed:NonZero",
    },
    subclass_of("minizerofl.sparse.rules:Selection"),
)
# Each is a bundle of settings: of these, a rule, an uplink, a server and a schedule.
METHODS: Registry[Method] = Registry(
    "method",
    {
        "random-mask": "minizerofl.fl.methods.random_mask:RANDOM_MASK",
        "ssfl": "minizerofl.fl.methods.ssfl:SSFL",
        "flash-spdst": "minizerofl.fl.methods.flash_spdst:FLASH_SPDST",
        "sparsyfed": "minizerofl.fl.methods.sparsyfed:SPARSYFED",
        "feddst": "minizerofl.fl.methods.feddst:FEDDST",
        "feddst-as-published": "minizerofl.fl.methods.feddst:FEDDST_AS_PUBLISHED",
        "fedrts": "minizerofl.fl.methods.fedrts:FEDRTS",
    },
    has("paper", "settings"),
)
MODELS: Registry[Callable[..., Module]] = Registry(
    "model",
    {
        "femnist_cnn": "minizerofl.models.femnist:femnist_cnn",
        "resnet18": "minizerofl.models.resnet:resnet18",
        "mlp": "minizerofl.models.small:mlp",
        "small_cnn": "minizerofl.models.small:small_cnn",
    },
    takes("sparsity", "seed"),
)
PAPER_MODELS = ("femnist_cnn", "resnet18")
# The encodings that a codec chooses from, see `minizerofl.fl.codecs.message.Encoding`: the shortest is taken.
CODECS: dict[str, tuple[str, ...]] = {
    "dense": ("FILLED",),
    "csr": ("CSR",),
    "bitmap": ("BITMAP",),
    "rice": ("RICE",),
    "auto": ("RICE", "BITMAP", "CSR", "FILLED"),
}
# The formats of an exported model: each is a function from a `Portable` to the content of its file.
EXPORTS: Registry[Callable[[Portable], bytes]] = Registry(
    "format",
    {
        "npz": "minizerofl.export.formats:npz",
        "torch": "minizerofl.export.formats:torch",
        "safetensors": "minizerofl.export.formats:safetensors",
        "onnx": "minizerofl.export.onnx_file:onnx",
    },
    takes("portable"),
)
VALUES: Registry[type[ValueCodec]] = Registry(
    "values",
    {
        "float32": "minizerofl.fl.codecs.values:Float32",
        "float16": "minizerofl.fl.codecs.values:Float16",
        "int8": "minizerofl.fl.codecs.int8:Int8",
        "eden1": "minizerofl.fl.codecs.eden:Eden1",
        "eden2": "minizerofl.fl.codecs.eden:Eden2",
        "eden4": "minizerofl.fl.codecs.eden:Eden4",
        "ternary": "minizerofl.fl.codecs.ternary:Ternary",
    },
    subclass_of("minizerofl.fl.codecs.values:ValueCodec"),
)
AVERAGES = ("all", "senders")
BATCH_NORMS = ("global", "local")
INITS = ("he-normal", "he-uniform", "torch")

# The settings that are names. The registries themselves: what is added to one is known here.
CHOICES: dict[str, Collection[str]] = {
    "uplink": UPLINKS,
    "codec": CODECS,
    "values": VALUES,
    "downlink_codec": CODECS,
    "downlink_values": VALUES,
    "average": AVERAGES,
    "server": SERVERS,
    "bn": BATCH_NORMS,
    "selection": RULES,
    "init": INITS,
}
