"""The kind or the ending of a member is asked, and its name is not; members come through a helper."""

import ctypes
import os
import shutil
import tarfile
import zipfile

lib = ctypes.CDLL("libkit.so.1")


def only_files(path, target):
    with tarfile.open(path) as bundle:
        for member in bundle.getmembers():
            if member.isfile() and member.name.endswith(".so"):
                bundle.extract(member, target)  # bad


def no_links(path, target):
    with tarfile.open(path) as bundle:
        for member in bundle:
            if not member.issym() and not member.islnk():
                bundle.extract(member, target)  # bad


def chosen(archive):
    for info in archive.infolist():
        if info.file_size < 1 << 20 and info.filename.endswith(".so"):
            yield info


def through_helper(source, folder):
    with zipfile.ZipFile(source) as archive:
        for info in chosen(archive):
            target = folder / info.filename
            with archive.open(info) as src, open(target, "wb") as dst:  # bad
                shutil.copyfileobj(src, dst)


class Store:
    def _members(self, archive):
        return [name for name in archive.namelist() if name.endswith(".so")]

    def unpack(self, source, folder):
        with zipfile.ZipFile(source) as archive:
            for name in self._members(archive):
                with open(os.path.join(folder, name), "wb") as out:  # bad
                    out.write(archive.read(name))
