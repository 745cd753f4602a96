"""What the environment of a file says of it: its conda packages, its Python, the distribution that installed it.

Sources: conda's ``conda-meta/NAME-VERSION-BUILD.json``, one a package, with its files; PEP 376 and 627 (RECORD)
for the files of a distribution.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Final

from loadstone.linker.diagnoses.case import SimulatedLoad, leaf
from loadstone.linker.diagnoses.managers import built_anew
from loadstone.linker.diagnoses.owners import installed_anew, of_a_sandbox, of_one_release, package_of, upgraded
from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.extension import HOST_SIGN
from loadstone.linker.objects import LoadedObject
from loadstone.linker.openers import home_of
from loadstone.linker.request import LoaderModel
from loadstone.shell import quoted_path

__all__ = [
    "anew",
    "conda_install",
    "conda_prefix",
    "from_source",
    "import_first",
    "interpreter_of",
    "libpython",
    "newer_of_conda",
    "older_build",
    "original_of",
    "pip_of",
    "python_module",
    "reinstall",
    "reinstall_both",
    "restored",
    "site_of",
    "without_libpython",
]

_LEVELS: Final = 8
_MAX_RECORDS: Final = 2_000
_LIBPYTHON: Final = re.compile(r"libpython(\d\.\d+)([a-z]*)\.so")
_MANYLINUX: Final = (((2, 17), "manylinux2014"), ((2, 12), "manylinux2010"), ((2, 5), "manylinux1"))
"""The glibc that a platform tag promises at most (PEP 513, 571, 599): names that pip knows older ones of, too."""
_EGG: Final = re.compile(r".*/(?:site|dist)-packages/([^/-]+)-[^/]*\.egg/")
_OF_PYTHON: Final = re.compile(r"(.+)/lib(?:64)?/python(\d\.\d+)/")
_PYTHON: Final = re.compile(r"(?:lib)?python(\d\.\d+)")


def conda_install(case: SimulatedLoad, name: str, asking: LoadedObject | None, beside: tuple[str, ...]) -> str:
    """The conda command for a library that an environment lacks; empty outside of conda's environments.

    ``beside`` are files of the same library in other versions: whose package brought one brings the other as well.
    """
    model = case.model
    prefix = next((p for p in _above(model, asking) if "conda-meta" in names_in(model, p)), None)
    if prefix is None:
        return ""
    command = f"conda install -p {shlex.quote(prefix)}"
    for path in beside:
        package, release = _owner(model, prefix, path) or ("", "")
        if not package:
            continue
        wanted = name.partition(".so.")[2]
        present = leaf(path).partition(".so.")[2]
        renamed = package.removesuffix(present) + wanted if present and package.endswith(present) else ""
        if renamed or not wanted or f"{release}.".startswith(f"{present}."):
            fitting = f"{command} {shlex.quote(renamed or f'{package}={wanted}' if wanted else package)}"
            who = _owner(model, prefix, asking.path) if asking is not None else None
            other = who is not None and who[0] != package
            return f"{fitting}; or {command} --update-deps {shlex.quote(who[0])}" if who and other else fitting
        return _brought_to_one(model, prefix, asking, f"{package} {release}", leaf(path), command)
    stem = name.partition(".so")[0].removeprefix("lib")
    return f"{command} PACKAGE, the one that has it: conda search {shlex.quote(f'*{stem}*')}"


def _brought_to_one(
    model: LoaderModel, prefix: str, asking: LoadedObject | None, present: str, name: str, command: str
) -> str:
    """What to do where a package of an environment has its library with another number, which is not its release."""
    package = present.partition(" ")[0]
    older = f"an older {package}, of those that conda search {shlex.quote(package)} names"
    who = _owner(model, prefix, asking.path) if asking is not None else None
    if who is not None:
        newer = f"{command} --update-deps {shlex.quote(who[0])}"
        return f"{present} has {name}: {newer}, which was built for another; or {older}"
    again = anew(model, asking.path) if asking is not None else ""
    return f"{present} has {name}: {f'{again}; or ' if again else ''}{older}"


def newer_of_conda(model: LoaderModel, path: str) -> str:
    """The conda command for a newer build of what a file of an environment belongs to; empty outside of conda's."""
    folder = posixpath.dirname(posixpath.normpath(model.absolute(path)))
    prefix = posixpath.dirname(folder)
    found = _owner(model, prefix, posixpath.join(folder, leaf(path))) if folder.endswith("/lib") else None
    return (
        f"conda install -p {shlex.quote(prefix)} -c conda-forge --update-deps {shlex.quote(found[0])}" if found else ""
    )


