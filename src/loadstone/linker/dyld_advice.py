"""What mends a load on macOS: the command that leads to a library, or the build that is wanted.

Sources: install_name_tool(1), codesign(1), arch(1), port(1); Homebrew's two prefixes, one for each architecture,
and its folder for each formula.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Final

from loadstone.binary.macho.facts import MachoFacts
from loadstone.core.image import Image
from loadstone.errors import LoadstoneError
from loadstone.linker.diagnoses.environments import anew, reinstall
from loadstone.linker.diagnoses.vendors import brought_by
from loadstone.linker.dyld_releases import taken_out
from loadstone.linker.request import LoaderModel
from loadstone.linker.walk import SimulatedLibrary
from loadstone.shell import quoted_path

__all__ = ["architecture_of", "build_for", "by_name", "lead"]

_STEM: Final = re.compile(r"[A-Za-z_+]+")
_NEAR: Final = (".", ".dylibs", "lib", "..", "../lib", "../Frameworks", "../.dylibs", "libexec", "../libexec")
"""Folders, seen from the file that asks, in which what it misses is looked for to advise the way there."""
_BREWED: Final = re.compile(r"(?:/usr/local|/opt/homebrew|/home/linuxbrew/\.linuxbrew)/(?:opt|Cellar)/([^/]+)/")
_TOOLS: Final = "/Library/Developer/CommandLineTools/"
_XCODE: Final = "/Applications/Xcode.app"
_FRAMEWORK: Final = re.compile(r"/Library/Frameworks/Python\.framework/Versions/([\d.]+)/")
_LAST: Final = (99,)
_R: Final = re.compile(r"/Library/Frameworks/R\.framework/Versions/([\d.]+)")
_FORTRAN_OF_R: Final = re.compile(r"(?:/usr/local/gfortran|/opt/gfortran|/opt/R/\w+/gfortran)/")
_PRODUCT: Final = re.compile(r"(?:/Library/Frameworks|/Applications)/([^/]+)\.(?:framework|app)/")
_XCODE_PYTHON: Final = "@rpath/Python3.framework/"
_KITS: Final = ("/usr/local/mysql/lib", "/usr/local/lib", "/opt/homebrew/lib", "/opt/local/lib")
"""Where installers of products for macOS put their libraries."""
_PREFIXES: Final = ("/opt/homebrew/", "/usr/local/")
_LEVELS: Final = 16
_MAX_INSIDE: Final = 200
_DIGITS: Final = 9
_ARM: Final = "aarch64"
_APPLE, _INTEL = "arm64", "x86_64"


def architecture_of(image: Image) -> str:
    """Apple's name for it: arm64, x86_64h."""
    return image.native.architecture if isinstance(image.native, MachoFacts) else image.machine.name


def build_for(model: LoaderModel, path: str, process: Image | None) -> str:
    """Where a file for the architecture of the process comes from, or how the process becomes one of the other."""
    wanted = architecture_of(process) if process is not None else "the process's architecture"
    parts = []
    for prefix, other in (_PREFIXES, _PREFIXES[::-1]):
        there = f"{other}{path.removeprefix(prefix)}"
        if path.startswith(prefix) and any(architecture_of(i) == wanted for i in _slices(model, there)):
            parts.append(f"there is {there} for {wanted}: build what asks for {path} with that one")
    again = anew(model, path)
    if again:
        parts.append(f"install its build for {wanted}: {again}")
    elif not parts:
        parts.append(f"install the {wanted} build of {posixpath.basename(path)}")
    have = {architecture_of(image) for image in _slices(model, path)}
    program = model.main_image
    both = next((a for a in sorted(have) if program and a in map(architecture_of, _slices(model, program))), None)
    if both is not None and program is not None:
        parts.append(f"start the program as {both}: arch -{both} {quoted_path(program)}")
    elif program is not None and not again and wanted == _APPLE and _INTEL in have:
        parts.append(f"take the {_INTEL} build of {posixpath.basename(program)}, which Rosetta runs: arch -{_INTEL}")
    return "; or ".join(parts)


