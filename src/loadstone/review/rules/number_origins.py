"""Where numbers of somebody else come from in C and C++, and the functions that go by a number.

Rows say which argument is filled and which say how much; sources are the manual pages, the Windows documentation and
the reference of Qt, GLib and the C++ standard library.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = [
    "ALLOCATES",
    "ARGUMENTS",
    "CONTAINERS",
    "CONVERTS",
    "FILLS",
    "FOREIGN",
    "LIMITS",
    "METHODS",
    "PARSES",
    "READ",
    "READS",
    "READS_OF",
    "RESERVES",
    "RESULT",
    "STREAM",
    "TEXTS",
    "WRITES_TO",
    "ReadCall",
]

READ: Final = "read from outside"
FOREIGN: Final = "given by the library"
ARGUMENTS: Final = "taken from a text"
RESULT: Final = "what a read gave"


@dataclass(frozen=True, slots=True)
class ReadCall:
    """A function that reads: which argument it fills, which say how much, where the number of what came is."""

    target: int
    sizes: tuple[int, ...] = ()
    signed: bool = True
    got: int | None = None


FILLS: Final = {
    "read": ReadCall(1, (2,)),
    "pread": ReadCall(1, (2,)),
    "recv": ReadCall(1, (2,)),
    "recvfrom": ReadCall(1, (2,)),
    "fread": ReadCall(0, (1, 2), signed=False),
    "ReadFile": ReadCall(1, (2,), signed=False, got=3),
    "InternetReadFile": ReadCall(1, (2,), signed=False, got=3),
    "WinHttpReadData": ReadCall(1, (2,), signed=False, got=3),
    "SSL_read": ReadCall(1, (2,)),
    "BIO_read": ReadCall(1, (2,)),
    "gzread": ReadCall(1, (2,)),
    "readRawData": ReadCall(0, (1,)),
    "g_input_stream_read": ReadCall(1, (2,)),
    "g_input_stream_read_all": ReadCall(1, (2,), signed=False, got=3),
    "readlink": ReadCall(1, (2,)),
}
METHODS: Final = {"read": ReadCall(0, (1,), signed=False), "readsome": ReadCall(0, (1,)), "readData": ReadCall(0, (1,))}
"""Methods of streams."""

PARSES: Final = re.compile(
    r"(?:std::)?(?:_w?|w)?(?:ato(?:i|l|ll)(?:64)?|(?:str|wcs|_tcs)to[ui]?(?:l|ll|max|imax|umax)|sto(?:i|l|ul|ll|ull)|_ttoi)\Z"
)
"""Functions that make a number of a text."""

STREAM: Final = re.compile(r"\bQDataStream\b|\b(?:i|if|istring|string|f)stream\b|\bcin\b")
"""Classes whose ``>>`` reads."""

READS: Final = re.compile(
    STREAM.pattern + r"|\bQ(?:File|IODevice|SaveFile|LocalSocket|TcpSocket|AbstractSocket|Process|Buffer)\b"
)
"""Classes whose methods read."""

CONTAINERS: Final = frozenset({"std::vector", "std::string", "QVector", "QByteArray"})
"""Classes whose constructor takes how many elements there are."""

TEXTS: Final = frozenset({"std::string", "std::string_view", "QByteArray", "QString::fromUtf8", "QString::fromLatin1"})
"""What is made of a pointer and a length."""

CONVERTS: Final = re.compile(
    r"(?:ntoh(?:s|l|ll)|[bl]e(?:16|32|64)toh|(?:__)?(?:builtin_)?bswap_?(?:16|32|64)|_byteswap_\w+|OSSwap\w+|SDL_Swap\w+"
    r"|qFrom(?:Big|Little)Endian|G(?:U?INT)(?:16|32|64)_FROM_[BL]E|swap_?(?:16|32|64)|[bl]e(?:16|32|64)_to_cpu)\Z"
)
"""Functions that turn the bytes of a number around."""

LIMITS: Final = frozenset({"min", "clamp", "MIN", "qMin", "qBound", "CLAMP", "fmin", "__min", "min_t", "Min"})
ALLOCATES: Final = {
    **dict.fromkeys(("malloc", "alloca", "_alloca", "xmalloc", "g_malloc", "g_malloc0", "g_try_malloc"), (0,)),
    **dict.fromkeys(("g_try_malloc0", "CoTaskMemAlloc", "OPENSSL_malloc", "av_malloc", "valloc"), (0,)),
    **dict.fromkeys(("realloc", "xrealloc", "g_realloc", "LocalAlloc", "GlobalAlloc", "VirtualAlloc"), (1,)),
    **dict.fromkeys(("HeapAlloc",), (2,)),
    **dict.fromkeys(("calloc", "g_malloc_n", "g_new", "xcalloc"), (0, 1)),
}
"""Functions that give a block, and the arguments that say of how many bytes or elements."""

RESERVES: Final = frozenset({"resize", "reserve"})

WRITES_TO: Final = {
    **dict.fromkeys(("memcpy", "memmove", "memset", "wmemcpy", "CopyMemory", "RtlCopyMemory", "MoveMemory"), (0, (2,))),
    **dict.fromkeys(("mempcpy", "wmemmove", "RtlMoveMemory"), (0, (2,))),
    **{name: (fill.target, fill.sizes) for name, fill in FILLS.items()},
}
"""Functions that write as much as they are told: the target, and what says how much."""

READS_OF: Final = {
    **dict.fromkeys(("memcpy", "memmove", "CopyMemory", "RtlCopyMemory", "write", "send", "sendto"), (1, (2,))),
    **dict.fromkeys(("fwrite",), (0, (1, 2))),
    "WriteFile": (1, (2,)),
}
"""Functions that read as much as they are told of one argument."""
