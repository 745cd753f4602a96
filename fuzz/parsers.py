"""Every parser that meets hostile bytes, as a function of bytes that returns, or breaks.

Each does with its input what the command line would do with such a file, down to the last rendered line, and lets pass
only the errors its parser promises. Whatever else leaves a function here is a fault of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from types import MappingProxyType
from typing import Final
from unicodedata import category

from fuzz.corpus import inputs
from fuzz.splice import splice
from loadstone.binary import images
from loadstone.binary.cms import read_signed_message
from loadstone.binary.demangle import demangle
from loadstone.binary.der import MalformedDer
from loadstone.binary.sniff import identify, script_inputs
from loadstone.errors import InvalidPrototype, MalformedImage, Unsupported
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import FunctionType, parse_header
from loadstone.linker.cache import read_cache
from loadstone.linker.lz4 import Lz4Error, decompressed
from loadstone.plugin.binary_json import decode_binary_json
from loadstone.plugin.cbor import decode
from loadstone.plugin.metadata import find_metadata
from loadstone.plugin.own import decode as decode_own
from loadstone.report.documents.image import image_document
from loadstone.report.json import render as render_json
from loadstone.report.text.image import render as render_text
from loadstone.report.text.style import Style

__all__ = ["PARSERS", "Parser", "read_and_render"]

Parser = Callable[[bytes], None]

_UNSHOWABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_LONGEST_READABLE: Final = 1 << 20
"""Characters a demangled name may have at most; the real bound is lower and the demangler's own."""


def read_and_render(data: bytes) -> None:
    """One file of any format or container, read, rendered both ways, and asked for plugin metadata."""
    with suppress(MalformedImage):
        for image in images(data):
            json.loads(render_json(image_document(image)))
            _nothing_but_text(render_text(image, Style(), verbose=2))
            find_metadata(image, data)


@cache
def _whole_files() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for name in ("elf", "pe", "macho", "container") for path in inputs(name))


def _spliced(data: bytes) -> None:
    """A file made of pieces of the seeds, as the input says."""
    read_and_render(splice(data, _whole_files()))


def _nothing_but_text(shown: str) -> None:
    """What a file says reaches the terminal escaped: no control or direction character, no half of a surrogate pair."""
    assert not {category(character) for character in shown if character != "\n"} & _UNSHOWABLE, ascii(shown)


def _signed_message(data: bytes) -> None:
    with suppress(MalformedDer):
        read_signed_message(data).digests(b"")


def _cbor(data: bytes) -> None:
    assert decode(data).end <= len(data)


def _binary_json(data: bytes) -> None:
    decode_binary_json(data)


def _own_metadata(data: bytes) -> None:
    decode_own(data, 0)


def _loader_cache(data: bytes) -> None:
    cache = read_cache(data)
    assert not (cache.problem and cache.entries)


def _lz4(data: bytes) -> None:
    with suppress(Lz4Error):
        sum(map(len, decompressed(data)))


def _text(data: bytes) -> None:
    """What is no binary is named, and as a linker script asked what it is made of."""
    _nothing_but_text(identify(data).sentence)
    script_inputs(data.decode("utf-8", "replace"))


def _symbol_name(data: bytes) -> None:
    assert len(demangle(data.decode("utf-8", "surrogateescape"))) <= max(_LONGEST_READABLE, len(data))


_TOKENS: Final = (
    *"*()[]{};,:=-~+<>/'\"#0123456789abcxyz",
    "int ",
    "unsigned ",
    "char ",
    "long ",
    "double ",
    "void ",
    "_Bool ",
    "size_t ",
    "const ",
    "static ",
    "extern ",
    "typedef ",
    "struct ",
    "union ",
    "enum ",
    "s ",
    "t ",
    "f",
    "...",
    "<<",
    ">>",
    "sizeof(",
    "0x",
    "07",
    "1.5",
    "'a'",
    "'\\x",
    "/*",
    "*/",
    "//",
    "\n",
    "#define ",
    "__attribute__((",
    "))",
    "struct s { int x; };",
    "typedef int t;",
    "int f(",
    "[static 4]",
    "18446744073709551615",
)
"""What C declarations are made of; a byte stands for one."""


def _prototype(data: bytes) -> None:
    """A header is understood or refused, and what is understood has ctypes types or is refused."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(InvalidPrototype):
        declared = parse_header(text)
        types = CtypesTypes(declared.records, text)
        kinds = [*declared.types.values(), *declared.records.values(), *(v.type for v in declared.variables.values())]
        for kind in (*kinds, *(function.type for function in declared.functions.values())):
            with suppress(InvalidPrototype, Unsupported):
                types.function(kind) if isinstance(kind, FunctionType) else types.codec(kind)


def _declaration(data: bytes) -> None:
    """The same with whole tokens, so that most inputs get further than the first word."""
    _prototype("".join(_TOKENS[byte % len(_TOKENS)] for byte in data).encode())


PARSERS: Final[Mapping[str, Parser]] = MappingProxyType(
    {
        "elf": read_and_render,
        "pe": read_and_render,
        "macho": read_and_render,
        "container": read_and_render,
        "splice": _spliced,
        "signed_message": _signed_message,
        "cbor": _cbor,
        "binary_json": _binary_json,
        "own_metadata": _own_metadata,
        "loader_cache": _loader_cache,
        "lz4": _lz4,
        "text": _text,
        "symbol_name": _symbol_name,
        "prototype": _prototype,
        "declaration": _declaration,
    }
)
"""Name and function. The formats of an image have one function and a corpus each, which is where a fuzzer starts."""
