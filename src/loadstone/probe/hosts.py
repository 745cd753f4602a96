"""Which kind of program a library wants to be loaded by, told from what it lacks.

A plugin takes symbols from its host, which no dependency of its own defines: loaded by anybody else it is refused. The
prefixes are those of each host's documented C interface.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["host_needed"]

_UNDEFINED: Final = re.compile(r"undefined symbol: ([^\s,(]+)")

_HOSTS: Final = (
    (("Py", "_Py"), "Python (an extension module)", "its libpython"),
    (("Perl_", "PerlIO", "PL_", "perl_", "boot_"), "Perl (an XS module)", "libperl.so"),
    (("zend_", "php_", "_zend", "_emalloc", "_efree", "executor_globals"), "PHP (an extension)", "libphp.so"),
    (("rb_",), "Ruby (an extension)", "libruby.so"),
    (("lua_", "luaL_"), "Lua (a module)", "liblua"),
    (("Tcl_", "tclStubs"), "Tcl (an extension)", "libtcl"),
    (("gst_",), "GStreamer (a plugin)", "libgstreamer-1.0.so.0"),
    (tuple(f"_ZN{size}Q" for size in range(2, 30)), "Qt (a plugin)", "its Qt libraries"),
    (("ap_", "apr_"), "Apache httpd (a module)", "libapr-1.so.0"),
    (("ngx_",), "nginx (a module)", ""),
    (("JNI_", "JVM_", "jio_"), "Java", "libjvm.so"),
    (("sqlite3_",), "SQLite (an extension)", "libsqlite3.so.0"),
    (("pam_",), "PAM (a module)", "libpam.so.0"),
    (("__asan_", "__tsan_", "__msan_", "__ubsan_", "__lsan_", "__hwasan_", "__sanitizer_"),
     "a program built with the same sanitizer", "the sanitizer's run-time library"),
    (("napi_", "node_", "_ZN2v8", "_ZN4node"), "Node.js (an addon)", "libnode.so"),
    (("_ZSt", "_ZNSt", "_ZNKSt", "_ZTVN10__cxxabiv1", "_ZTISt", "_Znw", "_Zna", "_Zdl", "_Zda", "__cxa_", "__gxx_"),
     "a program with the C++ library", "libstdc++.so.6"),
    (("GOMP_", "omp_"), "a program with OpenMP", "libgomp.so.1"),
    (("__kmpc_",), "a program with LLVM's OpenMP", "libomp.so.5"),
    (("_gfortran_",), "a program with Fortran's run time", "libgfortran.so.5"),
)  # fmt: skip
"""Beginnings of names, the host that has them, and what of it is a library."""


def host_needed(words: str) -> str:
    """What to say of a loader's refusal for want of a symbol; "" when it says no such thing. Pure.

    >>> host_needed("x.so: undefined symbol: PyList_New")
    'it needs its host, Python (an extension module), which defines PyList_New: --preload its libpython, or --host it'
    >>> host_needed("x.so: cannot open shared object file")
    ''
    """
    found = _UNDEFINED.search(words)
    if found is None:
        return ""
    symbol = found[1]
    for beginnings, host, library in _HOSTS:
        if symbol.startswith(beginnings):
            give = library or "a library that does"
            return f"it needs its host, {host}, which defines {symbol}: --preload {give}, or --host it"
    return f"it needs its host: none of its dependencies defines {symbol}; --preload a library that does, or --host it"
