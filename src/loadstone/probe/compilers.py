"""Which run-time compiler a library is, or calls, told from its symbols: why its code may be writable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["compiler_of"]

_COMPILERS: Final = (
    (("LLVMCreateMCJIT", "LLVMOrc", "LLVMLinkInMCJIT", "_ZN4llvm3orc"), "LLVM's"),
    (("luaJIT_", "lj_"), "LuaJIT"),
    (("pcre2_jit_", "pcre_jit_", "sljit_"), "PCRE's (sljit)"),
    (("gcc_jit_",), "libgccjit"),
    (("JNI_CreateJavaVM", "JVM_"), "the Java virtual machine's"),
    (("_ZN2v88", "_ZN2v87"), "V8"),
    (("JSC", "JSGlobalContext", "_ZN3JSC"), "JavaScriptCore"),
    (("mono_jit_",), "Mono's"),
    (("jit_emit", "_jit_", "jit_new_state", "jit_context_"), "GNU lightning or libjit"),
    (("ffi_closure_alloc", "ffi_prep_closure"), "libffi (closures)"),
    (("orc_compiler_", "orc_program_"), "ORC"),
    (("_ZN6asmjit",), "AsmJit"),
    (("tcc_relocate",), "TinyCC"),
)
"""Beginnings of names of each one's documented interface, or of its C++ namespace, and what it is called."""


def compiler_of(names: Iterable[str]) -> str:
    """The name of the run-time compiler that has one of these symbols; "" when none is known to. Pure.

    >>> compiler_of(["zlibVersion", "luaJIT_setmode"]), compiler_of(["zlibVersion"])
    ('LuaJIT', '')
    """
    listed = tuple(names)
    for beginnings, compiler in _COMPILERS:
        if any(name.startswith(beginnings) for name in listed):
            return compiler
    return ""
