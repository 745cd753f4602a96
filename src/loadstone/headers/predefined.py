"""What a compiler brings along before the first line: its macros, and the headers that are its own.

The macros are those of GCC 12 that headers ask for, made from the :class:`DataModel`. No instruction set beyond the
base is announced (``__SSE__``): a binding wants no intrinsics. Source: ``gcc -dM -E``, ISO C17 6.10.8 and 7.9 to 7.20.
"""

from __future__ import annotations

from typing import Final

from loadstone.headers.abi import DataModel

__all__ = ["OPERATORS", "OWN_HEADERS", "has_attribute", "has_builtin", "macros"]

_COMMON: Final = """
__STDC__ 1
__STDC_VERSION__ 201710L
__STDC_HOSTED__ 1
__STDC_UTF_16__ 1
__STDC_UTF_32__ 1
__GNUC__ 12
__GNUC_MINOR__ 2
__GNUC_PATCHLEVEL__ 0
__GNUC_STDC_INLINE__ 1
__VERSION__ "12.2.0"
__CHAR_BIT__ 8
__SCHAR_MAX__ 0x7f
__SHRT_MAX__ 0x7fff
__INT_MAX__ 0x7fffffff
__LONG_LONG_MAX__ 0x7fffffffffffffffLL
__INTMAX_MAX__ 0x7fffffffffffffffL
__SIZEOF_SHORT__ 2
__SIZEOF_INT__ 4
__SIZEOF_LONG_LONG__ 8
__SIZEOF_FLOAT__ 4
__SIZEOF_DOUBLE__ 8
__ORDER_LITTLE_ENDIAN__ 1234
__ORDER_BIG_ENDIAN__ 4321
__ORDER_PDP_ENDIAN__ 3412
__BYTE_ORDER__ 1234
__FLOAT_WORD_ORDER__ 1234
__INT8_TYPE__ signed char
__INT16_TYPE__ short int
__INT32_TYPE__ int
__UINT8_TYPE__ unsigned char
__UINT16_TYPE__ unsigned short int
__UINT32_TYPE__ unsigned int
__CHAR16_TYPE__ short unsigned int
__CHAR32_TYPE__ unsigned int
__FLT_MAX__ 3.40282346638528859811704183484516925e+38F
__FLT_MIN__ 1.17549435082228750796873653722224568e-38F
__FLT_EPSILON__ 1.19209289550781250000000000000000000e-7F
__DBL_MAX__ 1.79769313486231570814527423731704357e+308
__DBL_MIN__ 2.22507385850720138309023271740406422e-308
__DBL_EPSILON__ 2.22044604925031308084726333618164062e-16
__FLT_EVAL_METHOD__ 0
__OPTIMIZE__ 1
__USER_LABEL_PREFIX__
__REGISTER_PREFIX__
"""

_SYSTEMS: Final = {
    "linux": "__linux__ 1\n__linux 1\n__gnu_linux__ 1\n__unix__ 1\n__unix 1\n__ELF__ 1\n_GNU_SOURCE 1",
    "darwin": "__APPLE__ 1\n__MACH__ 1",
    "windows": "_WIN32 1\n_WIN64 1\n__MINGW32__ 1\n__MINGW64__ 1\nWIN32 1",
}
_PROCESSORS: Final = {
    "x86_64": "__x86_64__ 1\n__x86_64 1\n__amd64__ 1\n__amd64 1\n__code_model_small__ 1",
    "i386": "__i386__ 1\n__i386 1\ni386 1",
    "aarch64": "__aarch64__ 1\n__AARCH64EL__ 1\n__ARM_ARCH 8\n__ARM_64BIT_STATE 1",
}


