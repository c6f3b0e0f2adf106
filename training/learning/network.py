"""The documented graph: DenseNet121, channel attention, spatial attention, four scores; and the weights it begins with.

The layers' names and order are part of the contract: a model trained elsewhere on the same graph and ours replace each
other without a change of settings.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from src.services.tensorflow_runtime import keras
from src.utils.files import renamed_when_whole

INPUT_SIDE: Final = 224
"""Height and width of the network's input in pixels."""

CLASSES: Final = ("Cataract", "Conjunctivitis", "Healthy", "Stye")
"""In the order of the outputs."""

MAP_SIDE: Final = 7
"""Height and width of the backbone's output, and so of a heatmap before it is laid over the eye."""

GRAD_CAM_LAYER: Final = "multiply_1"

HIDDEN_LAYER: Final = "dense_2"
"""Behind the mean over the places of `GRAD_CAM_LAYER`."""

SCORE_LAYER: Final = "dense_3"

HEAD_LAYERS: Final = ("dense", "dense_1", "conv2d", HIDDEN_LAYER, SCORE_LAYER)
"""Those that learn and do not come from ImageNet."""

FEATURE_SHAPE: Final = (MAP_SIDE, MAP_SIDE, 1024)
"""Of the whole backbone's output, for one picture of `INPUT_SIDE`."""

PARAMETER_COUNT: Final = 7_366_759
"""With four classes."""

_BOTTLENECK_WIDTH = 128
_SPATIAL_KERNEL = 7
_PENULTIMATE_WIDTH = 64
_WEIGHT_DECAY = 1e-4
_DROPOUT = 0.6

# Per channel, RGB, of ImageNet's training pictures scaled to [0, 1]; what the published weights were trained with.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float64)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float64)


def build_network() -> Any:
    """The whole graph with random weights: float32 (n, 224, 224, 3) RGB in [0, 1] to float32 (n, 4) probabilities."""
    pictures = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="input_2")
    features = build_backbone()(pictures)
    return keras.Model(pictures, _score(features), name="eyenet")


def build_backbone() -> Any:
    """DenseNet121 without its classifier, random weights: float32 (n, 224, 224, 3) to float32 (n, 7, 7, 1024).

    Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
    """
    pictures = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="input_1")
    return keras.applications.DenseNet121(include_top=False, weights=None, input_tensor=pictures)


def layers_behind(backbone: Any, name: str) -> list[Any]:
    """Those that come after the layer of that name, in their order; all for `input_1`.

    Raises:
        ValueError: there is no such layer.
    """
    names = [layer.name for layer in backbone.layers]
    return list(backbone.layers[names.index(name) + 1 :])


def save_network(network: Any, file: Path) -> None:
    """Writes graph and weights, without the optimizer's state, as HDF5."""
    with warnings.catch_warnings(), renamed_when_whole(file) as unfinished:
        # Keras recommends its own newer format; ours is the documented one.
        warnings.filterwarnings("ignore", message=".*HDF5 file", category=UserWarning)
        network.save(unfinished, save_format="h5", include_optimizer=False)


def _score(features: Any) -> Any:
    """Channel attention, spatial attention, two dense layers.

    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018; Woo et al., "CBAM", ECCV 2018.
    """
    layers = keras.layers
    channels = FEATURE_SHAPE[-1]

    squeezed = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(features)
    excited = layers.Dense(_BOTTLENECK_WIDTH, activation="relu", name="dense")(squeezed)
    channel_gates = layers.Dense(channels, activation="sigmoid", name="dense_1")(excited)
    channel_gates = layers.Reshape((1, 1, channels), name="reshape")(channel_gates)
    chosen_channels = layers.Multiply(name="multiply")([features, channel_gates])

    mean_map = _operation("math.reduce_mean")(chosen_channels, axis=-1, keepdims=True)
    max_map = _operation("math.reduce_max")(chosen_channels, axis=-1, keepdims=True)
    both_maps = layers.Concatenate(name="concatenate")([mean_map, max_map])
    place_gates = layers.Conv2D(1, _SPATIAL_KERNEL, padding="same", activation="sigmoid", name="conv2d")(both_maps)
    chosen_places = layers.Multiply(name="multiply_1")([chosen_channels, place_gates])

    pooled = layers.GlobalAveragePooling2D(name="global_average_pooling2d_1")(chosen_places)
    decay = keras.regularizers.l2(_WEIGHT_DECAY)
    hidden = layers.Dense(_PENULTIMATE_WIDTH, activation="relu", kernel_regularizer=decay, name="dense_2")(pooled)
    hidden = layers.Dropout(_DROPOUT, name="dropout")(hidden)
    return layers.Dense(len(CLASSES), activation="softmax", name="dense_3")(hidden)


def _operation(symbol: str) -> Any:
    """A TensorFlow function as a layer named `tf.<symbol>`.

    Calling the function on a Keras tensor makes the same layer, but numbers its name from the second model of the
    process on, and then the names would depend on what else was built before.
    """
    name = f"tf.{symbol}"
    return keras.layers.deserialize({"class_name": "TFOpLambda", "config": {"name": name, "function": symbol}})


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
