"""Says no to an ONNX file that is more than a small network, before any native code reads it.

The file's own wire format is walked (protobuf: numbered fields), so that neither the onnx package
nor its parser is needed where policies are only run. Refused are: operators not listed here (so no
loops, no functions, no custom operators, nothing that sizes memory from data), data outside the
file, and whatever does not parse.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (ONNX IR, stable by contract).
"""

from __future__ import annotations

from collections.abc import Iterator

from configs.errors import BundleError

# fmt: off
OPERATORS = frozenset((
    "Abs", "Add", "ArgMax", "Cast", "Clip", "Concat", "Constant", "Div", "Elu", "Exp",
    "Flatten", "GRU", "Gather", "Gemm", "Greater", "Identity", "LSTM", "LeakyRelu", "Log",
    "MatMul", "Max", "Min", "Mul", "Neg", "Pow", "ReduceMax", "ReduceMean", "ReduceSum",
    "Relu", "Reshape", "Sigmoid", "Slice", "Softmax", "Softplus", "Sqrt", "Squeeze", "Sub",
    "Tanh", "Transpose", "Unsqueeze", "Where",
))
# fmt: on
"""What a policy's network may be made of."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN, _NODE_OVERLOAD = 4, 5, 7, 8
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS = 5, 10
_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES = 6, 11, 22, 23
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_OPSET_DOMAIN = 1

Field = tuple[int, int | memoryview]


def check_onnx(data: bytes, where: str) -> None:
    """Refuse a model that is damaged or holds more than a network's operators and weights.

    Args:
        data: the file.
        where: what to call it in the message.

    Raises:
        BundleError: with the first reason found.
    """
    try:
        graphs = list(_model(memoryview(data)))
    except _Refused as refused:
        raise BundleError(f"{where}: {refused}; export the policy again") from None
    if len(graphs) != 1:
        raise BundleError(f"{where}: holds {len(graphs)} graphs, not one; export the policy again")


class _Refused(Exception):  # noqa: N818 - a reason on its way to the message
    pass


def _model(data: memoryview) -> Iterator[None]:
    for number, value in _fields(data):
        if number in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
            raise _Refused("holds functions, which policies do not need")
        if number == _MODEL_OPSET:
            for inner, domain in _fields(_message(value)):
                if inner == _OPSET_DOMAIN:
                    _check_domain(domain)
        if number == _MODEL_GRAPH:
            _graph(_message(value))
            yield


def _graph(data: memoryview) -> None:
    for number, value in _fields(data):
        if number == _GRAPH_NODE:
            _node(_message(value))
        elif number == _GRAPH_INITIALIZER:
            _tensor(_message(value))
        elif number == _GRAPH_SPARSE:
            raise _Refused("holds sparse weights, which policies do not need")


def _node(data: memoryview) -> None:
    for number, value in _fields(data):
        if number == _NODE_OPERATOR:
            operator = bytes(_message(value)).decode("utf-8", "replace")
            if operator not in OPERATORS:
                raise _Refused(f"uses the operator {operator[:40]!r}, which is not allowed")
        elif number == _NODE_DOMAIN:
            _check_domain(value)
        elif number == _NODE_OVERLOAD and len(_message(value)):
            raise _Refused("calls a function, which policies do not need")
        elif number == _NODE_ATTRIBUTE:
            _attribute(_message(value))


def _attribute(data: memoryview) -> None:
    for number, value in _fields(data):
        if number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
            _tensor(_message(value))
        elif number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
            raise _Refused("holds a graph within a graph, which policies do not need")
        elif number in (_ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES):
            raise _Refused("holds sparse weights, which policies do not need")


def _tensor(data: memoryview) -> None:
    for number, value in _fields(data):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise _Refused("keeps weights in another file, which is not read")


def _check_domain(value: int | memoryview) -> None:
    domain = bytes(_message(value)).decode("utf-8", "replace")
    if domain not in ("", "ai.onnx"):
        raise _Refused(f"uses operators of {domain[:40]!r}; only ONNX's own are allowed")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _Refused("is damaged (a number stands where a message belongs)")
    return value


def _fields(data: memoryview) -> Iterator[Field]:
    """Yield (number, value) of one message; numbers of fixed width are skipped."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise _Refused("is damaged (a field without a number)")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > end:
                raise _Refused("is cut short")
            yield number, data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
            if at > end:
                raise _Refused("is cut short")
        else:
            raise _Refused("is damaged (not ONNX's file format)")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise _Refused("is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise _Refused("is damaged (an endless number)")
