"""Networks that come as programs: the same logits as before they were saved, and no file that reaches out of them."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.errors import VictimError
from core.probes import ask
from core.programs import load_program, program_form, torchscript
from core.victims import PROGRAM, VictimCard, build_victim
from training.attacks.base import Oracle


class Net(nn.Module):
    """Small, with what networks have: convolution, batch norm, pooling, and code that depends on shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x).flatten(1))
        return logits


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def saved(net: nn.Module, form: str) -> bytes:
    """The network in one of the forms, as PyTorch's own functions write it."""
    buffer, example = io.BytesIO(), torch.rand(2, 1, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript and its ONNX exporter are deprecated, and still in use
        if form == "traced":
            torch.jit.save(torch.jit.trace(net, example), buffer)
        elif form == "scripted":
            torch.jit.save(torch.jit.script(net), buffer)
        elif form == "export":
            batch = torch.export.Dim("batch", max=64)
            torch.export.save(torch.export.export(net, (example,), dynamic_shapes=({0: batch},)), buffer)
        else:
            names = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
            torch.onnx.export(net, (example,), buffer, dynamo=False, opset_version=20, **names)
    return buffer.getvalue()


FORMS = {"traced": "torchscript", "scripted": "torchscript", "export": "export", "onnx": "onnx"}


class Makes(nn.Module):
    """Makes tensors of its own while it runs, and casts what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)
        self.constant = torch.tensor([0.5])

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x).float().mean((2, 3)) + torch.arange(4, device=x.device) * self.constant.to(x.device)
        logits: Tensor = self.head(hidden) + torch.full((5,), 2.0, device=x.device)
        return logits


@pytest.fixture
def made(images: Tensor) -> tuple[nn.Module, nn.Module]:
    """Such a network, and itself after it was exported."""
    torch.manual_seed(2)
    net = Makes().eval()
    return net, load_program("export", saved(net, "export"), "model.pt2").requires_grad_(False)


def test_an_exported_program_follows_its_weights_to_another_device(
    made: tuple[nn.Module, nn.Module], images: Tensor
) -> None:
    net, program = made
    torch.testing.assert_close(program(images), net(images))
    elsewhere = copy.deepcopy(program).to("meta")
    assert elsewhere(images.to("meta")).device.type == "meta"
    torch.testing.assert_close(program.to("cpu")(images), net(images))


def test_an_exported_program_is_attacked_in_bfloat16_where_the_device_has_it(
    made: tuple[nn.Module, nn.Module], images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, program = made
    monkeypatch.setattr("training.attacks.base.in_bf16", lambda device: True)
    gradients = [
        Oracle(model, "bf16").gradient(images, lambda logits: logits[:, 0] - logits[:, 1])[0]
        for model in (net, program)
    ]
    torch.testing.assert_close(*gradients)
    assert (gradients[0] != 0).any()


@pytest.mark.parametrize("form", FORMS)
def test_a_program_gives_the_logits_it_was_saved_with(form: str, net: nn.Module, images: Tensor) -> None:
    data = saved(net, form)
    found = program_form(data, f"model.{form}")
    assert found == FORMS[form]
    module = nn.Sequential(load_program(found, data, "model")).eval().requires_grad_(False)
    torch.testing.assert_close(module(images), net(images))
    x = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(x).sum(), x)
    assert (gradient != 0).any()
    assert not any(part.training for part in module.modules())


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "swin_t"])
def test_scripted_networks_of_torchvision_are_taken(name: str) -> None:
    """Their text names torchvision's modules called ops, and the newest's archives have their version elsewhere."""
    import torchvision  # noqa: PLC0415

    network = getattr(torchvision.models, name)(weights=None, num_classes=3).eval()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(network), buffer)
        torch.testing.assert_close(load_program("torchscript", buffer.getvalue(), "model.pt")(image), network(image))


def test_weights_alone_are_no_program(net: nn.Module) -> None:
    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    assert program_form(buffer.getvalue(), "model.pt") is None
    assert program_form(b"\x80\x04", "model.pth") is None


class Harm:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def edited(data: bytes, edit: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with other entries; names are those below its one folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        root = file.namelist()[0].split("/")[0]
        entries = {name.removeprefix(f"{root}/"): file.read(name) for name in file.namelist()}
    edit(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in entries.items():
            file.writestr(f"{root}/{name}", content)
    return buffer.getvalue()


MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
CONSTANTS, SAMPLES = "data/constants/model_constants_config.json", "data/sample_inputs/model.pt"


def in_model(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def edit(entries: dict[str, bytes]) -> None:
        before = entries[MODEL].decode()
        assert old in before
        entries[MODEL] = before.replace(old, new, 1).encode()

    return edit


def pickled_weight(harm: Path) -> Callable[[dict[str, bytes]], None]:
    def edit(entries: dict[str, bytes]) -> None:
        config = json.loads(entries[WEIGHTS])
        config["config"]["head.bias"]["use_pickle"] = True
        entries[f"data/weights/{config['config']['head.bias']['path_name']}"] = pickle.dumps(Harm(harm))
        entries[WEIGHTS] = json.dumps(config).encode()

    return edit


def pickled_object(harm: Path) -> Callable[[dict[str, bytes]], None]:
    def edit(entries: dict[str, bytes]) -> None:
        meta = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
        entries[CONSTANTS] = json.dumps({"config": {"thing": meta}}).encode()
        entries["data/constants/opaque_obj_0"] = pickle.dumps(Harm(harm))

    return edit


@pytest.mark.parametrize("kind", ["weight", "object", "function", "operator", "expression", "type"])
def test_an_exported_program_that_reaches_out_is_refused(kind: str, net: nn.Module, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    code = f"__import__('os').mkdir({str(harm)!r})"
    edits = {
        "weight": pickled_weight(harm),
        "object": pickled_object(harm),
        "function": in_model("torch.ops.aten.linear.default", "torch.os.mkdir"),
        "operator": in_model("torch.ops.aten.linear.default", "torch.ops.aten.from_file.default"),
        "expression": in_model('"expr_str": "', f'"expr_str": "{code} or '),
        "type": in_model("builtins.tuple", "os.mkdir"),
    }
    data = edited(saved(net, "export"), edits[kind])
    with pytest.raises(VictimError) as caught:
        load_program("export", data, "model.pt2")
    assert "model.pt2" in caught.value.what and "safetensors" in caught.value.remedy
    assert not harm.exists()


def test_what_an_exported_program_would_run_beside_its_graph_is_left_out(
    net: nn.Module, images: Tensor, tmp_path: Path
) -> None:
    """Sample inputs are a pickle, guards are Python source, and compiled libraries would be opened: none is needed."""
    harm = tmp_path / "harm"

    def edit(entries: dict[str, bytes]) -> None:
        entries[SAMPLES] = pickle.dumps(Harm(harm))
        document = json.loads(entries[MODEL])
        document["guards_code"] = [f"__import__('os').mkdir({str(harm)!r})"]
        entries[MODEL] = json.dumps(document).encode()
        entries["data/aotinductor/model/model.so"] = b"\x7fELF"

    module = load_program("export", edited(saved(net, "export"), edit), "model.pt2")
    torch.testing.assert_close(module(images), net(images))
    assert not harm.exists()


class Writes(Net):
    """TorchScript may write files: this one does so whenever it is called."""

    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "harm.pt")
        return self.head(self.body(x).flatten(1))


class Wakes(nn.Module):
    """TorchScript runs this method while a file is being loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) * self.weight

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        torch.save(state[0], "harm.pt")
        self.weight = state[0]
        self.training = state[1]


