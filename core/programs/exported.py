"""``torch.export``'s archives: a graph of operators and plain weights, looked through before PyTorch reads it.

Its own loader unpickles freely where a file asks for it, opens compiled libraries, hands strings to ``eval`` and calls
whatever function of ``torch`` a node names.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.node import map_aggregate

from core.errors import VictimError
from core.programs.archive import SAFER, entries_of, rebuilt
from core.programs.torchscript import REACHES_OUT

_MODEL, _SAMPLES = "models/model.json", "data/sample_inputs/model.pt"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_EXPORT_ENTRIES = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|archive_format|archive_version|byteorder|(\.data/)?version"
)
_OPERATOR = re.compile(
    rf"torch\.ops\.(aten|prims)\.(?!({'|'.join(sorted(REACHES_OUT))})\b)\w+\.\w+"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|getitem|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|sqrt|trunc)|torch\.sym_(float|int|max|min|not|sqrt|sum)"
)
_EXPRESSION = re.compile(
    r"Symbol\('[su]\d+'(, (positive|negative|nonnegative|integer)=(True|False))*\)|Integer\(-?\d+\)"
    r"|(Add|Mul|FloorDiv|CleanDiv|PythonMod|Mod|Max|Min)\(|\b[su]\d+\b|\b\d+\b|[\s+\-*/(),]"
)
"""What sizes are written with: arithmetic over symbols. PyTorch gives the text to ``eval``."""
_SYMBOL = re.compile(r"[su]\d+")
_ASSERTS = torch.ops.aten._assert_tensor_metadata.default
_TREE_TYPES = {None, "builtins.tuple", "builtins.list", "builtins.dict"}


def load_exported(data: bytes, name: str) -> nn.Module:
    found = entries_of(data, name)
    if _MODEL not in found or not all(config in found for config in _CONFIGS):
        raise VictimError(f"{name} was saved by another version of torch.export.", "Export it again with this one.")
    entries = {entry: content for entry, content in found.items() if _EXPORT_ENTRIES.fullmatch(entry)}
    for config in _CONFIGS:
        _check_payload(json.loads(found[config]), name)
        entries[config] = found[config]
    document = json.loads(found[_MODEL])
    document["guards_code"] = []  # Python source, which a caller would compile
    _check_graph(document, name)
    entries[_MODEL] = json.dumps(document).encode()
    nothing = io.BytesIO()
    torch.save(((), {}), nothing)  # instead of the sample inputs: a pickle
    entries[_SAMPLES] = nothing.getvalue()
    log = logging.getLogger("torch.export")
    log.disabled = True  # it prints a traceback of what is raised as well
    try:
        # Where this format fails it would try an older one; the rebuilt archive has nothing at that one's place.
        module = torch.export.load(rebuilt(entries)).module(check_guards=False)
    finally:
        log.disabled = False
    for part in module.modules():  # torch.export forbids eval(), and what it exported in training mode stays so
        for method in ("train", "eval"):
            vars(part).pop(method, None)
    return Exported(module).eval()


class Exported(nn.Module):
    """An exported graph that may be moved to another device, and called in another precision, than it was exported in.

    Without this, what it makes itself, such as by ``arange``, would stay on the device of then, and its checks of what
    its tensors are would fail under autocast.
    """

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program
        for part in self._graphs():
            for node in part.graph.find_nodes(op="call_function", target=_ASSERTS):
                part.graph.erase_node(node)
            part.recompile()

    def _graphs(self) -> list[GraphModule]:
        return [part for part in self.program.modules() if isinstance(part, GraphModule)]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.program(images)
        return logits

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What ``to`` and its kin call."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        device = fn(torch.empty(0)).device

        def there(argument: Any) -> Any:
            return device if isinstance(argument, torch.device) else argument

        for part in self._graphs():
            for node in part.graph.nodes:
                node.args, node.kwargs = (map_aggregate(each, there) for each in (node.args, node.kwargs))
            part.recompile()
        return self


def _check_payload(config: Any, name: str) -> None:
    """Weights are to be plain bytes: a pickle among them, or an object of a class, is not loaded."""
    for weight, meta in config["config"].items():
        if meta.get("use_pickle") or not re.fullmatch(r"(weight|tensor)_\d+", meta["path_name"]):
            raise VictimError(f"{name} holds {weight} as a pickled object.", SAFER)


def _check_graph(node: Any, name: str) -> None:
    """Walk the whole document, emptying what is said of its nodes' sources.

    Raises VictimError for an operator, an expression or a type that is not arithmetic.
    """
    if isinstance(node, list):
        for item in node:
            _check_graph(item, name)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        wrong = False
        if key == "metadata" and "target" in node:
            node[key] = {}  # names of the source's functions, which the loader would look up
            continue
        if key == "target" and "inputs" in node:
            wrong = not isinstance(value, str) or not _OPERATOR.fullmatch(value)
        elif key == "expr_str":
            wrong = not isinstance(value, str) or "**" in value or bool(_EXPRESSION.sub("", value))
        elif key == "range_constraints":
            wrong = not all(_SYMBOL.fullmatch(symbol) for symbol in value)
        elif key in ("in_spec", "out_spec"):
            wrong = not _plain_tree(json.loads(value))
        elif key in ("as_custom_obj", "as_operator", "as_graph", "treespec_namedtuple_fields"):
            wrong = bool(value)
        if wrong:
            raise VictimError(f"{name} uses {key} {str(value)[:80]!r}, which is not tensor arithmetic.", SAFER)
        _check_graph(value, name)


def _plain_tree(spec: Any) -> bool:
    """Whether arguments and results nest in tuples, lists and dictionaries alone."""
    if isinstance(spec, list):
        return all(_plain_tree(item) for item in spec)
    if not isinstance(spec, dict):
        return True
    return spec.get("type") in _TREE_TYPES and _plain_tree(spec.get("children_spec", []))