def _slices(model: LoaderModel, path: str) -> tuple[Image, ...]:
    try:
        return tuple(model.view.images(model.view.open(model.absolute(path))))
    except (OSError, LoadstoneError):
        return ()


def lead(model: LoaderModel, name: str, requester: SimulatedLibrary) -> str:
    """The command that leads to a library, for a copy that lies near; what is to be decided where none does."""
    leaf, file = posixpath.basename(name), quoted_path(requester.path)
    here = posixpath.dirname(model.absolute(requester.path))
    tail = name.removeprefix("@rpath/")
    signed = f" && codesign --force --sign - {file}" if _is_signed_anew(requester.image) else ""
    links = _framework_linked(model, name, requester)
    if links:
        return links
    for folder in _NEAR:
        near = posixpath.join(here, folder, tail if "@rpath" in name else leaf)
        if not _fits(model, near, requester.image):
            continue
        there = "@loader_path" if folder == "." else f"@loader_path/{folder}"
        if name.startswith("@rpath/"):
            return f"install_name_tool -add_rpath {there} {file}{signed}"
        return f"install_name_tool -change {shlex.quote(name)} {there}/{shlex.quote(leaf)} {file}{signed}"
    far = next((p for p in _further(model, name, here) if _fits(model, p, requester.image)), None)
    if far is not None and name.startswith("@rpath/"):
        return f"install_name_tool -add_rpath {shlex.quote(posixpath.dirname(far))} {file}{signed}"
    if far is not None:
        return f"install_name_tool -change {shlex.quote(name)} {shlex.quote(far)} {file}{signed}"
    other = _other_version(model, name, here)
    if other is not None:
        return _rebuilt_for(model, leaf, other, requester.path)
    brewed = _BREWED.match(model.absolute(requester.path))
    if brewed is not None and not _BREWED.match(name):
        return f"brew update && brew reinstall {shlex.quote(brewed[1])}: its own files belong together"
    origin = (
        _environment_anew(model, name, requester.path)
        or _of_developer_tools(model, name, requester.path)
        or _unlinked(model, name)
        or _origin(name)
        or brought_by(model, leaf, requester.path)
    )
    if origin:
        return origin
    if name.startswith("@rpath/") and ".framework/" in name and ".app/" in posixpath.normpath(requester.path):
        framework = name.partition(".framework/")[0].rpartition("/")[2]
        return (
            f"{framework}.framework was not copied into the app: in Xcode, General, Frameworks, Libraries, and Embedded"
            f" Content: {framework}.framework, Embed & Sign"
        )
    if name.startswith("@rpath/"):
        return f"put {leaf} into a folder of an LC_RPATH, or add its folder: install_name_tool -add_rpath DIR {file}"
    return f"put {leaf} there, or name where it is: install_name_tool -change {shlex.quote(name)} NEW {file}"


def by_name(model: LoaderModel, name: str) -> str:
    """Where a library is that was asked for by its name alone, which dyld looks for in few folders."""
    formulas = (f"{prefix}opt/{formula}/lib" for prefix in _PREFIXES for formula in _names(model, f"{prefix}opt"))
    home = model.variable("HOME") or ""
    own = (f"{base}/lib" for base in (model.variable("CONDA_PREFIX"), home) if base)
    for folder in (*_KITS, "/opt/homebrew/lib", *formulas, *own):
        if _slices(model, f"{folder}/{name}"):
            there = quoted_path(f"{folder}/{name}")
            return f"{there} has it: open it by that path, or DYLD_LIBRARY_PATH={quoted_path(folder)}"
    return (
        "open it by its whole path: a name alone is looked for in the current folder, /usr/local/lib and /usr/lib;"
        f" brew search {shlex.quote(_bare(name))} names the formula that brings it"
    )


def _bare(name: str) -> str:
    return posixpath.splitext(name)[0].removeprefix("lib").partition(".")[0] or name


