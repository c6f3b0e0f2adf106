"""The ImageNet weights of the backbone, made to take plain [0, 1] pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

# Per channel, RGB, of ImageNet's training pictures scaled to [0, 1]; what the published weights were trained with.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float64)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float64)


def load_imagenet_weights(backbone: Any, weights_file: Path) -> None:
    """Reads the published DenseNet121 weights (no top, Keras layout) and folds their normalisation in.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds the weights of another network.
    """
    if not weights_file.is_file():
        raise FileNotFoundError(f"no backbone weights at {weights_file}")
    backbone.load_weights(str(weights_file))
    fold_normalisation(backbone)


def fold_normalisation(backbone: Any) -> None:
    """Moves "subtract the ImageNet mean, divide by its deviation" from the input into the first convolution and its
    batch normalisation, so that the backbone takes RGB in [0, 1].

    The convolution of (x - mean) / std is the convolution of x with kernel / std, minus a constant per filter, and the
    constant goes into the moving mean. One difference remains: the zero padding in front of the convolution stood for
    the mean colour and now stands for black, which moves the outermost rows and columns of the first feature map only.
    """
    convolution = backbone.get_layer("conv1/conv")
    normalisation = backbone.get_layer("conv1/bn")
    (kernel,) = (weight.astype(np.float64) for weight in convolution.get_weights())
    gamma, beta, moving_mean, moving_variance = normalisation.get_weights()

    scaled_kernel = kernel / _IMAGENET_STD[None, None, :, None]
    constant = (scaled_kernel * _IMAGENET_MEAN[None, None, :, None]).sum(axis=(0, 1, 2))
    convolution.set_weights([scaled_kernel.astype(np.float32)])
    normalisation.set_weights([gamma, beta, (moving_mean + constant).astype(np.float32), moving_variance])
