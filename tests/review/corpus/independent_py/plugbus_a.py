"""Plug-in host for the imaging pipeline: shared objects named by a YAML file."""
import ctypes
import importlib.util
import os
import pathlib
import pickle
import yaml

SEARCH = [pathlib.Path.cwd() / "plugins", pathlib.Path("/usr/lib/imgpipe")]


def locate(name):
    for folder in SEARCH:
        if (candidate := folder / f"lib{name}.so").exists():
            return candidate
    return None


def load_stage(spec):
    match spec:
        case {"kind": "native", "name": name, "entry": entry}:
            lib = ctypes.CDLL(str(locate(name)))  # expect: CWE-22 CWE-427
            func = getattr(lib, entry)  # expect: CWE-20
            func.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
            func.restype = ctypes.c_int
            return func
        case {"kind": "python", "file": file}:
            loader = importlib.util.spec_from_file_location("stage", file)  # expect: CWE-114
            module = importlib.util.module_from_spec(loader)
            loader.loader.exec_module(module)
            return module.run
        case _:
            raise ValueError(spec)


def pipeline(path):
    with open(path) as fh:
        doc = yaml.safe_load(fh)
    return [load_stage(s) for s in doc["stages"]]
