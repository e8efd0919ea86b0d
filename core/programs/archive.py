"""The zip that TorchScript and ``torch.export`` save into: read whole, and built anew of what was looked at."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib

from core.errors import VictimError

SAFER = "Save the model's state dict as safetensors, and name its architecture."
"""What to do instead where a program is refused."""

Entries = dict[str, bytes]

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_MAX_UNPACKED = 4 * 2**30


def entries_of(data: bytes, name: str) -> Entries:
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


def rebuilt(entries: Entries) -> io.BytesIO:
    """An archive of these entries alone, so that no other reader finds in it what we did not see."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for entry, content in entries.items():
            file.writestr(f"archive/{entry}", content)
    buffer.seek(0)
    return buffer