def conda_prefix(model: LoaderModel, path: str) -> str:
    """The conda environment that a file lies in; empty outside of conda's."""
    folder = posixpath.dirname(posixpath.normpath(model.absolute(path)))
    while folder not in ("", "/") and "conda-meta" not in names_in(model, folder):
        folder = posixpath.dirname(folder)
    return folder.rstrip("/")


def _above(model: LoaderModel, asking: LoadedObject | None) -> Iterator[str]:
    """The folders above a file, the nearest first."""
    folder = posixpath.normpath(asking.origin) if asking is not None else model.cwd
    for _ in range(_LEVELS):
        yield folder
        if folder in ("", "/"):
            return
        folder = posixpath.dirname(folder)


def _owner(model: LoaderModel, prefix: str, path: str) -> tuple[str, str] | None:
    """The conda package that brought a file of its environment, and its release."""
    whole = posixpath.normpath(model.absolute(path))
    entry = f'"{posixpath.relpath(whole, prefix)}"'.encode()
    for record in names_in(model, f"{prefix}/conda-meta")[:_MAX_RECORDS]:
        if record.endswith(".json") and entry in _bytes(model, f"{prefix}/conda-meta/{record}"):
            package, release, _ = (*record.rsplit("-", 2), "", "")[:3]
            return package, release
    return None


def _bytes(model: LoaderModel, path: str) -> bytes:
    try:
        return model.view.read_bytes(path)
    except OSError:
        return b""


def libpython(case: SimulatedLoad, name: str, asking: LoadedObject | None) -> str:
    """What to do where an interpreter's own library is missing; empty for any other name."""
    found = _LIBPYTHON.match(name)
    if found is None:
        return ""
    version = found[1]
    opener = interpreter_of(case)
    if opener and asking is not None and not opener.startswith((f"Python {version} ", "this")):
        again = anew(case.model, asking.path)
        return f"it was built for Python {version}, and {opener} opens it: {again or 'install its build for that one'}"
    parts = [needless] if (needless := without_libpython(name, asking)) else []
    prefix = next((p for p in _above(case.model, asking) if f"python{version}" in names_in(case.model, f"{p}/lib")), "")
    if posixpath.basename(posixpath.dirname(prefix)) == "versions":
        exact = shlex.quote(posixpath.basename(prefix))
        parts.append(f"build this Python with one: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force {exact}")
    else:
        parts.append(
            f"install a Python {version} that has it (Debian: libpython{version}, or ./configure --enable-shared)"
        )
    return "; or ".join(parts)


def without_libpython(name: str, asking: LoadedObject | None) -> str:
    """How a module does without an interpreter's library, which would be a second interpreter; empty for all else."""
    is_module = asking is not None and any(symbol.name.startswith("PyInit_") for symbol in asking.image.exports)
    if asking is None or not is_module or not _LIBPYTHON.match(name):
        return ""
    command = f"patchelf --remove-needed {shlex.quote(name)} {quoted_path(asking.path)}"
    return f"a Python module needs none, for the interpreter has its symbols: {command}"


def interpreter_of(case: SimulatedLoad) -> str:
    """The Python that opens a module, as ``Python 3.12 (/path/python3.12)``; empty when it is none or not known."""
    for loaded in case.process.global_scope:
        if not loaded.image.symbols.positions(HOST_SIGN):
            continue
        found = _PYTHON.match(leaf(case.model.view.real_path(case.model.absolute(loaded.path))))
        program = case.model.main_image or loaded.path
        return f"Python {found[1]} ({program})" if found else f"this Python ({program})"
    return ""


def anew(model: LoaderModel, path: str) -> str:
    """The command that installs for this system what a file belongs to; empty where no package manager is seen."""
    return built_anew(model, path) or (reinstall(model, path) if _distribution(model, model.absolute(path)) else "")