def _framework_linked(model: LoaderModel, name: str, requester: SimulatedLibrary) -> str:
    """The link that a framework has lost, whose library is in it under another of its paths; empty where it has none.

    Source: Apple, "Framework Programming Guide", Anatomy of Framework Bundles: F, Versions/Current and Versions/A/F.
    """
    outside, is_framework, inside = name.partition(".framework/")
    if not is_framework:
        return ""
    here, leaf = posixpath.dirname(model.absolute(requester.path)), posixpath.basename(name)
    word, _, rest = outside.partition("/")
    bases = [directory.text for directory in requester.image.search_dirs] if requester.image is not None else []
    roots = [posixpath.join(base, rest) for base in bases] if word == "@rpath" else [outside]
    for root in (root.replace("@loader_path", here) for root in roots):
        framework = posixpath.normpath(f"{root}.framework")
        versions = (f"Versions/{version}/{leaf}" for version in _names(model, f"{framework}/Versions"))
        for other in (leaf, *versions):
            if other != inside and _fits(model, f"{framework}/{other}", requester.image):
                lost = f"{framework}/{inside}"
                target = posixpath.relpath(f"{framework}/{other}", posixpath.dirname(lost))
                link = f"ln -sf {shlex.quote(target)} {quoted_path(lost)}"
                folder = posixpath.dirname(lost)
                made = "" if not model.view.is_directory(folder) else f"mkdir -p {quoted_path(folder)} && "
                return f"{made}{link}, a link that was lost: unpack or copy it with its links (ditto, tar, cp -a)"
    return ""


def _environment_anew(model: LoaderModel, name: str, path: str) -> str:
    """The command for a virtual environment whose Python was of a release that Homebrew or python.org replaced."""
    place, found, program = path.rpartition("/bin/")
    gone = posixpath.basename(name) == "Python" or posixpath.basename(name).startswith("libpython")
    if not (found and gone and program.startswith("python") and model.view.exists(f"{place}/pyvenv.cfg")):
        return ""
    folder = quoted_path(place)
    return f"the Python of that environment is gone: python3 -m venv --clear {folder}, and install its packages again"


def _of_developer_tools(model: LoaderModel, name: str, path: str) -> str:
    """What a tool of Apple's misses where the command line tools are in use beside Xcode, or its Swift is absent."""
    if name.startswith(_XCODE_PYTHON) and path.startswith((_TOOLS, "/Applications/Xcode")):
        return "xcode-select --install: it is the Python of Apple's command line tools"
    if path.startswith(_TOOLS) and not model.view.is_directory(_XCODE):
        return f"sudo xcode-select -s {_XCODE}/Contents/Developer: only Xcode has what that tool needs"
    if path.startswith(_TOOLS):
        return f"install Xcode, and sudo xcode-select -s {_XCODE}/Contents/Developer; or xcode-select --install"
    leaf = posixpath.basename(name)
    if leaf.startswith("libswift") and name.startswith("@rpath/") and ".app/" in path:
        return "in Xcode, Build Settings of the app: Always Embed Swift Standard Libraries = Yes, and build clean"
    if leaf.startswith("libswift") and leaf.endswith(".dylib"):
        return (
            "it is of the Swift run-time, which macOS has by itself since 10.14.4: copy it along (xcrun"
            f" swift-stdlib-tool --copy --scan-executable {quoted_path(path)} --destination DIR), or install Apple's"
            " Swift 5 Runtime Support for Command Line Tools (DL1998)"
        )
    return ""


def _unlinked(model: LoaderModel, name: str) -> str:
    """The command for a formula that is installed, and whose link in ``opt`` is gone; empty for all else."""
    brewed = _BREWED.match(name)
    cellar = f"{name.partition('/opt/')[0]}/Cellar/{brewed[1]}" if brewed is not None and "/opt/" in name else ""
    try:
        installed = bool(cellar and model.view.names(cellar))
    except OSError:
        installed = False
    return f"brew link --overwrite {brewed[1]}, or brew reinstall {brewed[1]}" if installed and brewed else ""