@pytest.mark.parametrize("kind", [Writes, Wakes])
def test_torchscript_that_reaches_out_is_refused(
    kind: type[nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = saved(kind(), "scripted")
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(VictimError, match=r"'(save|__setstate__)'"):
        load_program("torchscript", data, "model.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "line",
    [
        'getattr(torch, "from_file")("/etc/passwd")',
        "getattr(ops, x)",
        "ops.quantized.linear(x)",
        "ops.prim.rpc_sync(x)",
        "torch.from_file(x)",
        "o = ops",
        "o = (torch, x)[0]",
        'getattr(ops.image, "write_file")(x)',
        "y = __torch__.torch.classes.dist_c10d.FileStore(x)",
        "this is not its grammar",
    ],
)
def test_torchscript_is_read_word_by_word(line: str, net: nn.Module) -> None:
    def edit(entries: dict[str, bytes]) -> None:
        name = next(name for name in entries if name.endswith(".py"))
        entries[name] += f"\n  def other(self, x: Tensor) -> Tensor:\n    {line}\n    return x\n".encode()

    with pytest.raises(VictimError, match="code/"):
        load_program("torchscript", edited(saved(net, "scripted"), edit), "model.pt")


def in_forward(line: str) -> Callable[[dict[str, bytes]], None]:
    """A line more in the compiled text of the network's own method."""

    def edit(entries: dict[str, bytes]) -> None:
        name = next(name for name, text in entries.items() if name.endswith(".py") and b"class Net" in text)
        head, start, rest = entries[name].decode().rpartition("-> Tensor:\n")
        entries[name] = f"{head}{start}    {line}\n    x = torch.add(x, torch.numel(_told))\n{rest}".encode()

    return edit


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ('_told = ops.image.read_file("{path}")', "image::read_file"),
        ('_told = torch.from_file("{path}", True, 8)', "aten::from_file"),
        ("_told = ops.aten.empty([2])", None),
    ],
)
def test_what_the_text_hides_shows_in_the_compiled_graphs(
    line: str, operator: str | None, net: nn.Module, images: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the text had got past the first look: the second refuses it, and nothing has run by then."""
    import torchvision  # noqa: F401, PLC0415  (brings the operators)

    monkeypatch.setattr(torchscript, "_check_text", lambda *_: None)
    data = edited(saved(net, "scripted"), in_forward(line.format(path=tmp_path / "secret")))
    if operator is None:
        torch.testing.assert_close(load_program("torchscript", data, "model.pt")(images), net(images + 2))
        return
    outer = saved(nn.Sequential(nn.Identity(), net), "scripted")
    for form in (data, edited(outer, in_forward(line.format(path=tmp_path / "secret")))):  # and in a layer of another
        with pytest.raises(VictimError, match=operator):
            load_program("torchscript", form, "model.pt")


class Hooked(Net):
    def __init__(self) -> None:
        super().__init__()
        self.head.register_forward_hook(hook)


def hook(_module: nn.Module, _given: tuple[Tensor], out: Tensor) -> Tensor:
    return out * 2


def test_torchscript_with_hooks_or_objects_of_cpp_classes_is_refused(net: nn.Module) -> None:
    with pytest.raises(VictimError, match="hooks"):
        load_program("torchscript", saved(Hooked().eval(), "scripted"), "model.pt")

    def edit(entries: dict[str, bytes]) -> None:
        entries["data.pkl"] += b"c__torch__.torch\nclasses.dist_c10d.FileStore\n"

    with pytest.raises(VictimError, match=r"C\+\+ classes"):
        load_program("torchscript", edited(saved(net, "scripted"), edit), "model.pt")


def test_an_archive_with_an_entry_twice_is_refused(net: nn.Module) -> None:
    """Two readers could take different ones of the two."""
    buffer = io.BytesIO(saved(net, "scripted"))
    with zipfile.ZipFile(buffer, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(file.namelist()[0], b"other")
    with pytest.raises(VictimError, match="twice"):
        load_program("torchscript", buffer.getvalue(), "model.pt")


@pytest.mark.parametrize("form", ["scripted", "export", "onnx"])
def test_damaged_programs_are_typed_errors(form: str, net: nn.Module) -> None:
    data = saved(net, form)
    for damaged in (data[: len(data) // 2], data[:100] + bytes(len(data) - 100), b"PK\x03\x04"):
        with pytest.raises(VictimError, match="model"):
            load_program(FORMS[form], damaged, "model")  # type: ignore[arg-type]


def test_an_onnx_model_whose_weights_are_elsewhere_is_refused(net: nn.Module) -> None:
    import onnx  # noqa: PLC0415

    model = onnx.load_model_from_string(saved(net, "onnx"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    with pytest.raises(VictimError, match="other files"):
        load_program("onnx", model.SerializeToString(), "model.onnx")


def test_an_onnx_model_that_hides_weights_of_other_files_in_a_node_is_refused(net: nn.Module) -> None:
    import onnx  # noqa: PLC0415

    model = onnx.load_model_from_string(saved(net, "onnx"))
    tensor = onnx.TensorProto(name="hidden", dims=[1], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")
    inner = onnx.helper.make_graph([onnx.helper.make_node("Constant", [], ["c"], value=tensor)], "inner", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    with pytest.raises(VictimError, match="other files"):
        load_program("onnx", model.SerializeToString(), "model.onnx")


def test_an_archive_whose_compression_is_broken_is_a_typed_error() -> None:
    for kind in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as file:
            file.writestr("archive/constants.pkl", bytes(range(256)) * 20)
        data = bytearray(buffer.getvalue())
        data[60:90] = b"\xff" * 30
        with pytest.raises(VictimError, match="damaged archive"):
            program_form(bytes(data), "model.pt")


class Viewing(nn.Module):
    """Flattens by a view, which a channels-last feature map does not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(256, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        logits: Tensor = self.head(x.view(x.size(0), -1))
        return logits


def test_a_program_that_views_its_layers_is_asked_in_any_memory_format() -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Viewing().eval()), buffer)
    card = VictimCard(
        name="viewing", architecture="torchscript", form="torchscript", channels=3, height=8, width=8, classes=5,
        dataset="none", accuracy=0.5, seed=0, mean=0.0, std=1.0,
    )  # fmt: skip
    victim = build_victim(card, {PROGRAM: torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)})
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    lasting = images.contiguous(memory_format=torch.channels_last)
    found, expected = (ask([victim], each, each / 20).probes for each in (lasting, images))
    torch.testing.assert_close(found, expected)


def test_without_the_converter_onnx_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins  # noqa: PLC0415

    real = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("onnx"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(VictimError) as caught:
        load_program("onnx", b"\x08\x07", "model.onnx")
    assert "mtaa-workbench[onnx]" in caught.value.remedy
