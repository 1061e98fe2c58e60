"""ResNet-18 for small images (He et al., 2016): a 3x3 stem and four stages of two residual blocks."""

from __future__ import annotations

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.models.layers import conv, linear
from minizerofl.nn import BatchNorm2d, GlobalAvgPool, Module, Sequential

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels, stride of the first block


class BasicBlock(Module):
    """relu(F(x) + x), where F is two 3x3 convolutions; if F changes the shape, a 1x1 convolution changes that of x.

    Examples
    --------
    >>> block = BasicBlock(8, 16, 2, 0.0, np.random.default_rng(0))
    >>> block(Tensor(np.ones((8, 6, 6, 2), np.float32))).shape
    (16, 3, 3, 2)
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, sparsity: float, rng: np.random.Generator
    ) -> None:
        self.conv1 = conv(in_channels, out_channels, 3, sparsity, rng, stride, bias=False)
        self.norm1 = BatchNorm2d(out_channels, relu=True)
        self.conv2 = conv(out_channels, out_channels, 3, sparsity, rng, bias=False)
        self.norm2 = BatchNorm2d(out_channels, relu=True)
        self.shortcut = Sequential()  # the identity
        if stride != 1 or in_channels != out_channels:
            projection = conv(in_channels, out_channels, 1, 0.0, rng, stride, bias=False)
            self.shortcut = Sequential(projection, BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Compute relu(F(x) + x), (IC, H, W, N) -> (OC, H/stride, W/stride, N)."""
        y = self.norm1(self.conv1(x))  # (IC, H, W, N) -> (OC, H/stride, W/stride, N)
        return self.norm2(self.conv2(y), residual=self.shortcut(x))


class ResNet(Module):
    """A stem, stages of `BasicBlock`, the mean over the image, a linear classifier; see `resnet18`.

    Examples
    --------
    >>> len(ResNet(1, 12, 0.95, np.random.default_rng(0)).blocks)
    8
    """

    def __init__(self, in_channels: int, num_classes: int, sparsity: float, rng: np.random.Generator) -> None:
        width = STAGES[0][0]
        self.stem = conv(in_channels, width, 3, 0.0, rng, bias=False)
        self.norm = BatchNorm2d(width, relu=True)
        blocks = []
        for channels, stride in STAGES:
            blocks.append(BasicBlock(width, channels, stride, sparsity, rng))
            blocks.append(BasicBlock(channels, channels, 1, sparsity, rng))
            width = channels
        self.blocks = Sequential(*blocks)
        self.pool = GlobalAvgPool()
        self.classifier = linear(width, num_classes, 0.0, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        x = self.norm(self.stem(x))  # (IC, H, W, N) -> (64, H, W, N)
        x = self.blocks(x)  # (64, H, W, N) -> (512, H/8, W/8, N)
        x = self.pool(x)  # (512, H/8, W/8, N) -> (512, N)
        return self.classifier(x)  # (512, N) -> (classes, N)


def resnet18(in_channels: int = 3, num_classes: int = 10, sparsity: float = 0.0, seed: int = 0) -> ResNet:
    """Build ResNet-18 for 32x32 images: (in_channels, 32, 32, N) -> (num_classes, N) logits.

    With 3 channels and 10 classes it has 11,173,962 parameters, and 9,600 running statistics beside them.

    Parameters
    ----------
    in_channels : int
        3 for colour images, 1 for spectrograms.
    num_classes : int
        The number of classes.
    sparsity : float
        The sparsity of all 3x3 convolutions but the stem (ZeroFL, appendix A.6), 0 <= sparsity < 1; the stem, the 1x1
        shortcuts and the classifier are dense. 0 builds a plain dense network.
    seed : int
        Draws the weights: the same seed gives the same weights, whatever the sparsity.

    Returns
    -------
    ResNet
        The model, in training mode.

    Raises
    ------
    ValueError
        `sparsity` is not in [0, 1).

    Examples
    --------
    >>> model = resnet18(sparsity=0.9)
    >>> sum(p.size for p in model.parameters())
    11173962
    """
    return ResNet(in_channels, num_classes, sparsity, np.random.default_rng(seed))
