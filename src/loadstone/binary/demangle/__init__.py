"""Symbol names as their authors wrote them, for display only: C++ (Itanium ABI) and Rust, both schemes.

A name that cannot be taken apart in full is shown as it is. Work and output are bounded, whatever the name.
"""

from __future__ import annotations

from loadstone.binary.demangle.itanium import NotMangled, demangle_itanium
from loadstone.binary.demangle.rust import demangle_legacy_rust
from loadstone.binary.demangle.rust_v0 import demangle_rust_v0

__all__ = ["demangle"]


def demangle(name: str) -> str:
    """The readable form of a symbol's name, or the name itself when it is not mangled in a way known here.

    The result is not escaped: pass it through :func:`loadstone.escape.printable` before showing it. Thread-safe: pure.

    >>> demangle("_ZNSt6vectorIiSaIiEE9push_backEOi")
    'std::vector<int, std::allocator<int> >::push_back(int&&)'
    >>> demangle("inflateInit2_")
    'inflateInit2_'
    """
    mangled = name[1:] if name.startswith(("__Z", "__R")) else name  # Mach-O puts an underscore before every name
    if mangled.startswith("_R"):
        return demangle_rust_v0(mangled) or name
    if not mangled.startswith("_Z"):
        return name
    rust = demangle_legacy_rust(mangled)
    if rust is not None:
        return rust
    try:
        return demangle_itanium(mangled)
    except NotMangled:
        return name
