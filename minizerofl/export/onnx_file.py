"""Exported models as ONNX files: the graph of a forward pass, written with ONNX's own operators (opset 17)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minizerofl.autograd.tensor import Tensor
from minizerofl.export.errors import ExportError
from minizerofl.export.formats import need
from minizerofl.export.graph import SAMPLES, Step, trace
from minizerofl.export.portable import Portable, input_shape
from minizerofl.fl.payload import Array

OPSET, IR_VERSION = 17, 8  # of 2022: old enough for every runtime that is in use
BATCH = "N"  # the name of the batch axis


def onnx(portable: Portable) -> bytes:
    """Return a model as an ONNX file: ``x`` (N, C, H, W) float32 -> ``logits`` (N, classes), for any N.

    Raises
    ------
    MissingExtraError
        The package onnx is not installed.
    ExportError
        The model has a layer that cannot be exported, or its file does not say the shape of a sample.
    """
    library = need("onnx", "--to onnx")
    shape = input_shape(portable)
    graph = trace(portable.model, shape, EMITTERS)
    if graph.logits.ndim != 2 or graph.logits.shape[1] != SAMPLES:
        raise ExportError(f"the model returns shape {graph.logits.shape[:-1]} for a sample, expected (classes,)")
    writer = _Writer(portable, graph.x)
    for step in graph.steps:
        writer.add(step)
    helper, kind = library.helper, library.TensorProto.FLOAT
    writer.rename(graph.logits, "logits")
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node(op, inputs, outputs, **more) for op, inputs, outputs, more in writer.nodes],
            str(portable.metadata["model"]),
            [helper.make_tensor_value_info("x", kind, [BATCH, *shape])],
            [helper.make_tensor_value_info("logits", kind, [BATCH, graph.logits.shape[0]])],
            [library.numpy_helper.from_array(value, name) for name, value in writer.initializers.items()],
        ),
        doc_string=f"trained on {portable.metadata['trained_on']}",
        producer_name="minizerofl",
        producer_version=str(portable.metadata["minizerofl"]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(proto, portable.texts())
    library.checker.check_model(proto, full_check=True)
    content: bytes = proto.SerializeToString()
    return content


class _Writer:
    """The nodes and weights of a graph, as they come."""

    def __init__(self, portable: Portable, x: Tensor) -> None:
        model = portable.model
        self.nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self.initializers: dict[str, Array] = {}
        self._state = portable.state
        self._names = {id(value): name for name, value in model.named_parameters()}
        self._buffers = {id(value): name for name, value in model.named_buffers()}
        self._values: dict[int, str] = {id(x): "x"}  # activations by Tensor

    def add(self, step: Step) -> None:
        """Write one step."""
        self._values[id(step.result)] = EMITTERS[step.op](self, step)

    def rename(self, tensor: Tensor, name: str) -> None:
        """Give a value its name as an output."""
        self.emit("Identity", [self.value(tensor)], into=name)

    def emit(self, op: str, inputs: list[str], into: str = "", **attributes: Any) -> str:
        """Write a node; return the name of its result."""
        name = into or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append((op, inputs, [name], attributes))
        return name

    def value(self, tensor: Tensor | None) -> str:
        """Return the name of an activation.

        Raises
        ------
        ExportError
            The Tensor is not one.
        """
        found = self._values.get(id(tensor))
        if found is None:
            raise ExportError("an op is applied to a parameter where an activation is expected; cannot export to ONNX")
        return found

    def weight(self, tensor: Tensor) -> str:
        """Return the name of a parameter, as it stands in the state dict."""
        name = self._names.get(id(tensor))
        if name is None:
            raise ExportError("a layer computes its weights from others, which cannot be exported to ONNX")
        return self.constant(name, self._state[name])

    def buffer(self, array: Array) -> str:
        """Return the name of a buffer."""
        name = self._buffers[id(array)]
        return self.constant(name, self._state[name])

    def constant(self, name: str, value: Array) -> str:
        """Write a constant, once."""
        self.initializers[name] = value
        return name

    def operand(self, tensor: Tensor | None, ndim: int) -> str:
        """Return the name of an operand of an element-wise op, whose other one may have more axes.

        A parameter or a number is turned into an array with the batch first that broadcasts as it did batch last.
        """
        if tensor is None or id(tensor) in self._values:
            if tensor is not None and tensor.ndim != ndim:
                raise ExportError("activations with different numbers of axes cannot be joined in ONNX")
            return self.value(tensor)
        name = self._names.get(id(tensor), f"constant_{len(self.initializers)}")
        aligned = tensor.numpy().reshape((1,) * (ndim - tensor.ndim) + tensor.shape)
        if ndim and aligned.shape[-1] != 1:
            raise ExportError(f"{name} has shape {tensor.shape}, which runs over the batch; cannot export to ONNX")
        return self.constant(f"{name} (batch first)", np.moveaxis(aligned, -1, 0) if ndim else aligned)


def _conv(w: _Writer, step: Step) -> str:
    x, weight, bias = step.inputs
    if weight is None:
        raise ExportError("a convolution without weights cannot be exported to ONNX")
    p = step.options["padding"]
    return w.emit(
        "Conv",
        [w.value(x), w.weight(weight), *([w.weight(bias)] if bias is not None else [])],
        kernel_shape=list(weight.shape[1:3]),
        strides=[step.options["stride"]] * 2,
        pads=[p] * 4,
    )


def _linear(w: _Writer, step: Step) -> str:
    x, weight, bias = step.inputs
    if weight is None:
        raise ExportError("a linear layer without weights cannot be exported to ONNX")
    return w.emit("Gemm", [w.value(x), *(w.weight(each) for each in (weight, bias) if each is not None)], transB=1)


def _batch_norm(w: _Writer, step: Step) -> str:
    x, scale, shift, residual = step.inputs
    parameters = [w.weight(each) for each in (scale, shift) if each is not None]
    moments = [w.buffer(each) for each in step.options["running"]]
    y = w.emit("BatchNormalization", [w.value(x), *parameters, *moments], epsilon=float(step.options["eps"]))
    if residual is not None:
        y = w.emit("Add", [y, w.value(residual)])
    return w.emit("Relu", [y]) if step.options["relu"] else y


def _group_norm(w: _Writer, step: Step) -> str:
    """Normalise the groups as the channels of an InstanceNormalization; GroupNormalization itself is newer."""
    x, *parameters = step.inputs
    groups, name = step.options["groups"], w.value(x)
    shape = w.emit("Shape", [name])
    grouped = w.emit("Reshape", [name, w.constant(f"{groups} groups", np.array([0, groups, -1]))])
    ones, zeros = np.ones(groups, np.float32), np.zeros(groups, np.float32)
    constants = [w.constant(f"ones of {groups}", ones), w.constant(f"zeros of {groups}", zeros)]
    y = w.emit("InstanceNormalization", [grouped, *constants], epsilon=float(step.options["eps"]))
    y = w.emit("Reshape", [y, shape])
    channel = w.constant("a channel", np.array([1, -1, 1, 1]))
    for op, each in zip(("Mul", "Add"), parameters, strict=True):
        if each is not None:
            y = w.emit(op, [y, w.emit("Reshape", [w.weight(each), channel])])
    return y


def _pool(op: str, size: str) -> Callable[[_Writer, Step], str]:
    def emit(w: _Writer, step: Step) -> str:
        kernel, stride = (_pair(step.options[name]) for name in (size, "stride"))
        return w.emit(op, [w.value(step.inputs[0])], kernel_shape=kernel, strides=stride)

    return emit


def _reshape(w: _Writer, step: Step) -> str:
    """Only Flatten has a counterpart that leaves the batch alone."""
    (x,) = step.inputs
    if x is None or step.result.shape != (math.prod(x.shape[:-1]), x.shape[-1]):
        raise ExportError("a reshape other than Flatten cannot be exported to ONNX")
    return w.emit("Flatten", [w.value(x)], axis=1)


def _mean(w: _Writer, step: Step) -> str:
    (x,) = step.inputs
    axis, ndim = step.options["axis"], 0 if x is None else x.ndim
    given = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted(each % ndim for each in given)
    if ndim - 1 in axes:
        raise ExportError("a mean over the batch cannot be exported to ONNX")
    if ndim == 4 and axes == [1, 2] and not step.options["keepdims"]:
        return w.emit("Flatten", [w.emit("GlobalAveragePool", [w.value(x)])], axis=1)
    return w.emit("ReduceMean", [w.value(x)], axes=[each + 1 for each in axes], keepdims=int(step.options["keepdims"]))


def _elementwise(op: str) -> Callable[[_Writer, Step], str]:
    def emit(w: _Writer, step: Step) -> str:
        return w.emit(op, [w.operand(each, step.result.ndim) for each in step.inputs])

    return emit


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


EMITTERS: Mapping[str, Callable[[_Writer, Step], str]] = {
    **{"conv2d": _conv, "sparse_conv2d": _conv, "linear": _linear, "sparse_linear": _linear},
    **{"batch_norm": _batch_norm, "group_norm": _group_norm, "reshape": _reshape, "mean": _mean},
    **{"max_pool2d": _pool("MaxPool", "kernel_size"), "avg_pool2d": _pool("AveragePool", "kernel")},
    **{name: _elementwise(name.title()) for name in ("add", "sub", "mul", "div", "neg", "relu", "tanh", "sigmoid")},
    **{name: _elementwise(name.title()) for name in ("exp", "log", "sqrt")},
}
