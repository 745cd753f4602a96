"""A module that takes functions from the program that opens it: an extension of a database, of Lua.

Sources: PGXS of the PostgreSQL manual; the manual of LuaRocks.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.core.image import SymbolBinding
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf
from loadstone.linker.diagnoses.environments import anew
from loadstone.linker.extension import HOST_SIGN
from loadstone.linker.objects import LoadedObject

__all__ = ["built_for_another_host"]

_LUA: Final = re.compile(r"lib(?:luajit|lua)-?(\d\.\d)")
_ROCKS: Final = "luarocks install"
_LEAST_WORD: Final = 3
_MAX_IMPORTS: Final = 4_000


def built_for_another_host(case: SimulatedLoad, asking: LoadedObject, name: str, *, akin: bool) -> str:
    """What to do where the program, or a library of its own, has other functions that a module takes, and not this one.

    Args:
        case: the load.
        asking: the module, which does not name who has them.
        name: what is missing.
        akin: only where the program has a function whose name begins with the same word.
    """
    needed = {o.path for _, o in asking.needed if o is not None}
    wanted = [
        symbol.name
        for symbol in asking.image.imports[:_MAX_IMPORTS]
        if symbol.name != name and not symbol.version and symbol.binding is not SymbolBinding.WEAK
    ]
    for host in case.process.global_scope:
        symbols = host.image.symbols
        if host is asking or host.path in needed or symbols.positions(HOST_SIGN):
            continue
        shared = next((o for o in wanted if any(s.exported and s.version is None for s in symbols.named(o))), None)
        if shared is None or (akin and not _has_akin(host, name)):
            continue
        who, of = leaf(asking.path), leaf(host.path)
        said = f"{host.path} has {shared} and not this one, so {who} was built for another release of {of}"
        by_hand = f"build {who} anew with the headers and the options of the one that is there"
        return f"{said}: {_built_anew(case, asking, of) or by_hand}"
    return ""


def _has_akin(host: LoadedObject, name: str) -> bool:
    word = name.strip("_").partition("_")[0]
    symbols = host.image.symbols
    return len(word) >= _LEAST_WORD and any(
        defined and other.lstrip("_").startswith(word)
        for other, defined in zip(symbols.names, symbols.defined, strict=True)
    )


def _built_anew(case: SimulatedLoad, asking: LoadedObject, host: str) -> str:
    """The command for the manager that put a module there, told which release of the language opens it."""
    again = anew(case.model, asking.path)
    lua = _LUA.match(host)
    return again.replace(_ROCKS, f"{_ROCKS} --lua-version={lua[1]}", 1) if lua is not None else again
