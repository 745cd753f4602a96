"""Symbol names as their authors wrote them, for display only: C++ (Itanium ABI) and Rust, both schemes.

A name that cannot be taken apart in full is shown as it is. Work and output are bounded, whatever the name.
"""

from __future__ import annotations

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
        return _demangled_rust(mangled) or name
    return _demangled_itanium(mangled) or name if mangled.startswith("_Z") else name


# A scheme's module is imported when the first name of the scheme is met: most libraries have none.


def _demangled_rust(mangled: str) -> str | None:
    from loadstone.binary.demangle.rust_v0 import demangle_rust_v0  # noqa: PLC0415

    return demangle_rust_v0(mangled)


def _demangled_itanium(mangled: str) -> str | None:
    from loadstone.binary.demangle.itanium import NotMangled, demangle_itanium  # noqa: PLC0415
    from loadstone.binary.demangle.rust import demangle_legacy_rust  # noqa: PLC0415

    rust = demangle_legacy_rust(mangled)
    if rust is not None:
        return rust
    try:
        return demangle_itanium(mangled)
    except NotMangled:
        return None
