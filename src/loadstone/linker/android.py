"""What is built for Android: how a file says so, what its system has for apps, and the process that opens it.

Sources: the NDK's pages "Native APIs" (libraries an app may link with) and "C++ library support"; the notes that its
crtbegin puts into every file (.note.android.ident).
"""

from __future__ import annotations

from typing import Final

from loadstone.core.image import Image
from loadstone.linker.abi import Abi
from loadstone.linker.request import LoaderKind, LoaderModel

__all__ = ["FOLDERS_OF_ABIS", "SHARED_CPP", "TERMUX", "android_of", "is_for_android"]

SHARED_CPP: Final = "libc++_shared.so"
TERMUX: Final = "/data/data/com.termux/files/usr"
FOLDERS_OF_ABIS: Final = {"aarch64": "arm64-v8a", "arm": "armeabi-v7a", "x86-64": "x86_64", "i386": "x86"}
"""What the folders of an app's libraries are called, for each processor."""

_NOTE: Final = ".note.android.ident"
_LINKERS: Final = ("/system/bin/linker", "/system/bin/linker64")
_ONLY_THERE: Final = frozenset(("liblog.so", "libandroid.so", SHARED_CPP, "libjnigraphics.so", "libmediandk.so"))
# ruff: noqa: SIM905  a block of words reads better than a column of quotes
_OF_THE_NDK: Final = frozenset(
    f"lib{name}.so"
    for name in (
        "c m dl log android z jnigraphics mediandk OpenSLES OpenMAXAL EGL GLESv1_CM GLESv2 GLESv3 vulkan aaudio amidi"
        " camera2ndk nativewindow neuralnetworks sync binder_ndk icu nativehelper stdc++"
    ).split()
)


def is_for_android(image: Image) -> bool:
    """Whether a file says that it is for Android: by its note, its loader, or what it needs."""
    if image.interpreter in _LINKERS:
        return True
    needed = {dependency.name for dependency in image.needed}
    if "libc.so" not in needed:  # what musl's C library is called as well
        return False
    return not _ONLY_THERE.isdisjoint(needed) or any(section.name == _NOTE for section in image.sections)


def android_of(asked: LoaderModel, abi: Abi) -> LoaderModel:
    """An Android on the same files: the libraries of the NDK are counted on where its folders are not there."""
    width = "64" if abi.bits == 64 else ""
    folders = (f"/system/lib{width}", f"/vendor/lib{width}")
    is_there = asked.view.is_directory(folders[0]) == 0
    said = () if is_there else ("Android is not available: the libraries that the NDK documents are counted on",)
    return LoaderModel(
        kind=LoaderKind.BIONIC, release=(), abi=abi, interpreter=f"/system/bin/linker{width}", system_dirs=folders,
        env=asked.env, cwd=asked.cwd, view=asked.view, granted=frozenset() if is_there else _OF_THE_NDK,
        already_loaded=asked.already_loaded, assumptions=said, thorough=asked.thorough,
    )  # fmt: skip
