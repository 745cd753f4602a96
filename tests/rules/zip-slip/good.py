import ctypes
import shutil
import tarfile
import zipfile


def unpack(archive, target):
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")  # good
    return ctypes.CDLL(f"{target}/libx.so")


def other(archive, target):
    shutil.unpack_archive(archive, target, filter="data")


def zipped(archive, target):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