def _origin(name: str) -> str:
    """What installs a library under the very path that is asked for; empty where the path does not tell."""
    if name.startswith("/opt/X11/"):
        return "brew install --cask xquartz"
    since = taken_out(name, _LAST)
    if since:
        said = f"macOS {'.'.join(map(str, since))} and newer have it no more: take a newer release of what needs it"
        return f"{said}, or install Python 2.7 of python.org and build it for that" if "Python" in name else said
    of_r = _R.match(name)
    if of_r:
        return f"install R {of_r[1]} of CRAN, or the package anew for the R that is there: install.packages()"
    brewed = _BREWED.match(name)
    if brewed:
        return f"brew install {brewed[1]}, or brew reinstall {brewed[1]}"
    python = _FRAMEWORK.match(name)
    if python:
        return f"install Python {python[1]} of python.org, or build what asks for it with the Python that is there"
    if _FORTRAN_OF_R.match(name):
        return (
            "install GNU Fortran of R's tools for macOS (mac.r-project.org/tools), in the release that this R was built"
            ' with; or the package anew from its sources: install.packages(..., type = "source")'
        )
    product = _PRODUCT.match(name)
    if product:
        return f"install {product[1]}, whose installer puts that there; or take a build that brings it along"
    if name.startswith("/opt/local/"):
        return f"port provides {name} names the port that has it: port install PORT"
    return ""


def _further(model: LoaderModel, name: str, here: str) -> Iterator[str]:
    """Where the library may lie besides: under Homebrew's other prefix, in ``lib`` above, and in the folders there."""
    leaf = posixpath.basename(name)
    for prefix, other in (_PREFIXES, _PREFIXES[::-1]):
        if name.startswith(prefix):
            yield f"{other}{name.removeprefix(prefix)}"
    yield from (posixpath.join(folder, leaf) for folder in _KITS)
    kept, apart = posixpath.split(posixpath.dirname(name))  # Homebrew's GCC has a folder for each release
    for folder in _names(model, kept) if name.startswith("/") and apart.isdigit() else ():
        yield posixpath.join(kept, folder, leaf)
    above = here
    for _ in range(_LEVELS):
        lib = posixpath.join(above, "lib")
        yield posixpath.join(lib, leaf)
        yield from (posixpath.join(lib, folder, leaf) for folder in _names(model, lib))
        if above == "/":
            break
        above = posixpath.dirname(above)


def _names(model: LoaderModel, folder: str) -> tuple[str, ...]:
    try:
        return model.view.names(folder)[:_MAX_INSIDE]
    except OSError:
        return ()


def _fits(model: LoaderModel, path: str, like: Image | None) -> bool:
    return like is not None and any(i.machine.code == like.machine.code for i in _slices(model, path))


def _rebuilt_for(model: LoaderModel, leaf: str, other: str, path: str) -> str:
    """What to do where the library is there in another version, whose interface is another one."""
    said = f"there is {other}: install a build of {posixpath.basename(path)} for it, or the {leaf} it names"
    formula = _BREWED.match(model.view.real_path(other))
    if formula is not None and _numbers(other) < _numbers(leaf):
        return f"there is {other}, which is older: brew update && brew upgrade {shlex.quote(formula[1])}"
    again = anew(model, path)
    if "-packages/" not in model.absolute(path) or again.startswith("brew "):
        return f"{said}; {again}" if again else said
    package = reinstall(model, path)
    return f"{said}; from source on this Mac: {package} --no-binary {package.rpartition(' ')[2]}"


def _numbers(path: str) -> tuple[int, ...]:
    """The numbers in the name of a library, to tell an older one from a newer."""
    return tuple(int(part[:_DIGITS]) for part in re.findall(r"\d+", posixpath.basename(path)))


def _other_version(model: LoaderModel, name: str, here: str) -> str | None:
    """A library of the same name in another version: in the folder it is looked for in, or near the asker."""
    stem = _STEM.match(posixpath.basename(name))
    folders = [posixpath.dirname(name)] if name.startswith("/") else [posixpath.join(here, f) for f in _NEAR]
    for folder in folders if stem else ():
        try:
            leaves = model.view.names(folder)
        except OSError:
            continue
        for leaf in leaves:
            other = _STEM.match(leaf)
            if leaf.endswith(".dylib") and other is not None and stem is not None and other[0] == stem[0]:
                return posixpath.normpath(posixpath.join(folder, leaf))
    return None


def _is_signed_anew(image: Image | None) -> bool:
    """Whether a changed file must be signed before it runs: on Apple silicon."""
    return image is not None and image.machine.name == _ARM
