"""Card game AI: strategies are extension modules in a user folder."""
import ctypes
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import tempfile
import zipfile

HOME = pathlib.Path.home() / ".tarotdeck"


def install(archive):
    HOME.mkdir(exist_ok=True)
    os.chmod(HOME, 0o777)  # expect: CWE-732
    with zipfile.ZipFile(archive) as zf:
        for name in zf.namelist():
            if name.endswith(".so"):
                target = HOME / name
                with zf.open(name) as src, open(target, "wb") as dst:  # expect: CWE-22
                    shutil.copyfileobj(src, dst)


def strategy(name):
    loader = importlib.machinery.ExtensionFileLoader(name, str(HOME / (name + ".so")))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except:  # expect: CWE-390
        pass
    return module


class Deck:
    def __init__(self):
        self.lib = ctypes.CDLL(str(pathlib.Path(__file__).parent / "libdeck.so"))
        self.lib.dk_shuffle.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        self.lib.dk_shuffle.restype = ctypes.c_int
        self.lib.dk_card.argtypes = [ctypes.c_uint, ctypes.c_char_p, ctypes.c_size_t]
        self.lib.dk_card.restype = ctypes.c_int
        self.cards = bytearray(range(78))

    def shuffle(self, seed):
        raw = (ctypes.c_ubyte * 78).from_buffer(self.cards)
        if self.lib.dk_shuffle(ctypes.addressof(raw), seed):
            raise RuntimeError("shuffle")

    def name(self, index):
        text = ctypes.create_string_buffer(20)
        if self.lib.dk_card(index, text, 32):  # expect: CWE-787
            raise IndexError(index)
        return text.value.decode()
