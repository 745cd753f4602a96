import ctypes
import shutil
import tarfile


def unpack(archive, target):
    with tarfile.open(archive) as opened:
        opened.extractall(target)  # bad
    return ctypes.CDLL(f"{target}/libx.so")


def other(archive, target):
    shutil.unpack_archive(archive, target)  # bad
