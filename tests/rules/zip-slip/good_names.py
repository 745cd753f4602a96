"""The names of members are asked, here or by whoever chooses or judges them."""

import ctypes
import shutil
import tarfile
import zipfile
from pathlib import PurePosixPath

lib = ctypes.CDLL("libkit.so.1")


def chosen(archive):
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if path.name != info.filename or "\\" in info.filename:
            raise ValueError(info.filename)
        yield info


def through_helper(source, folder):
    with zipfile.ZipFile(source) as archive:
        for info in chosen(archive):
            with archive.open(info) as src, open(folder / info.filename, "xb") as dst:
                shutil.copyfileobj(src, dst)


def inside(root, name):
    return (root / name).resolve().is_relative_to(root.resolve())


def judged(path, target):
    with tarfile.open(path) as bundle:
        for member in bundle.getmembers():
            if member.isfile():
                if not inside(target, member.name):
                    raise ValueError(member.name)
                bundle.extract(member, target)


def parts(path, target):
    with tarfile.open(path) as bundle:
        for member in bundle.getmembers():
            if ".." in PurePosixPath(member.name).parts or member.name.startswith("/") or not member.isfile():
                continue
            bundle.extract(member, target)
