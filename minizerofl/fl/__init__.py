"""The federation: clients, their uplink, the averaging server, and the simulation that conducts them."""

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.client import Client
from minizerofl.fl.codecs import CODECS, Codec, Schema, decode
from minizerofl.fl.data import FederatedData
from minizerofl.fl.errors import (
    CheckpointError,
    ConfigError,
    DivergedError,
    ModelFileError,
    RefusedError,
    SealError,
    TooFewClientsError,
    WorkerDiedError,
)
from minizerofl.fl.files.checkpoint import Best, Checkpoint, Checkpoints
from minizerofl.fl.files.modelfile import SavedModel, load_model, save_model
from minizerofl.fl.measures.evaluation import Evaluation, Score, evaluate
from minizerofl.fl.payload import Kept, Payload, State, Update
from minizerofl.fl.round import Outcome, Round
from minizerofl.fl.server import SERVERS, Server
from minizerofl.fl.settings import Settings
from minizerofl.fl.simulation import Simulation
from minizerofl.fl.uplinks import (
    UPLINKS,
    Context,
    DiffTopKWeights,
    Full,
    RandomK,
    TopKDiff,
    TopKDiffFeedback,
    TopKWeights,
    Uplink,
)

__all__ = [
    "CODECS",
    "SERVERS",
    "UPLINKS",
    "Aggregator",
    "Best",
    "Checkpoint",
    "CheckpointError",
    "Checkpoints",
    "Client",
    "Codec",
    "ConfigError",
    "Context",
    "DiffTopKWeights",
    "DivergedError",
    "Evaluation",
    "FederatedData",
    "Full",
    "Kept",
    "ModelFileError",
    "Outcome",
    "Payload",
    "RandomK",
    "RefusedError",
    "Round",
    "SavedModel",
    "Schema",
    "Score",
    "SealError",
    "Server",
    "Settings",
    "Simulation",
    "State",
    "TooFewClientsError",
    "TopKDiff",
    "TopKDiffFeedback",
    "TopKWeights",
    "Update",
    "Uplink",
    "WorkerDiedError",
    "decode",
    "evaluate",
    "load_model",
    "save_model",
]
