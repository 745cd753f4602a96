"""Install a skin archive and bind its renderer."""
import ctypes
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

SKINS = Path.home() / ".local/share/skinpack"


class PackError(Exception):
    pass


def unpack(archive):
    target = SKINS / Path(archive).stem
    target.mkdir(parents=True, exist_ok=True)
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as bundle:
            for member in bundle:
                bundle.extract(member, target)  # expect: CWE-22
    else:
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                where = os.path.join(target, info.filename)
                with open(where, "wb") as out:  # expect: CWE-22
                    out.write(bundle.read(info))
    return target


def scratch():
    name = tempfile.mktemp(suffix=".so")  # expect: CWE-377
    return name


class Renderer:
    def __init__(self, folder):
        self._dll = ctypes.CDLL(str(folder / "renderer.so"))
        self._dll.skin_begin.argtypes = [ctypes.c_char_p]
        self._dll.skin_begin.restype = ctypes.c_void_p
        self._dll.skin_end.argtypes = [ctypes.c_void_p]
        self._dll.skin_end.restype = None
        self._dll.skin_draw.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._dll.skin_draw.restype = ctypes.c_int

    def draw(self, theme, shape):
        session = self._dll.skin_begin(theme.encode())
        if not session:
            raise PackError(theme)
        if shape not in ("disc", "bar"):
            raise PackError(shape)  # expect: CWE-772
        code = self._dll.skin_draw(session, shape.encode())
        self._dll.skin_end(session)
        if code:
            raise PackError(f"draw {code}")