def macros(abi: DataModel) -> dict[str, str]:
    """Name and replacement of every macro that is there from the start."""
    processor, _, system = abi.name.partition("-")
    wide = abi.pointer == 8
    word = "long int" if abi.long == abi.pointer else "long long int" if wide else "int"
    sixty_four = "long int" if abi.long == 8 else "long long int"
    wchar = {(4, True): "int", (4, False): "unsigned int", (2, False): "short unsigned int"}[abi.wchar]
    made = dict(_pair(line) for line in _COMMON.strip().splitlines())
    made |= dict(_pair(line) for line in f"{_SYSTEMS[system]}\n{_PROCESSORS[processor]}".splitlines())
    made |= {
        "__SIZE_TYPE__": f"{word.replace(' int', '') if word != 'int' else ''} unsigned int".strip(),
        "__PTRDIFF_TYPE__": word,
        "__INTPTR_TYPE__": word,
        "__UINTPTR_TYPE__": f"unsigned {word}",
        "__INTMAX_TYPE__": sixty_four,
        "__UINTMAX_TYPE__": f"unsigned {sixty_four}",
        "__INT64_TYPE__": sixty_four,
        "__UINT64_TYPE__": f"unsigned {sixty_four}",
        "__WCHAR_TYPE__": wchar,
        "__WINT_TYPE__": "unsigned int",
        "__LONG_MAX__": "0x7fffffffffffffffL" if abi.long == 8 else "0x7fffffffL",
        "__SIZE_MAX__": "0xffffffffffffffffUL" if wide else "0xffffffffU",
        "__PTRDIFF_MAX__": "0x7fffffffffffffffL" if wide else "0x7fffffff",
        "__WCHAR_MAX__": "0x7fffffff" if abi.wchar == (4, True) else "0xffffffffU" if abi.wchar[0] == 4 else "0xffff",
        "__WCHAR_MIN__": "(-__WCHAR_MAX__ - 1)" if abi.wchar[1] else "0",
        "__SIZEOF_LONG__": str(abi.long),
        "__SIZEOF_POINTER__": str(abi.pointer),
        "__SIZEOF_SIZE_T__": str(abi.pointer),
        "__SIZEOF_PTRDIFF_T__": str(abi.pointer),
        "__SIZEOF_WCHAR_T__": str(abi.wchar[0]),
        "__SIZEOF_WINT_T__": "4",
        "__SIZEOF_LONG_DOUBLE__": str(abi.long_double[0]),
        "__BIGGEST_ALIGNMENT__": "16",
    }
    if abi.long == 8:
        made |= {"__LP64__": "1", "_LP64": "1"}
    if abi.has_int128:
        made["__SIZEOF_INT128__"] = "16"
    if not abi.char_signed:
        made["__CHAR_UNSIGNED__"] = "1"
    return made


def _pair(line: str) -> tuple[str, str]:
    name, _, body = line.partition(" ")
    return name, body


_INTRINSICS: Final = (
    "immintrin.h", "xmmintrin.h", "emmintrin.h", "pmmintrin.h", "tmmintrin.h", "smmintrin.h", "mmintrin.h",
    "x86intrin.h", "cpuid.h", "arm_neon.h", "arm_acle.h",
)  # fmt: skip