def from_source(model: LoaderModel, path: str) -> str:
    """The command that builds here what a file belongs to, of which a build for other systems was installed."""
    again = anew(model, path)
    if " npm rebuild " in again:
        return f"{again} --build-from-source"
    package = _distribution(model, model.absolute(path))
    return f"{again} --no-binary {shlex.quote(package)}" if package is not None and " -m pip " in again else again


def restored(model: LoaderModel, path: str) -> str:
    """The command that puts back a file that is damaged or gone: of the package that brought it; else empty."""
    return of_a_sandbox(model, path) or installed_anew(model, path) or anew(model, path)


def original_of(model: LoaderModel, program: str) -> str:
    """The interpreter that a virtual environment's was copied from, as pyvenv.cfg names its folder; else empty."""
    whole = model.absolute(program)
    home = home_of(model.view, posixpath.dirname(posixpath.dirname(posixpath.normpath(whole))))
    name = posixpath.basename(whole)
    found = (f"{home}/{leaf}" for leaf in names_in(model, home) if leaf == name or leaf.startswith(f"{name}3"))
    return next(found, "") if home else ""


def reinstall(model: LoaderModel, path: str) -> str:
    """The command that builds anew, for the interpreter that opens it, what a file of site-packages belongs to."""
    whole = model.absolute(path)
    built_here = _of_its_sources(model, whole)
    if built_here:
        return built_here
    package = _distribution(model, whole) or "PACKAGE"
    site = site_of(model, whole)
    into = "" if site.endswith("-packages") or not site else f" --target {shlex.quote(site)}"
    return f"{pip_of(model, path)} install --force-reinstall --no-cache-dir{into} {shlex.quote(package)}"


def reinstall_both(model: LoaderModel, asking: str, provider: str) -> str:
    """The command for two packages whose files do not fit each other; empty where no package manager is seen."""
    prefix = conda_prefix(model, asking)
    if prefix and prefix == conda_prefix(model, provider):
        first, second = ((_owner(model, prefix, path) or (None,))[0] for path in (asking, provider))
        update = f"conda update -p {shlex.quote(prefix)}"
    else:
        first, second = (_distribution(model, model.absolute(path)) for path in (asking, provider))
        update = ""
    if first is not None and second is None and package_of(model, provider):
        built_here = from_source(model, asking)
        newer = upgraded(model, provider)
        name = posixpath.basename(provider)
        return f"{first} was built for another {name} than the system's: build it here: {built_here}; or {newer}"
    if first is None or second is None or first == second:
        return of_one_release(model, asking, provider)
    built_here = _of_its_sources(model, model.absolute(asking))
    if built_here:
        name = posixpath.basename(asking)
        return f"{name} was built for another release of {second}: {built_here}; import {second} before it"
    said = f"{first} and {second} are not of one release"
    if update:
        return f"{said}: {update} {shlex.join((first, second))}, both of one channel"
    return f"{said}: {pip_of(model, asking)} install --upgrade --force-reinstall {shlex.join((first, second))}"


def _of_its_sources(model: LoaderModel, path: str) -> str:
    """The command for what was built from sources here, an egg or by the record of its URL (PEP 610); else empty."""
    egg = _EGG.match(path)
    if egg is not None:
        python = pip_of(model, path).removesuffix(" -m pip")
        return f"in the sources of {egg[1]}: rm -r build && {python} setup.py install"
    site = site_of(model, path)
    folder = _record(model, site, path) if site else None
    import json  # noqa: PLC0415 - few files have such a record, and every question would pay for the module

    try:
        origin = json.loads(_bytes(model, f"{site}/{folder}/direct_url.json")) if folder is not None else {}
    except ValueError:
        return ""
    url = origin.get("url") if isinstance(origin, dict) else None
    if not isinstance(url, str):
        return ""
    vcs = origin.get("vcs_info")
    source = f"{vcs.get('vcs', 'git')}+{url}" if isinstance(vcs, dict) else url.removeprefix("file://")
    options = "--force-reinstall --no-cache-dir --no-build-isolation"
    return f"{pip_of(model, path)} install {options} {shlex.quote(source)}"


