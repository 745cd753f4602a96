"""What a spelled C or C++ type names, without its qualifiers, template arguments and pointers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = ["base_type", "is_reference", "is_text", "long_name"]

_TEMPLATE: Final = re.compile(r"<.*>", re.DOTALL)
_QUALIFIERS: Final = re.compile(
    r"\b(?:const|volatile|struct|class|enum|union|static|extern|inline|mutable|register|typename|constexpr|thread_local)\b"
)
_FIRST: Final = re.compile(r"(?:const\s+)?([A-Za-z_]\w*)")
_TEXT: Final = re.compile(
    r"\b(?:char|wchar_t|w?string|string_view|path|QString|QByteArray|[LP]*C?[TW]?STR|TCHAR|WCHAR)\b"
)


@lru_cache(maxsize=8192)
def base_type(spelled: str) -> str:
    """The class a type names: qualifiers, template arguments, pointers and references dropped.

    >>> base_type("const std::unique_ptr<void, Closer> &")
    'std::unique_ptr'
    """
    bare = _QUALIFIERS.sub(" ", _TEMPLATE.sub("", spelled))
    return bare.replace("*", " ").replace("&", " ").replace("[]", " ").strip().removeprefix("::")


def long_name(spelled: str, types: Mapping[str, str]) -> str:
    """A name with the alias of a namespace, or a name taken by ``using``, written out; ``types`` has ``short NAME``.

    >>> long_name("dll::shared_library", {"short dll": "boost::dll"})
    'boost::dll::shared_library'
    """
    found = _FIRST.match(spelled)
    full = types.get(f"short {found[1]}") if found is not None else None
    return f"{spelled[: found.start(1)]}{full}{spelled[found.end(1) :]}" if found is not None and full else spelled


def is_reference(spelled: str) -> bool:
    """Whether a variable of this type is another name of what it is bound to.

    >>> is_reference("std::mutex &"), is_reference("void *")
    (True, False)
    """
    return _TEMPLATE.sub("", spelled).rstrip().endswith("&")


def is_text(spelled: str) -> bool:
    """Whether a type holds text: a string class, or characters.

    >>> is_text("const std::string &"), is_text("size_t")
    (True, False)
    """
    return bool(_TEXT.search(spelled))
