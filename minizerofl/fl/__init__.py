"""The federation: clients, their uplink, the averaging server, and the simulation that conducts them."""

from minizerofl.fl.client import Client
from minizerofl.fl.data import FederatedData
from minizerofl.fl.errors import ConfigError, DivergedError, ModelFileError, TooFewClientsError
from minizerofl.fl.evaluation import Score, evaluate
from minizerofl.fl.modelfile import SavedModel, load_model, save_model
from minizerofl.fl.payload import Kept, Payload, State, Update
from minizerofl.fl.server import Aggregator
from minizerofl.fl.settings import Settings
from minizerofl.fl.simulation import Round, Simulation
from minizerofl.fl.uplink import UPLINKS, DiffTopKWeights, Full, TopKDiff, TopKWeights, Uplink

__all__ = [
    "UPLINKS",
    "Aggregator",
    "Client",
    "ConfigError",
    "DiffTopKWeights",
    "DivergedError",
    "FederatedData",
    "Full",
    "Kept",
    "ModelFileError",
    "Payload",
    "Round",
    "SavedModel",
    "Score",
    "Settings",
    "Simulation",
    "State",
    "TooFewClientsError",
    "TopKDiff",
    "TopKWeights",
    "Update",
    "Uplink",
    "evaluate",
    "load_model",
    "save_model",
]
