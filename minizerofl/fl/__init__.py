"""The federation: clients, their uplink, the averaging server, and the simulation that conducts them.

Reading order: simulation, client, uplinks, codecs, aggregator, server; then settings, turn, engines; files and
measures for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.choices import CODECS, SERVERS, UPLINKS, VALUES
from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.fl.aggregator import Aggregator
    from minizerofl.fl.client import Client
    from minizerofl.fl.codecs import Codec, Schema, ValueCodec
    from minizerofl.fl.codecs.decode import decode
    from minizerofl.fl.data import FederatedData
    from minizerofl.fl.errors import (
        CheckpointError,
        ClientCodeError,
        ConfigError,
        DivergedError,
        ModelFileError,
        RefusedError,
        SealError,
        TooFewClientsError,
        WorkerDiedError,
    )
    from minizerofl.fl.events import (
        Callback,
        ClientDone,
        ClientStep,
        EvaluationStarted,
        Event,
        KernelCompiled,
        RoundEnded,
        RoundStarted,
        StopRun,
    )
    from minizerofl.fl.files.checkpoint import Best, Checkpoint, Checkpoints
    from minizerofl.fl.files.modelfile import SavedModel, load_model, save_model
    from minizerofl.fl.measures.evaluation import Evaluation, Score, evaluate
    from minizerofl.fl.payload import Kept, Payload, State, Update
    from minizerofl.fl.recipes import Recipe, recipe
    from minizerofl.fl.round import Outcome, Round
    from minizerofl.fl.server import Server
    from minizerofl.fl.settings import Settings
    from minizerofl.fl.simulation import Simulation
    from minizerofl.fl.uplinks import (
        Context,
        DiffTopKWeights,
        Full,
        RandomK,
        ServerContext,
        Stc,
        TopKDiff,
        TopKDiffFeedback,
        TopKWeights,
        Uplink,
    )

__all__ = [
    "CODECS",
    "SERVERS",
    "UPLINKS",
    "VALUES",
    "Aggregator",
    "Best",
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "Checkpoints",
    "Client",
    "ClientCodeError",
    "ClientDone",
    "ClientStep",
    "Codec",
    "ConfigError",
    "Context",
    "DiffTopKWeights",
    "DivergedError",
    "Evaluation",
    "EvaluationStarted",
    "Event",
    "FederatedData",
    "Full",
    "Kept",
    "KernelCompiled",
    "ModelFileError",
    "Outcome",
    "Payload",
    "RandomK",
    "Recipe",
    "RefusedError",
    "Round",
    "RoundEnded",
    "RoundStarted",
    "SavedModel",
    "Schema",
    "Score",
    "SealError",
    "Server",
    "ServerContext",
    "Settings",
    "Simulation",
    "State",
    "Stc",
    "StopRun",
    "TooFewClientsError",
    "TopKDiff",
    "TopKDiffFeedback",
    "TopKWeights",
    "Update",
    "Uplink",
    "ValueCodec",
    "WorkerDiedError",
    "decode",
    "evaluate",
    "load_model",
    "recipe",
    "save_model",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Aggregator": "minizerofl.fl.aggregator",
        "Best": "minizerofl.fl.files.checkpoint",
        "Callback": "minizerofl.fl.events",
        "Checkpoint": "minizerofl.fl.files.checkpoint",
        "CheckpointError": "minizerofl.fl.errors",
        "Checkpoints": "minizerofl.fl.files.checkpoint",
        "Client": "minizerofl.fl.client",
        "ClientCodeError": "minizerofl.fl.errors",
        "ClientDone": "minizerofl.fl.events",
        "ClientStep": "minizerofl.fl.events",
        "Codec": "minizerofl.fl.codecs",
        "ConfigError": "minizerofl.fl.errors",
        "Context": "minizerofl.fl.uplinks",
        "DiffTopKWeights": "minizerofl.fl.uplinks",
        "DivergedError": "minizerofl.fl.errors",
        "Evaluation": "minizerofl.fl.measures.evaluation",
        "EvaluationStarted": "minizerofl.fl.events",
        "Event": "minizerofl.fl.events",
        "FederatedData": "minizerofl.fl.data",
        "Full": "minizerofl.fl.uplinks",
        "Kept": "minizerofl.fl.payload",
        "KernelCompiled": "minizerofl.fl.events",
        "ModelFileError": "minizerofl.fl.errors",
        "Outcome": "minizerofl.fl.round",
        "Payload": "minizerofl.fl.payload",
        "RandomK": "minizerofl.fl.uplinks",
        "ServerContext": "minizerofl.fl.uplinks",
        "Recipe": "minizerofl.fl.recipes",
        "RefusedError": "minizerofl.fl.errors",
        "Round": "minizerofl.fl.round",
        "RoundEnded": "minizerofl.fl.events",
        "RoundStarted": "minizerofl.fl.events",
        "SavedModel": "minizerofl.fl.files.modelfile",
        "Schema": "minizerofl.fl.codecs",
        "Score": "minizerofl.fl.measures.evaluation",
        "SealError": "minizerofl.fl.errors",
        "Server": "minizerofl.fl.server",
        "Settings": "minizerofl.fl.settings",
        "Simulation": "minizerofl.fl.simulation",
        "State": "minizerofl.fl.payload",
        "Stc": "minizerofl.fl.uplinks",
        "StopRun": "minizerofl.fl.events",
        "TooFewClientsError": "minizerofl.fl.errors",
        "TopKDiff": "minizerofl.fl.uplinks",
        "TopKDiffFeedback": "minizerofl.fl.uplinks",
        "TopKWeights": "minizerofl.fl.uplinks",
        "Update": "minizerofl.fl.payload",
        "Uplink": "minizerofl.fl.uplinks",
        "ValueCodec": "minizerofl.fl.codecs",
        "WorkerDiedError": "minizerofl.fl.errors",
        "decode": "minizerofl.fl.codecs",
        "evaluate": "minizerofl.fl.measures.evaluation",
        "load_model": "minizerofl.fl.files.modelfile",
        "recipe": "minizerofl.fl.recipes",
        "save_model": "minizerofl.fl.files.modelfile",
    },
)
