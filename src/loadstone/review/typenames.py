"""What a spelled C or C++ type names, without its qualifiers, template arguments and pointers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = [
    "base_type",
    "cast_to",
    "element",
    "inserts",
    "instance",
    "is_characters",
    "is_number",
    "is_reference",
    "is_text",
    "is_text_object",
    "iterated",
    "long_name",
    "of_pair",
    "pointee",
]

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


@lru_cache(maxsize=8192)
def is_reference(spelled: str) -> bool:
    """Whether a variable of this type is another name of what it is bound to.

    >>> is_reference("std::mutex &"), is_reference("void *")
    (True, False)
    """
    return _TEMPLATE.sub("", spelled).rstrip().endswith("&")


@lru_cache(maxsize=8192)
def is_text(spelled: str) -> bool:
    """Whether a type holds text: a string class, or characters.

    >>> is_text("const std::string &"), is_text("size_t")
    (True, False)
    """
    return bool(_TEXT.search(spelled))


_TEXT_OBJECT: Final = re.compile(
    r"(?:const )?(?:(?:std::)?(?:w|u8|u16|u32)?string|(?:std::)?basic_string<.*>|(?:std::filesystem|fs)::path|QString"
    r"|QByteArray|C(?:Atl)?String[AW]?|wxString|Glib::ustring)(?: const)?"
)


def is_text_object(spelled: str) -> bool:
    """Whether a type is a string class, whose objects copy what they are made from.

    >>> is_text_object("const std::wstring"), is_text_object("const char *"), is_text_object("std::string_view")
    (True, False, False)
    """
    return _TEXT_OBJECT.fullmatch(spelled.strip()) is not None


_CHARACTERS: Final = re.compile(
    r"(?:(?:unsigned |signed )?char|wchar_t|T?CHAR|WCHAR|char8_t|char16_t|u?int8_t|BYTE) ?(?:\*|\[\])|L?P[CTWU]*STR"
)


@lru_cache(maxsize=8192)
def is_characters(spelled: str) -> bool:
    """Whether a type is an array of characters, or a pointer to one: a number added to it leads into one text.

    >>> is_characters("char []"), is_characters("const wchar_t *"), is_characters("char **")
    (True, True, False)
    """
    return bool(_CHARACTERS.fullmatch(_QUALIFIERS.sub("", spelled).strip()))


_NUMBER: Final = re.compile(
    r"(?:std::)?(?:u?int(?:8|16|32|64|ptr|max)_t|s?size_t|ptrdiff_t|streamoff|streamsize|byte)"
    r"|q?u?int(?:8|16|32|64)?|unsigned(?: (?:int|long|char|short))?|int|long(?: long)?|short|u?char|ushort"
    r"|uint|ulong|D?WORD|BYTE|U?INT|U?LONG|SIZE_T|DWORD_PTR|U?INT_PTR|double|float"
)


@lru_cache(maxsize=8192)
def is_number(spelled: str) -> bool:
    """Whether a type is one of numbers, so that ``T(x)`` and ``T{x}`` are casts.

    >>> is_number("std::uint32_t"), is_number("std::string")
    (True, False)
    """
    return _NUMBER.fullmatch(spelled) is not None


_CAST: Final = re.compile(r"(?:static|reinterpret|const|dynamic|qobject)_cast\s*<(.+)>", re.DOTALL)


@lru_cache(maxsize=8192)
def cast_to(spelled: str) -> str:
    """The type that a cast of C++ names; empty for other names.

    >>> cast_to("static_cast<std::size_t>"), cast_to("read<int>")
    ('std::size_t', '')
    """
    found = _CAST.fullmatch(spelled)
    return found[1].strip() if found is not None else ""


def instance(returned: str, parameters: str, called: str) -> str:
    """What a function template returns when it is called by this name.

    >>> instance("std::optional<T>", "T", "at<Header>")
    'std::optional<Header>'
    """
    given = dict(zip(parameters.split(), _arguments(called), strict=False))
    return re.sub(r"\w+", lambda word: given.get(word[0], word[0]), returned) if given else returned


_SMART: Final = re.compile(
    r"(?:\w+::)*(?:unique_ptr|shared_ptr|weak_ptr|scoped_ptr|intrusive_ptr|optional|QSharedPointer|QScopedPointer|QPointer"
    r"|scoped_refptr|ComPtr|C(?:Com)?(?:QI)?Ptr|CAutoPtr|CComQIPtr|SharedPtr|AutoPtr|com_ptr|wxSharedPtr|RefPtr|nsCOMPtr)\s*<"
)
"""Classes of smart pointers, whose ``->`` leads to what their first argument names."""

_SEQUENCES: Final = re.compile(
    r"(?:\w+::)*(?:vector|list|deque|set|multiset|unordered_set|forward_list|array|span|initializer_list|stack|queue"
    r"|QList|QVector|QSet|QVarLengthArray|CAtlArray|CSimpleArray|small_vector|static_vector)\s*<"
)
_MAPS: Final = re.compile(
    r"(?:\w+::)*(?:(?:unordered_)?(?:multi)?map|flat_map|QMap|QMultiMap|QHash|CAtlMap|CSimpleMap)\s*<"
)
_ITERATOR: Final = "iterator<"
_PAIR: Final = re.compile(r"(?:std::)?pair\s*<")


@lru_cache(maxsize=8192)
def _arguments(spelled: str) -> tuple[str, ...]:
    """The arguments of the outermost template of a type."""
    start = spelled.find("<")
    end = spelled.rfind(">")
    if start < 0 or end < start:
        return ()
    found, depth, last = [], 0, start + 1
    for number in range(start + 1, end):
        letter = spelled[number]
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and not depth:
            found.append(spelled[last:number].strip())
            last = number + 1
    return (*found, spelled[last:end].strip())


def _bare(spelled: str) -> str:
    return _QUALIFIERS.sub(" ", spelled).strip().removeprefix("::")


@lru_cache(maxsize=8192)
def pointee(spelled: str) -> str:
    """What ``->`` of a smart pointer or an iterator leads to; the type itself, where it is neither.

    >>> pointee("const std::shared_ptr<Library> &"), pointee("Library *")
    ('Library', 'Library *')
    """
    bare = _bare(spelled)
    arguments = _arguments(bare)
    if arguments and _SMART.match(bare):
        return arguments[0]
    if arguments and bare.startswith(_ITERATOR):
        return iterated(arguments[0])
    return spelled


@lru_cache(maxsize=8192)
def element(spelled: str) -> str:
    """What ``[]`` of a container gives, or ``*`` of an iterator; the type itself, where it is neither.

    >>> element("std::map<std::string, std::unique_ptr<Job>>"), element("QList<Panel *> &")
    ('std::unique_ptr<Job>', 'Panel *')
    """
    bare = _bare(spelled)
    arguments = _arguments(bare)
    if len(arguments) > 1 and _MAPS.match(bare):
        return arguments[1]
    if arguments and _SEQUENCES.match(bare):
        return arguments[0]
    return pointee(spelled)


def inserts(spelled: str) -> bool:
    """Whether ``[]`` of a container makes an element where there is none.

    >>> inserts("std::map<int, Job>"), inserts("std::vector<Job>")
    (True, False)
    """
    return bool(_MAPS.match(_bare(spelled)))


@lru_cache(maxsize=8192)
def iterated(spelled: str) -> str:
    """What a loop through a container goes through: its elements, of a map pairs.

    >>> iterated("std::map<int, Job>"), iterated("std::vector<Job>")
    ('std::pair<int, Job>', 'Job')
    """
    bare = _bare(spelled)
    arguments = _arguments(bare)
    if len(arguments) > 1 and _MAPS.match(bare) and not bare.startswith("Q"):
        return f"std::pair<{arguments[0]}, {arguments[1]}>"
    return element(spelled)


@lru_cache(maxsize=8192)
def of_pair(spelled: str, name: str) -> str:
    """The type of ``first`` or ``second`` of a pair; empty for anything else.

    >>> of_pair("std::pair<int, Job> &", "second")
    'Job'
    """
    arguments = _arguments(_bare(spelled)) if _PAIR.match(_bare(spelled)) else ()
    return arguments[name == "second"] if len(arguments) > 1 and name in {"first", "second"} else ""
