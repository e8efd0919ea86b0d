"""TorchScript: text in Python's grammar, which PyTorch compiles. Its interpreter can write files.

What it may do is looked for twice: in the text before anything loads it, and in the compiled graphs before anything
runs them, where every operator has its full name, whatever the text called it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from core.errors import VictimError
from core.programs.archive import SAFER, entries_of, rebuilt

REACHES_OUT = frozenset({"save", "from_file", "load_tensor", "rpc_sync", "rpc_async", "rpc_remote", "__setstate__"})
"""Operators of TorchScript's interpreter that read or write files or speak to other machines, and the method that runs
while a file is being loaded."""

_ENTRIES = re.compile(r"(data|constants)/\d+|data\.pkl|constants\.pkl|code/[\w/.]+\.py|(\.data/)?version|byteorder")
_NAMESPACES = frozenset({"torch", "ops", "__torch__"})
"""What the text calls operators and classes by; another name for one of them would hide which are meant."""
_OPERATORS = ("aten", "prim", "torchvision")
_ARITHMETIC = re.compile(
    rf"(aten|torchvision)::(?!({'|'.join(sorted(REACHES_OUT))})$)\w+"
    r"|prim::(Constant|GetAttr|SetAttr|CreateObject|Uninitialized|If|Loop|RaiseException|Print|NumToTensor|StringIndex"
    r"|(List|Tuple|Dict)(Construct|Unpack|Index|Slice)|isinstance|unchecked_cast|unchecked_unwrap_optional"
    r"|abs|min|max|index|rangelist|tolist|data|grad|requires_grad|type|dtype|device|layout|itemsize|nbytes|is_\w+)"
)
"""Instructions of compiled graphs. A call that could not be replaced by the called graph is none, nor is a thread or a
function of Python's."""


def load_torchscript(data: bytes, name: str) -> nn.Module:
    """Entries that are neither weights nor code (debugging notes, extra files) are left out. Raises VictimError."""
    entries = {entry: content for entry, content in entries_of(data, name).items() if _ENTRIES.fullmatch(entry)}
    for entry, content in entries.items():
        if entry.startswith("code/"):
            _check_text(content, f"{name}: {entry}")
        elif entry.endswith(".pkl") and b"torch.classes" in content.replace(b"\n", b"."):
            raise VictimError(f"{name}: {entry} holds objects of C++ classes, which nobody vouches for.", SAFER)
    module: nn.Module = torch.jit.load(rebuilt(entries), map_location="cpu")  # type: ignore[no-untyped-call]
    compiled: list[Any] = [part._c for part in module.modules()]
    if any(part._get_forward_hooks() or part._get_forward_pre_hooks() for part in compiled):
        raise VictimError(f"{name} runs hooks beside its layers.", SAFER)
    _check_compiled(compiled[0], name)
    return module.eval()


def _check_text(content: bytes, where: str) -> None:
    """Raise VictimError for a word in it that reaches out of the tensors, or that would hide one."""
    try:
        tree = ast.parse(content.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise VictimError(f"{where} cannot be looked through: {error}.", SAFER) from error
    opened = set()  # namespaces of which something is taken, as in torch.relu
    for node in ast.walk(tree):
        for word in _words(node):
            if word in REACHES_OUT:
                raise VictimError(f"{where} uses {word!r}, which reaches beyond its tensors.", SAFER)
        if isinstance(node, ast.Attribute):
            opened.add(id(node.value))
            _check_attribute(node, where)
        elif isinstance(node, ast.Name) and node.id in _NAMESPACES and id(node) not in opened:
            raise VictimError(f"{where} hides behind another name what it takes of {node.id!r}.", SAFER)


def _check_attribute(node: ast.Attribute, where: str) -> None:
    of = node.value
    if isinstance(of, ast.Name) and of.id == "ops" and node.attr not in _OPERATORS:
        raise VictimError(f"{where} uses operators of {node.attr!r}, which nobody vouches for.", SAFER)
    if isinstance(of, ast.Attribute) and (of.attr, node.attr) == ("torch", "classes"):
        raise VictimError(f"{where} uses C++ classes, which nobody vouches for.", SAFER)


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _check_compiled(network: Any, name: str) -> None:
    """Raise VictimError unless the network's own methods, with all that they call, do tensor arithmetic alone."""
    for method in network._method_names():
        for kind in _instructions(network._get_method(method).inlined_graph):
            if not _ARITHMETIC.fullmatch(kind):
                raise VictimError(f"{name} runs {kind}, which is not tensor arithmetic.", SAFER)


def _instructions(block: Any) -> Iterator[str]:
    """The kinds of all nodes of a graph or block, of those within them too."""
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _instructions(inner)