def older_build(model: LoaderModel, path: str, release: tuple[int, ...]) -> str:
    """The command that installs what a file belongs to, in a build for a glibc no newer than ``release``; else empty.

    pip installs for other platforms than its own only into a folder that is named.
    """
    whole = model.absolute(path)
    package = _distribution(model, whole)
    tag = next((tag for least, tag in _MANYLINUX if release >= least), None)
    if package is None or tag is None or not model.abi.wheel_name:
        return ""
    place = shlex.quote(site_of(model, whole))
    options = f"--upgrade --only-binary=:all: --platform {tag}_{model.abi.wheel_name} --target {place}"
    return f"{pip_of(model, path)} install {options} {shlex.quote(package)}"


def pip_of(model: LoaderModel, path: str) -> str:
    """The command of pip: of the interpreter whose site-packages a file lies in, else of the program that opens it."""
    place = _OF_PYTHON.match(model.absolute(path))
    program = model.main_image or "python"
    if place is not None and not program.startswith(f"{place[1]}/"):
        exact = f"{place[1]}/bin/python{place[2]}"
        is_its = posixpath.basename(program).startswith(f"python{place[2]}")
        program = exact if model.view.exists(exact) else program if is_its else f"python{place[2]}"
    return f"{shlex.quote(program)} -m pip"


def _distribution(model: LoaderModel, path: str) -> str | None:
    """The distribution whose RECORD has a file; failing that the folder at the top of its site-packages."""
    root = site_of(model, path)
    if not root:
        return None
    within = posixpath.relpath(posixpath.normpath(path), root)
    if within.startswith("../"):
        return None
    folder = _record(model, root, path)
    if folder is not None:
        return folder.partition("-")[0]
    top = within.partition("/")[0]
    return top if top != within and root.endswith("-packages") else None


def _record(model: LoaderModel, site: str, path: str) -> str | None:
    """The folder of the distribution whose RECORD has a file."""
    within = posixpath.relpath(posixpath.normpath(path), site).encode()
    records = (name for name in names_in(model, site) if name.endswith(".dist-info"))
    return next((name for name in records if within in _bytes(model, f"{site}/{name}/RECORD")), None)


def site_of(model: LoaderModel, path: str) -> str:
    """The folder that packages are installed into, above a file: site-packages, or one with their records."""
    place, found, _ = posixpath.normpath(path).rpartition("-packages/")
    if found:
        return f"{place}-packages"
    folder = posixpath.dirname(posixpath.normpath(path))
    for _ in range(_LEVELS):
        if any(name.endswith(".dist-info") for name in names_in(model, folder)):
            return folder
        folder = posixpath.dirname(folder)
    return ""


def python_module(case: SimulatedLoad, name: str) -> str | None:
    """Where a Python package or extension module is: in the active environment, else in that of the program."""
    model = case.model
    active = [value for word in ("VIRTUAL_ENV", "CONDA_PREFIX") if (value := model.variable(word))]
    program = posixpath.dirname(posixpath.dirname(model.absolute(model.main_image))) if model.main_image else ""
    for prefix in (*active, program):
        for version in names_in(model, f"{prefix}/lib") if prefix else ():
            folder = f"{prefix}/lib/{version}"
            for place in (f"{folder}/site-packages", f"{folder}/lib-dynload") if version.startswith("python") else ():
                for found in names_in(model, place):
                    if found == name or (found.startswith(f"{name}.") and found.endswith((".so", ".pyd"))):
                        return f"{place}/{found}"
    return None


def import_first(case: SimulatedLoad, path: str, asking: LoadedObject) -> str:
    """The package of a library, to be imported before a module of another one; empty where there is none."""
    package = _package(case.model, path)
    if package is None or package == _package(case.model, case.model.absolute(asking.path)):
        return ""
    return posixpath.basename(package)


def _package(model: LoaderModel, path: str) -> str | None:
    """The folder of the outermost Python package around a file."""
    found, folder = None, posixpath.dirname(posixpath.normpath(path))
    for _ in range(_LEVELS):
        if "__init__.py" in names_in(model, folder):
            found = folder
        folder = posixpath.dirname(folder)
    return found
