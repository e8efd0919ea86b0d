"""Networks that come as a program: TorchScript, ``torch.export`` and ONNX, looked through before anything loads them.

PyTorch's own loaders trust their files. ``torch.export.load`` unpickles freely where a file asks for it, opens compiled
libraries, hands strings to ``eval`` and calls whatever function of ``torch`` a node names; TorchScript's interpreter
can write files. So an archive is read by us first, refused unless every entry is of a known harmless kind, and what is
loaded is an archive rebuilt from exactly the entries that were looked at. What then remains is a program of tensor
arithmetic, which may still be slow or large, but reaches nothing outside its tensors. PyTorch's parsers in C++ read
it, and their own faults are not ours to rule out: a file from a stranger is safest as safetensors.
"""

from __future__ import annotations

import ast
import io
import json
import logging
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import torch
from torch import nn

from core.errors import VictimError
from core.frozen import how_to_get

ProgramForm = Literal["torchscript", "export", "onnx"]
PROGRAMS: tuple[ProgramForm, ...] = get_args(ProgramForm)

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_MAX_UNPACKED = 4 * 2**30
_SAFER = "Save the model's state dict as safetensors, and name its architecture."

_Entries = dict[str, bytes]


def program_form(data: bytes, name: str) -> ProgramForm | None:
    """Which kind of program the bytes are, None for weights alone. ``name``: the file's, for its suffix."""
    if data.startswith(b"PK"):
        names = _archive(data, name)
        if any(entry.startswith("models/") for entry in names) or "serialized_exported_program.json" in names:
            return "export"
        return "torchscript" if "constants.pkl" in names else None
    return "onnx" if name.lower().endswith(".onnx") else None


def load_program(form: ProgramForm, data: bytes, name: str) -> nn.Module:
    """The network in evaluation mode, on the CPU. Raises VictimError for what is refused, damaged or not supported."""
    load = {"torchscript": _torchscript, "export": _exported, "onnx": _onnx}[form]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the loaders are deprecated or chatty, and their users cannot help it
            return load(data, name)
    except VictimError:
        raise
    except ImportError as error:
        raise VictimError(
            f"{name} is an ONNX model, and no converter for it is installed ({error}).",
            how_to_get("one", "onnx"),
        ) from error
    except Exception as error:  # parsers of three formats, each with errors of its own
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise VictimError(f"{name} cannot be loaded as {form}: {reason}.", _SAFER) from error


def _archive(data: bytes, name: str) -> _Entries:
    """The entries of a zip by their names below its one folder. Raises VictimError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = [info for info in file.infolist() if not info.is_dir()]
            if len({info.filename for info in infos}) != len(infos):
                raise VictimError(f"{name} holds one entry twice.", "Save the model again.")
            if sum(info.file_size for info in infos) > _MAX_UNPACKED:
                raise VictimError(f"{name} unpacks to more than {_MAX_UNPACKED >> 30} GiB.", "Use a smaller model.")
            roots = {info.filename.split("/", 1)[0] for info in infos if "/" in info.filename}
            root = f"{roots.pop()}/" if len(roots) == 1 else ""
            return {info.filename.removeprefix(root): file.read(info) for info in infos}
    except (*_DAMAGED, EOFError, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        raise VictimError(f"{name} is a damaged archive: {error}.", "Copy or save the model again.") from error


def _rebuilt(entries: _Entries) -> io.BytesIO:
    """An archive of these entries alone, so that no other reader finds in it what we did not see."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for entry, content in entries.items():
            file.writestr(f"archive/{entry}", content)
    buffer.seek(0)
    return buffer


# --- TorchScript ---------------------------------------------------------------------------------------------------

_SCRIPT_ENTRIES = re.compile(r"(data|constants)/\d+|data\.pkl|constants\.pkl|code/[\w/.]+\.py|version|byteorder")
_REACHES_OUT = frozenset({"save", "from_file", "load_tensor", "rpc_sync", "rpc_async", "rpc_remote", "__setstate__"})
"""Operators of TorchScript's interpreter that read or write files or speak to other machines, and the method that runs
while a file is being loaded."""


