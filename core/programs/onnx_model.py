"""ONNX: a table of operators, converted to a network of PyTorch's by an optional package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn

from core.errors import VictimError

_ONNX_OPSET = 18
"""The newest set of operators that the converter knows throughout."""


def load_onnx(data: bytes, name: str) -> nn.Module:
    """ONNX is a table of operators and holds no code; weights in files beside it are not followed."""
    import onnx  # noqa: PLC0415  (optional)
    import onnx2torch  # noqa: PLC0415

    model = onnx.load_model_from_string(data)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model, onnx.TensorProto)):
        raise VictimError(f"{name} keeps its weights in other files.", "Save it as one file.")
    if next((each.version for each in model.opset_import if not each.domain), 0) > _ONNX_OPSET:
        model = onnx.version_converter.convert_version(model, _ONNX_OPSET)
    _drop_identities(model.graph)
    module: nn.Module = onnx2torch.convert(model)
    return module.eval()


def _tensors(message: Any, kind: type) -> Iterator[Any]:
    """Every tensor in a message, wherever one can be: nodes, functions and sparse weights have some as well."""
    if isinstance(message, kind):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if isinstance(value, Iterable) else (value,):
                yield from _tensors(part, kind)


def _drop_identities(graph: Any) -> None:
    """Exporters name equal weights once and the others as its copies, which the converter cannot read."""
    ends = {output.name for output in graph.output}
    copies: dict[str, str] = {}
    kept = []
    for node in graph.node:  # in the order of computation
        for at, name in enumerate(node.input):
            node.input[at] = copies.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in ends:
            copies[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
