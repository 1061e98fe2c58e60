"""The peer: the same networks, dense, in PyTorch, as its users write them. PyTorch is never required.

The parts have the names of ours, so that a state dict of one model can be loaded into the other once the weights of
convolutions are turned from (IC, KH, KW, OC) to PyTorch's (OC, IC, KH, KW): a test does that and compares the logits,
which shows that both compute the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any

from minizerofl.choices import PAPER_MODELS
from minizerofl.fl import ConfigError
from minizerofl.fl.data import Samples
from minizerofl.models.builder import Argument
from minizerofl.models.resnet import STAGES
from minizerofl_cli.bench import blazefl
from minizerofl_cli.bench.bursts import Contender
from minizerofl_cli.bench.workload import LR, Workload, batches

LAYOUTS = ("NCHW", "channels_last")


def require_torch() -> str:
    """Return the version of PyTorch.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    if find_spec("torch") is None:
        raise ConfigError("--against torch: PyTorch is not installed; install it (pip install torch) or drop --against")
    return str(import_module("torch").__version__)


class PeerStep:
    """One dense training step of PyTorch: forward, backward, plain SGD.

    Parameters
    ----------
    network : torch.nn.Module
        The network; it learns.
    samples, batch_size
        As of `minizerofl_cli.bench.workload.TrainingStep`.
    layout : {"NCHW", "channels_last"}
        How images and weights lie in memory.
    """

    def __init__(self, network: Any, samples: Samples, batch_size: int, layout: str) -> None:
        torch = import_module("torch")
        lies = {"memory_format": torch.channels_last if layout == "channels_last" else torch.contiguous_format}
        self.network = network.to(**lies)
        self._loss = torch.nn.functional.cross_entropy
        self._optimiser = torch.optim.SGD(network.parameters(), LR)
        pairs = ((torch.from_numpy(x).contiguous(**lies), torch.from_numpy(y)) for x, y in batches(samples, batch_size))
        self._batches = cycle(list(pairs))

    def __call__(self) -> None:
        """Do the step."""
        x, y = next(self._batches)
        self._optimiser.zero_grad()
        self._loss(self.network(x), y).backward()
        self._optimiser.step()


def peers(work: Workload, batch_size: int, workers: int) -> list[Contender]:
    """Return PyTorch on this number of threads: in either layout, one model or, with several threads, one each."""
    torch = import_module("torch")
    torch.set_num_threads(1)  # for now: a process in which it had started others could not be forked
    ways = (
        [("", 1, workers)]
        if workers == 1
        else [(f", {workers} threads", 1, workers), (f", {workers} models", workers, 1)]
    )
    contenders = []
    for layout in LAYOUTS:
        for text, models, threads in ways:
            networks = [network(work.name, work.arguments) for _ in range(models)]
            steps = [PeerStep(each, work.samples, batch_size, layout) for each in networks]

            def prepare(threads: int = threads) -> None:
                torch.set_num_threads(threads)

            contenders.append(Contender(f"torch {layout}{text}", steps, prepare))
    return contenders


def network(name: str, arguments: Mapping[str, Argument]) -> Any:
    """Build the dense network of one of our models in PyTorch, in training mode."""
    builders: dict[str, Callable[..., Any]] = {
        "femnist_cnn": _femnist_cnn,
        "resnet18": _resnet18,
        blazefl.MODEL: _blazefl_cnn,
    }
    return builders[name](**{key: value for key, value in arguments.items() if key not in ("seed", "sparsity")})


def require_peer(name: str) -> None:
    """Make sure that a model has a twin in PyTorch.

    Raises
    ------
    ConfigError
        It has none.
    """
    if name not in PAPER_MODELS:
        raise ConfigError(f"--against torch knows {' and '.join(PAPER_MODELS)}, not {name}; measure without it")


def _femnist_cnn(num_classes: int = 62, input_shape: tuple[int, int, int] = (1, 28, 28)) -> Any:
    channels, height, width = input_shape
    nn = import_module("torch").nn

    class FemnistCNN(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, 32, 5, padding=2)
            self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
            self.pool = nn.MaxPool2d(2)
            self.linear1 = nn.Linear(64 * (height // 4) * (width // 4), 2048)
            self.linear2 = nn.Linear(2048, num_classes)

        def forward(self, x: Any) -> Any:
            x = nn.functional.relu(self.pool(self.conv1(x)))  # (N, C, H, W) -> (N, 32, H/2, W/2)
            x = nn.functional.relu(self.pool(self.conv2(x)))  # -> (N, 64, H/4, W/4)
            x = nn.functional.relu(self.linear1(x.flatten(1)))  # -> (N, 2048)
            return self.linear2(x)  # (N, 2048) -> (N, classes)

    return FemnistCNN()


def _resnet18(in_channels: int = 3, num_classes: int = 10) -> Any:
    nn = import_module("torch").nn

    def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> Any:
        return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = convolution(inputs, outputs, 3, stride)
            self.norm1 = nn.BatchNorm2d(outputs)
            self.conv2 = convolution(outputs, outputs, 3)
            self.norm2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

        def forward(self, x: Any) -> Any:
            y = nn.functional.relu(self.norm1(self.conv1(x)), inplace=True)
            return nn.functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x), inplace=True)

    class ResNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            width = STAGES[0][0]
            self.stem = convolution(in_channels, width, 3)
            self.norm = nn.BatchNorm2d(width)
            blocks = []
            for channels, stride in STAGES:
                blocks += [Block(width, channels, stride), Block(channels, channels, 1)]
                width = channels
            self.blocks = nn.Sequential(*blocks)
            self.classifier = nn.Linear(width, num_classes)

        def forward(self, x: Any) -> Any:
            x = self.blocks(nn.functional.relu(self.norm(self.stem(x)), inplace=True))
            return self.classifier(x.mean(dim=(2, 3)))  # (N, 512, H/8, W/8) -> (N, classes)

    return ResNet()


def _blazefl_cnn(num_classes: int = 10) -> Any:
    nn = import_module("torch").nn

    class BlazeflCNN(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 5)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.pool = nn.MaxPool2d(2)
            self.linear1 = nn.Linear(400, 120)
            self.linear2 = nn.Linear(120, 84)
            self.classifier = nn.Linear(84, num_classes)

        def forward(self, x: Any) -> Any:
            x = self.pool(nn.functional.relu(self.conv1(x)))  # (N, 3, 32, 32) -> (N, 6, 14, 14)
            x = self.pool(nn.functional.relu(self.conv2(x)))  # -> (N, 16, 5, 5)
            x = nn.functional.relu(self.linear1(x.flatten(1)))  # -> (N, 120)
            x = nn.functional.relu(self.linear2(x))  # -> (N, 84)
            return self.classifier(x)  # -> (N, classes)

    return BlazeflCNN()
