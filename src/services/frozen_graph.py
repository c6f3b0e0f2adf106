"""The compiled pass with its weights as constants: what the network is when it no longer learns."""

from __future__ import annotations

from typing import Any

from src.services.graph_rewriting import (
    fold_batch_normalisations,
    normalise_by_depthwise_convolutions,
    pool_before_pointwise_convolutions,
    producer,
)
from src.services.tensorflow_runtime import has_gpu, tf


def freeze(forward: Any) -> Any:
    """The same function, faster: TensorFlow prepares constant weights once instead of in every pass.

    TensorFlow's own way, `convert_variables_to_constants_v2`, does the same in several times the time.

    Args:
        forward: concrete function of one tensor.

    Returns:
        concrete function of the same tensor to a list of the same outputs. A graph that does more with its variables
        than read them is not frozen.
    """
    graph = _graph_of_constants(forward)
    if graph is None:
        return forward
    fold_batch_normalisations(graph)
    pool_before_pointwise_convolutions(graph)
    if not has_gpu():
        normalise_by_depthwise_convolutions(graph)
    batch_input, outputs = forward.inputs[0], [output.name for output in forward.outputs]

    def frozen(batch: Any) -> Any:
        return tf.graph_util.import_graph_def(graph, {batch_input.name: batch}, outputs, name="")

    signature = [tf.TensorSpec(batch_input.shape, batch_input.dtype)]
    return tf.function(frozen, input_signature=signature, autograph=False).get_concrete_function()


def _graph_of_constants(forward: Any) -> Any:
    """The function's graph with constants where it reads variables; None where it does something else with them."""
    graph = forward.graph.as_graph_def()
    values = _values_by_placeholder(forward)
    for node in graph.node:
        if node.op == "ReadVariableOp" and node.input[0] in values:
            value = values[node.input[0]]
            name = node.name
            node.Clear()
            node.name, node.op = name, "Const"
            node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        elif any(producer(name) in values for name in node.input):
            return None
    kept = [node for node in graph.node if node.name not in values]
    del graph.node[:]
    graph.node.extend(kept)
    return graph


def _values_by_placeholder(forward: Any) -> dict[str, Any]:
    """What stands behind each input that the function took from its surroundings."""
    captured = forward.captured_inputs
    values = {id(variable.handle): variable for variable in forward.variables}
    placeholders = forward.inputs[len(forward.inputs) - len(captured) :]
    return {
        placeholder.op.name: values[id(handle)].numpy() if id(handle) in values else None
        for handle, placeholder in zip(captured, placeholders, strict=True)
    }
