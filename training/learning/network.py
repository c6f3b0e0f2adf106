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

CUT_LAYER: Final = "pool4_pool"
"""The backbone is frozen up to the output of this layer; its last dense block lies behind."""

CUT_SHAPE: Final = (7, 7, 512)
"""Of that output, for one picture of `INPUT_SIDE`."""

GRAD_CAM_LAYER: Final = "multiply_1"

HIDDEN_LAYER: Final = "dense_2"
"""Behind the mean over the places of `GRAD_CAM_LAYER`."""

SCORE_LAYER: Final = "dense_3"

HEAD_LAYERS: Final = ("dense", "dense_1", "conv2d", HIDDEN_LAYER, SCORE_LAYER)
"""Those that learn and do not come from ImageNet."""

FEATURE_SHAPE: Final = (7, 7, 1024)
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


def frozen_part(backbone: Any) -> Any:
    """The backbone up to `CUT_LAYER`, sharing its layers: (n, 224, 224, 3) to (n, 7, 7, 512)."""
    return keras.Model(backbone.input, backbone.get_layer(CUT_LAYER).output, name="frozen_part")


def build_trainable_part(backbone: Any) -> Any:
    """Everything behind `CUT_LAYER` as a model of its own, to be trained on stored features.

    The layers of the backbone are copies with its weights; their normalisation stays as it is, because its statistics
    come from far more pictures than there are here. Layers bear the names that they have in the whole graph;
    `install_trained_part` carries the weights back.
    """
    shared = keras.Model(backbone.get_layer(CUT_LAYER).output, backbone.output)
    copied = keras.models.clone_model(shared)
    copied.set_weights(shared.get_weights())
    for layer in copied.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return keras.Model(copied.input, _score(copied.output), name="trainable_part")


def install_trained_part(network: Any, trained: Any) -> None:
    """Copies the weights of every layer of `trained` into the layer of the same name in `network`."""
    backbone = network.get_layer("densenet121")
    own_names = {layer.name for layer in network.layers}
    for layer in trained.layers:
        if layer.weights:
            owner = network if layer.name in own_names else backbone
            owner.get_layer(layer.name).set_weights(layer.get_weights())


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
