"""The words of Itanium C++ mangling. Source: Itanium C++ ABI, section 5.1 "External Names (a.k.a. Mangling)"."""

from __future__ import annotations

from typing import Final

__all__ = [
    "BUILTINS",
    "CASTS",
    "LITERAL_SUFFIXES",
    "OF_EXPRESSIONS",
    "OF_TYPES",
    "OPERATORS",
    "QUALIFIERS",
    "SPECIALS",
    "STANDARD",
    "TWO_LETTER_BUILTINS",
]

BUILTINS: Final = {
    "v": "void",
    "w": "wchar_t",
    "b": "bool",
    "c": "char",
    "a": "signed char",
    "h": "unsigned char",
    "s": "short",
    "t": "unsigned short",
    "i": "int",
    "j": "unsigned int",
    "l": "long",
    "m": "unsigned long",
    "x": "long long",
    "y": "unsigned long long",
    "n": "__int128",
    "o": "unsigned __int128",
    "f": "float",
    "d": "double",
    "e": "long double",
    "g": "__float128",
    "z": "...",
}

TWO_LETTER_BUILTINS: Final = {
    "Dd": "decimal64",
    "De": "decimal128",
    "Df": "decimal32",
    "Dh": "half",
    "Di": "char32_t",
    "Ds": "char16_t",
    "Du": "char8_t",
    "Da": "auto",
    "Dc": "decltype(auto)",
    "Dn": "decltype(nullptr)",
}

LITERAL_SUFFIXES: Final = {"i": "", "j": "u", "l": "l", "m": "ul", "x": "ll", "y": "ull"}

STANDARD: Final = {
    "a": ("std::allocator", "allocator"),
    "b": ("std::basic_string", "basic_string"),
    "s": ("std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "basic_string"),
    "i": ("std::basic_istream<char, std::char_traits<char> >", "basic_istream"),
    "o": ("std::basic_ostream<char, std::char_traits<char> >", "basic_ostream"),
    "d": ("std::basic_iostream<char, std::char_traits<char> >", "basic_iostream"),
}
"""Abbreviations, and the name a constructor of each has."""

OPERATORS: Final = {
    "nw": (" new", 0),
    "na": (" new[]", 0),
    "dl": (" delete", 1),
    "da": (" delete[]", 1),
    "aw": (" co_await", 1),
    "ps": ("+", 1),
    "ng": ("-", 1),
    "ad": ("&", 1),
    "de": ("*", 1),
    "co": ("~", 1),
    "pl": ("+", 2),
    "mi": ("-", 2),
    "ml": ("*", 2),
    "dv": ("/", 2),
    "rm": ("%", 2),
    "an": ("&", 2),
    "or": ("|", 2),
    "eo": ("^", 2),
    "aS": ("=", 2),
    "pL": ("+=", 2),
    "mI": ("-=", 2),
    "mL": ("*=", 2),
    "dV": ("/=", 2),
    "rM": ("%=", 2),
    "aN": ("&=", 2),
    "oR": ("|=", 2),
    "eO": ("^=", 2),
    "ls": ("<<", 2),
    "rs": (">>", 2),
    "lS": ("<<=", 2),
    "rS": (">>=", 2),
    "eq": ("==", 2),
    "ne": ("!=", 2),
    "lt": ("<", 2),
    "gt": (">", 2),
    "le": ("<=", 2),
    "ge": (">=", 2),
    "ss": ("<=>", 2),
    "nt": ("!", 1),
    "aa": ("&&", 2),
    "oo": ("||", 2),
    "pp": ("++", 1),
    "mm": ("--", 1),
    "cm": (",", 2),
    "pm": ("->*", 2),
    "pt": ("->", 2),
    "cl": ("()", 0),
    "ix": ("[]", 2),
    "qu": ("?", 3),
}
"""How each operator is written, and how many operands it has in an expression (0: not as one)."""

SPECIALS: Final = {
    "TV": "vtable for ",
    "TT": "VTT for ",
    "TI": "typeinfo for ",
    "TS": "typeinfo name for ",
    "TH": "TLS init function for ",
    "TW": "TLS wrapper function for ",
    "GV": "guard variable for ",
    "GA": "hidden alias for ",
}

QUALIFIERS: Final = (("r", " __restrict"), ("V", " volatile"), ("K", " const"))
"""In the order the mangling has them."""

OF_TYPES: Final = {"st": "sizeof", "at": "alignof", "ti": "typeid"}
OF_EXPRESSIONS: Final = {"sz": "sizeof", "az": "alignof", "te": "typeid", "nx": "noexcept"}
CASTS: Final = {"sc": "static_cast", "dc": "dynamic_cast", "rc": "reinterpret_cast", "cc": "const_cast"}