def _torchscript(data: bytes, name: str) -> nn.Module:
    """Entries that are neither weights nor code (debugging notes, extra files) are left out."""
    entries = {entry: content for entry, content in _archive(data, name).items() if _SCRIPT_ENTRIES.fullmatch(entry)}
    for entry, content in entries.items():
        if entry.startswith("code/"):
            _check_script(content, f"{name}: {entry}")
    module: nn.Module = torch.jit.load(_rebuilt(entries), map_location="cpu")  # type: ignore[no-untyped-call]
    return module.eval()


def _check_script(content: bytes, where: str) -> None:
    """TorchScript is text in Python's grammar. Raises VictimError for a word in it that reaches out of the tensors."""
    try:
        tree = ast.parse(content.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise VictimError(f"{where} cannot be looked through: {error}.", _SAFER) from error
    for node in ast.walk(tree):
        for word in _words(node):
            if word in _REACHES_OUT:
                raise VictimError(f"{where} uses {word!r}, which reaches beyond its tensors.", _SAFER)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ops":
            if node.attr not in ("prim", "aten", "torchvision"):
                raise VictimError(f"{where} uses operators of {node.attr!r}, which nobody vouches for.", _SAFER)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            of = node.args[0] if node.args else None
            if not isinstance(of, ast.Name) or of.id in ("torch", "ops"):
                raise VictimError(f"{where} looks operators up by name.", _SAFER)


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


# --- torch.export --------------------------------------------------------------------------------------------------

_MODEL, _SAMPLES = "models/model.json", "data/sample_inputs/model.pt"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_EXPORT_ENTRIES = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|archive_format|archive_version|byteorder|(\.data/)?version"
)
_OPERATOR = re.compile(
    rf"torch\.ops\.(aten|prims)\.(?!({'|'.join(sorted(_REACHES_OUT))})\b)\w+\.\w+"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|getitem|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|sqrt|trunc)|torch\.sym_(float|int|max|min|not|sqrt|sum)"
)
_EXPRESSION = re.compile(
    r"Symbol\('[su]\d+'(, (positive|negative|nonnegative|integer)=(True|False))*\)|Integer\(-?\d+\)"
    r"|(Add|Mul|FloorDiv|CleanDiv|PythonMod|Mod|Max|Min)\(|\b[su]\d+\b|\b\d+\b|[\s+\-*/(),]"
)
"""What sizes are written with: arithmetic over symbols. PyTorch gives the text to ``eval``."""
_SYMBOL = re.compile(r"[su]\d+")
_TREE_TYPES = {None, "builtins.tuple", "builtins.list", "builtins.dict"}


def _exported(data: bytes, name: str) -> nn.Module:
    found = _archive(data, name)
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
        module = torch.export.load(_rebuilt(entries)).module(check_guards=False)
    finally:
        log.disabled = False
    for part in module.modules():  # torch.export forbids eval(), and what it exported in training mode stays so
        for method in ("train", "eval"):
            vars(part).pop(method, None)
    return module.eval()


def _check_payload(config: Any, name: str) -> None:
    """Weights are to be plain bytes: a pickle among them, or an object of a class, is not loaded."""
    for weight, meta in config["config"].items():
        if meta.get("use_pickle") or not re.fullmatch(r"(weight|tensor)_\d+", meta["path_name"]):
            raise VictimError(f"{name} holds {weight} as a pickled object.", _SAFER)


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
            raise VictimError(f"{name} uses {key} {str(value)[:80]!r}, which is not tensor arithmetic.", _SAFER)
        _check_graph(value, name)


def _plain_tree(spec: Any) -> bool:
    """Whether arguments and results nest in tuples, lists and dictionaries alone."""
    if isinstance(spec, list):
        return all(_plain_tree(item) for item in spec)
    if not isinstance(spec, dict):
        return True
    return spec.get("type") in _TREE_TYPES and _plain_tree(spec.get("children_spec", []))


# --- ONNX ----------------------------------------------------------------------------------------------------------


_ONNX_OPSET = 18
"""The newest set of operators that the converter knows throughout."""


def _onnx(data: bytes, name: str) -> nn.Module:
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
