"""What a spelled C or C++ type names, without its qualifiers, template arguments and pointers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["base_type", "is_reference", "is_text"]

_TEMPLATE: Final = re.compile(r"<.*>", re.DOTALL)
_QUALIFIERS: Final = re.compile(
    r"\b(?:const|volatile|struct|class|enum|union|static|extern|inline|mutable|register|typename|constexpr|thread_local)\b"
)
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