OWN_HEADERS: Final = dict.fromkeys(_INTRINSICS, "") | {
    "stddef.h": """
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
typedef __SIZE_TYPE__ size_t; typedef __PTRDIFF_TYPE__ ptrdiff_t;
#ifndef __cplusplus
typedef __WCHAR_TYPE__ wchar_t;
#endif
typedef struct { long long __one __attribute__((aligned(8))); long double __two; } max_align_t;
#ifdef __need_wint_t
typedef __WINT_TYPE__ wint_t;
#endif
""",
    "stdarg.h": """
typedef __builtin_va_list va_list; typedef __builtin_va_list __gnuc_va_list;
#define __GNUC_VA_LIST 1
""",
    "stdbool.h": "#define bool _Bool\n#define true 1\n#define false 0\n#define __bool_true_false_are_defined 1",
    "stdalign.h": "#define alignas _Alignas\n#define alignof _Alignof",
    "stdnoreturn.h": "#define noreturn _Noreturn",
    "iso646.h": """
#ifndef __cplusplus
#define and &&
#define and_eq &=
#define bitand &
#define bitor |
#define compl ~
#define not !
#define not_eq !=
#define or ||
#define or_eq |=
#define xor ^
#define xor_eq ^=
#endif
""",
    "stdatomic.h": """
typedef enum { memory_order_relaxed, memory_order_consume, memory_order_acquire, memory_order_release,
               memory_order_acq_rel, memory_order_seq_cst } memory_order;
typedef _Atomic _Bool atomic_bool; typedef _Atomic char atomic_char; typedef _Atomic signed char atomic_schar;
typedef _Atomic unsigned char atomic_uchar; typedef _Atomic short atomic_short;
typedef _Atomic unsigned short atomic_ushort; typedef _Atomic int atomic_int; typedef _Atomic unsigned atomic_uint;
typedef _Atomic long atomic_long; typedef _Atomic unsigned long atomic_ulong; typedef _Atomic long long atomic_llong;
typedef _Atomic unsigned long long atomic_ullong; typedef _Atomic __WCHAR_TYPE__ atomic_wchar_t;
typedef _Atomic __CHAR16_TYPE__ atomic_char16_t; typedef _Atomic __CHAR32_TYPE__ atomic_char32_t;
typedef _Atomic __INT_LEAST8_TYPE__ atomic_int_least8_t; typedef _Atomic __UINT_LEAST8_TYPE__ atomic_uint_least8_t;
typedef _Atomic __INT_LEAST16_TYPE__ atomic_int_least16_t; typedef _Atomic __UINT_LEAST16_TYPE__ atomic_uint_least16_t;
typedef _Atomic __INT_LEAST32_TYPE__ atomic_int_least32_t; typedef _Atomic __UINT_LEAST32_TYPE__ atomic_uint_least32_t;
typedef _Atomic __INT_LEAST64_TYPE__ atomic_int_least64_t; typedef _Atomic __UINT_LEAST64_TYPE__ atomic_uint_least64_t;
typedef _Atomic __INT_FAST8_TYPE__ atomic_int_fast8_t; typedef _Atomic __UINT_FAST8_TYPE__ atomic_uint_fast8_t;
typedef _Atomic __INT_FAST16_TYPE__ atomic_int_fast16_t; typedef _Atomic __UINT_FAST16_TYPE__ atomic_uint_fast16_t;
typedef _Atomic __INT_FAST32_TYPE__ atomic_int_fast32_t; typedef _Atomic __UINT_FAST32_TYPE__ atomic_uint_fast32_t;
typedef _Atomic __INT_FAST64_TYPE__ atomic_int_fast64_t; typedef _Atomic __UINT_FAST64_TYPE__ atomic_uint_fast64_t;
typedef _Atomic __INTPTR_TYPE__ atomic_intptr_t; typedef _Atomic __UINTPTR_TYPE__ atomic_uintptr_t;
typedef _Atomic __SIZE_TYPE__ atomic_size_t; typedef _Atomic __PTRDIFF_TYPE__ atomic_ptrdiff_t;
typedef _Atomic __INTMAX_TYPE__ atomic_intmax_t; typedef _Atomic __UINTMAX_TYPE__ atomic_uintmax_t;
typedef _Atomic struct { _Bool __val; } atomic_flag;
""",
    "limits.h": """
#define CHAR_BIT 8
#define SCHAR_MAX 127
#define SCHAR_MIN (-128)
#define UCHAR_MAX 255
#ifdef __CHAR_UNSIGNED__
#define CHAR_MIN 0
#define CHAR_MAX UCHAR_MAX
#else
#define CHAR_MIN SCHAR_MIN
#define CHAR_MAX SCHAR_MAX
#endif
#define SHRT_MAX 32767
#define SHRT_MIN (-32768)
#define USHRT_MAX 65535
#define INT_MAX __INT_MAX__
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX (INT_MAX * 2U + 1U)
#define LONG_MAX __LONG_MAX__
#define LONG_MIN (-LONG_MAX - 1L)
#define ULONG_MAX (LONG_MAX * 2UL + 1UL)
#define LLONG_MAX __LONG_LONG_MAX__
#define LLONG_MIN (-LLONG_MAX - 1LL)
#define ULLONG_MAX (LLONG_MAX * 2ULL + 1ULL)
#define MB_LEN_MAX 16
#define PATH_MAX 4096
#define NAME_MAX 255
""",
    "float.h": """
#define FLT_RADIX 2
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define DBL_MIN __DBL_MIN__
#define DBL_EPSILON __DBL_EPSILON__
#define FLT_DIG 6
#define DBL_DIG 15
""",
}
"""The headers of the compiler, always these; nothing of them depends on what is installed."""


OPERATORS: Final = frozenset({"__has_include", "__has_include_next", "__has_attribute", "__has_builtin"})
"""Words of a condition that ``defined`` says yes to, though they are no macros (GCC manual, "Conditional Syntax")."""

_ATTRIBUTES: Final = """
access alias aligned alloc_align alloc_size always_inline artificial assume_aligned cdecl cleanup cold common const
constructor copy deprecated designated_init destructor error externally_visible fallthrough fastcall flatten format
format_arg gnu_inline hot ifunc leaf malloc may_alias mode ms_abi naked no_icf no_instrument_function no_reorder
no_sanitize no_split_stack no_stack_limit noclone nocommon noinline noipa nonnull nonstring noplt noreturn nothrow
optimize packed patchable_function_entry pure regparm retain returns_nonnull returns_twice scalar_storage_order
section sentinel simd stack_protect stdcall symver sysv_abi target target_clones tls_model transparent_union
unavailable uninitialized unused used vector_size visibility warn_if_not_aligned warn_unused_result warning weak
weakref zero_call_used_regs
"""
"""Attributes of GCC 12 that headers ask for."""


def has_attribute(name: str) -> bool:
    """What ``__has_attribute`` says of a name, with or without the underscores around it."""
    return name.removeprefix("__").removesuffix("__") in _ATTRIBUTES.split()


def has_builtin(name: str) -> bool:
    """What ``__has_builtin`` says: yes to the names that GCC keeps for its own functions."""
    return name.startswith(("__builtin_", "__atomic_", "__sync_"))
