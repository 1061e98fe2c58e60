"""The networks of minizerofl in plain PyTorch, with the same names: load_state_dict takes an exported state dict."""

import math

import torch
from torch import nn
from torch.nn.functional import max_pool2d, relu


class FemnistCNN(nn.Module):
    """The LEAF network: (N, 1, 28, 28) -> (N, classes)."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.linear1 = nn.Linear(64 * 7 * 7, 2048)
        self.linear2 = nn.Linear(2048, num_classes)

    def forward(self, x):
        """Compute the logits."""
        x = relu(max_pool2d(self.conv1(x), 2))
        x = relu(max_pool2d(self.conv2(x), 2))
        return self.linear2(relu(self.linear1(x.flatten(1))))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(out_channels))

    def forward(self, x):
        """Compute relu(F(x) + x)."""
        y = relu(self.norm1(self.conv1(x)))
        return relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Module):
    """ResNet-18 for small images: (N, C, 32, 32) -> (N, classes)."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.stem = nn.Conv2d(input_shape[0], 64, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(64)
        ends = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
        self.blocks = nn.Sequential()
        for before, after, stride in ends:
            self.blocks.extend([BasicBlock(before, after, stride), BasicBlock(after, after, 1)])
        self.classifier = nn.Linear(512, num_classes)

    def forward(self, x):
        """Compute the logits."""
        x = self.blocks(relu(self.norm(self.stem(x))))
        return self.classifier(x.mean((2, 3)))


class MLP(nn.Module):
    """Two hidden layers: (N, C, H, W) -> (N, classes)."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.linear1 = nn.Linear(math.prod(input_shape), 256)
        self.linear2 = nn.Linear(256, 128)
        self.classifier = nn.Linear(128, num_classes)

    def forward(self, x):
        """Compute the logits."""
        x = relu(self.linear1(x.flatten(1)))
        return self.classifier(relu(self.linear2(x)))


class SmallCNN(nn.Module):
    """Three 3x3 convolutions: (N, C, H, W) -> (N, classes)."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        channels, height, width = input_shape
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, stride=2, padding=1)
        self.linear = nn.Linear(32 * -(-height // 4) * -(-width // 4), 64)
        self.classifier = nn.Linear(64, num_classes)

    def forward(self, x):
        """Compute the logits."""
        x = relu(self.conv3(relu(self.conv2(relu(self.conv1(x))))))
        return self.classifier(relu(self.linear(x.flatten(1))))


NETWORKS = {"femnist_cnn": FemnistCNN, "resnet18": ResNet18, "mlp": MLP, "small_cnn": SmallCNN}


def load(path):
    """Build the network of a file that `minizerofl export --to torch` wrote; return it with the file's metadata."""
    content = torch.load(path, weights_only=True)
    about = content["metadata"]
    model = NETWORKS[about["model"]](about["input_shape"], len(about["class_names"]))
    model.load_state_dict(content["state_dict"])
    return model.eval(), about
