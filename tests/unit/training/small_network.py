"""The documented graph on a backbone of three layers: everything that the training looks for, in milliseconds."""

from __future__ import annotations

from typing import Any

from src.services.tensorflow_runtime import keras
from training.learning import network
from training.learning.network import INPUT_SIDE

FROZEN_UP_TO = "pool3_pool"


def build_small_backbone() -> Any:
    """float32 (n, 224, 224, 3) to (n, 7, 7, 1024), with the layers of DenseNet121 that are known by name."""
    layers = keras.layers
    pictures = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="input_1")
    features = layers.Conv2D(24, 32, 32, use_bias=False, name="conv1/conv")(pictures)
    features = layers.BatchNormalization(name="conv1/bn")(features)
    features = layers.Conv2D(32, 1, activation="relu", name=FROZEN_UP_TO)(features)
    features = layers.Conv2D(1024, 1, activation="relu", name="block")(features)
    return keras.Model(pictures, features, name="densenet121")


def build_small_network() -> Any:
    """float32 (n, 224, 224, 3) to float32 (n, 4) probabilities."""
    pictures = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="input_2")
    features = build_small_backbone()(pictures)
    return keras.Model(pictures, network._score(features), name="eyenet")


def described(network: Any) -> Any:
    """The model up to the layer by which eyes are compared: float32 (n, 224, 224, 3) to float32 (n, 7, 7, 32)."""
    backbone = network.get_layer("densenet121")
    return keras.Model(backbone.input, backbone.get_layer(FROZEN_UP_TO).output)
