"""The same target for libFuzzer and AFL++: a harness in C, how to build it, a dictionary and the inputs so far.

With the library's source and clang at hand, compiled-in coverage and sanitizers go faster and see more; the harness
then is what is left to write, and it follows from the roles of the arguments. One harness serves both.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadstone.errors import Unsupported, Unwritable
from loadstone.escape import printable
from loadstone.fuzz import meaning
from loadstone.fuzz.outcome.corpus import dictionary, input_name
from loadstone.fuzz.plan import Argument, CallPlan, Role

__all__ = ["export", "harness"]

_HARNESS: Final = """\
/* {title}
 *
 * Written by Loadstone; build.sh builds it for libFuzzer and for AFL++.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

{declarations}

static int nothing(void) {{ return 0; }}

/* A number out of the input's end; each position takes its own bytes. */
static uint64_t number(const uint8_t *data, size_t size, size_t width, size_t position) {{
    size_t stop = size > 8 * position ? size - 8 * position : 0, start = stop > width ? stop - width : 0;
    uint64_t value = 0;
    for (size_t i = 0; start + i < stop; i++) value |= (uint64_t)data[start + i] << 8 * i;
    return value;
}}

struct part {{ uint8_t *data; size_t size; }};

/* Where the separator at or behind `at` begins; the size where there is none. */
static size_t separator(const uint8_t *data, size_t size, size_t at) {{
    while (at + 4 <= size && memcmp(data + at, "\\0||\\0", 4)) at++;
    return at + 4 <= size ? at : size;
}}

/* The next call's share of the input from `*low` on: `count` parts, or half of what is left where there are fewer. */
static struct part share(const uint8_t *data, size_t size, size_t *low, size_t count) {{
    size_t high = *low, from = *low;
    for (size_t i = 0; i < count; i++) {{
        high = separator(data, size, i ? high + 4 : high);
        if (high == size) break;
    }}
    int found = high < size;
    if (!found) high = (from + size) / 2;
    *low = found ? high + 4 : high;
    return (struct part){{(uint8_t *)data + from, high - from}};
}}

/* The pieces that calls of one function are fed: behind every `count` separators, or as many as the first byte says. */
static size_t pieces(const uint8_t *data, size_t size, size_t count, struct part *found) {{
    size_t seen = 0, low = 0, made = 0;
    for (size_t at = 0; (at = separator(data, size, at)) < size; at += 4) seen++;
    if (seen / count) {{
        size_t all = seen / count + 1 < 16 ? seen / count + 1 : 16;
        while (made + 1 < all) found[made++] = share(data, size, &low, count);
        found[made++] = (struct part){{(uint8_t *)data + low, size - low}};
        return made;
    }}
    size_t all = 1 + (size ? data[0] & 3 : 0);
    for (; made < all; made++) {{
        low = size * made / all;
        found[made] = (struct part){{(uint8_t *)data + low, size * (made + 1) / all - low}};
    }}
    return made;
}}

/* The input in parts: at the first separators; where there are too few, the last part is halved. */
static void cut(const uint8_t *data, size_t size, size_t count, struct part *parts) {{
    size_t made = 0, at = 0, i = 0;
    while (made + 1 < count && i + 4 <= size) {{
        if (memcmp(data + i, "\\0||\\0", 4)) {{ i++; continue; }}
        parts[made++] = (struct part){{(uint8_t *)data + at, i - at}};
        at = i += 4;
    }}
    parts[made] = (struct part){{(uint8_t *)data + at, size - at}};
    for (; made + 1 < count; made++) {{
        size_t half = parts[made].size / 2;
        parts[made + 1] = (struct part){{parts[made].data + half, parts[made].size - half}};
        parts[made].size = half;
    }}
}}

/* A block of its own for a part, of `whole` bytes if that is not 0; as a text where that is wanted. */
static void own(struct part *part, size_t whole, int text) {{
    if (text && part->size && !part->data[part->size - 1]) part->size--;
    size_t size = whole ? whole : part->size + text;
    uint8_t *copy = calloc(size ? size : 1, 1);
    if (!copy) abort();
    if (part->size) memcpy(copy, part->data, part->size < size ? part->size : size);
    for (size_t i = 0; text && i < part->size; i++) copy[i] += !copy[i];
    *part = (struct part){{copy, size}};
}}

static int open_new(const char *path) {{ return open(path, O_RDWR | O_CREAT | O_TRUNC, 0600); }}

/* A file that holds a part, at its beginning; its name where `path` is given. */
static int file_of(struct part *part, const char *path) {{
    int file = path ? open_new(path) : memfd_create("input", 0);
    if (file < 0 || write(file, part->data, part->size) != (ssize_t)part->size) abort();
    lseek(file, 0, SEEK_SET);
    return file;
}}

int LLVMFuzzerTestOneInput(const uint8_t *given, size_t size) {{
    uint8_t *data = malloc(size + {text});
    if (!data) return 0;
    if (size) memcpy(data, given, size);
{prepare}
    void *handles[{handles}] = {{0}};
    uint8_t *areas[{areas}] = {{0}};
    uint64_t capacities[{capacities}] = {{0}};
    size_t low = 0;
    (void)nothing, (void)number, (void)handles, (void)capacities, (void)cut, (void)own, (void)file_of;
    (void)low, (void)share, (void)pieces;
{calls}
done:
    for (size_t i = 0; i < sizeof areas / sizeof *areas; i++) free(areas[i]);
    free(data);
    return 0;
}}
"""

_AS_TEXT: Final = """\
    if (size && !data[size - 1]) size--;
    for (size_t i = 0; i < size; i++) data[i] += !data[i];
    data[size++] = 0;"""

_BUILD: Final = """\
#!/bin/sh
# Builds the harness against the library as it is. Where its source is at hand, name the source files instead of the
# library, so that they are instrumented too.
set -e
cd "$(dirname "$0")"
[ -n "$LIBRARY" ] || LIBRARY={library}
case ${{1:-libfuzzer}} in
libfuzzer)
    clang -g -O1 -fsanitize=fuzzer,address harness.c "$LIBRARY" -Wl,-rpath,"$(dirname "$LIBRARY")" -o harness-libfuzzer
    echo "run: ./harness-libfuzzer -dict=dict.txt corpus" ;;
afl)
    afl-clang-fast -g -O1 -fsanitize=fuzzer harness.c "$LIBRARY" -Wl,-rpath,"$(dirname "$LIBRARY")" -o harness-afl
    echo "run: afl-fuzz -i corpus -o findings -x dict.txt -- ./harness-afl (a closed library needs -Q or -O as well)" ;;
*)
    echo "usage: $0 [libfuzzer|afl]" >&2; exit 2 ;;
esac
"""


def export(
    folder: str, library: str, title: str, calls: Sequence[CallPlan], *, inputs: Iterable[bytes], words: Iterable[bytes]
) -> tuple[str, ...]:
    """Write ``harness.c``, ``build.sh``, ``dict.txt`` and ``corpus/`` into a folder, which is made; their paths.

    Args:
        folder: where to.
        library: its path.
        title: what is fuzzed, in a line.
        calls: the calls with their roles.
        inputs: the corpus.
        words: the dictionary.

    Raises:
        Unwritable: the folder or a file cannot be made.

    Runs nothing.
    """
    home = Path(folder)
    files = {
        "harness.c": harness(title, calls),
        "build.sh": _BUILD.format(library=shlex.quote(os.path.abspath(library))),
        "dict.txt": dictionary(words),
    }
    try:
        (home / "corpus").mkdir(parents=True, exist_ok=True)
        for data in inputs:
            (home / "corpus" / input_name(data)).write_bytes(data)
        for name, text in files.items():
            (home / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        (home / "build.sh").chmod(0o755)
    except OSError as error:
        raise Unwritable(path=folder, reason=error.strerror or str(error), advice="Choose another folder.") from error
    return tuple(str(home / name) for name in (*files, "corpus"))


def harness(title: str, calls: Sequence[CallPlan]) -> str:
    """The harness as C."""
    text = meaning.takes_text(calls)
    slots = _slots(calls)
    return _HARNESS.format(
        title=printable(title).replace("*/", "* /"),
        declarations="\n".join(dict.fromkeys(_declaration(call) for call in calls)),
        text=int(text),
        prepare=_AS_TEXT if text else "",
        handles=max(1, len(slots)),
        areas=max(1, sum(isinstance(value, meaning.Area) for call in calls for value in meaning.values_of(call))),
        capacities=max(1, *(len(call.arguments) for call in calls)),
        calls="\n".join(_calls(calls, slots)),
    )


def _slots(calls: Sequence[CallPlan]) -> dict[str, int]:
    named = [call.into for call in calls if call.into]
    named += [
        v.slot
        for call in calls
        for v in meaning.values_of(call)
        if isinstance(v, meaning.HeldHandle | meaning.StoredHandle)
    ]
    return {name: position for position, name in enumerate(dict.fromkeys(named))}


def _calls(calls: Sequence[CallPlan], slots: dict[str, int]) -> Iterable[str]:
    made = 0
    last = next((call for call in reversed(calls) if call.shares), None)
    for call in calls:
        areas = {}
        for value in meaning.values_of(call):
            if isinstance(value, meaning.Area):
                areas[value.position] = made
                yield f"    areas[{made}] = calloc({max(1, value.size)}, 1);"
                made += 1
        yield from _call(call, areas, slots, last=call is last)
        ends = [call.into] if call.into and call.returns == "pointer" else []
        ends += call.stored
        yield from (f"    if (!handles[{slots[name]}]) goto done;" for name in ends)


def _call(call: CallPlan, areas: dict[int, int], slots: dict[str, int], *, last: bool) -> Iterable[str]:
    """``last``: of the calls that share the input; it gets what is left."""
    result = f"handles[{slots[call.into]}] = (void *)(uintptr_t)" if call.into else ""
    whole = "{data + low, size - low}" if last else "{data, size}"
    share = f"share(data, size, &low, {call.parts})" if call.shares and not last else f"(struct part){whole}"
    yield "    {"
    yield f"        struct part given[16] = {{{share}}};"
    scope = _Scope("given[i].data", "given[i].size", areas, slots)
    yield (
        f"        size_t count = pieces(given->data, given->size, {call.parts}, given);"
        if call.repeat
        else "        size_t count = 1;"
    )
    yield "        for (size_t i = 0; i < count; i++) {"
    yield from (f"            {line}" for line in (*_before(call, areas), *_parts(call, scope)))
    yield f"            {result}{_alias(call.symbol)}({_arguments(call, scope)});"
    yield from (f"            {line}" for line in _parts_end(call))
    yield "        }"
    yield "    }"


def _before(call: CallPlan, areas: dict[int, int]) -> Iterable[str]:
    """What each call and each piece finds: areas that are empty, capacities that are whole."""
    for value in meaning.values_of(call):
        if isinstance(value, meaning.Area):
            yield f"memset(areas[{areas[value.position]}], 0, {value.size});"
        if isinstance(value, meaning.Capacity):
            yield f"capacities[{value.position}] = {value.value};"


def _parts(call: CallPlan, scope: _Scope) -> Iterable[str]:
    """What each of several parameters takes of the input, made before the call."""
    if not call.delivered:
        return
    yield f"struct part parts[{len(call.takers)}];"
    yield f"cut({scope.data}, {scope.size}, {len(call.takers)}, parts);"
    for part, position in enumerate(call.takers):
        argument = call.arguments[position]
        fields = {"part": part, "size": argument.size, "end": argument.slot}
        yield from (line.format(**fields) for line in _DELIVERIES[argument.role].before)


def _parts_end(call: CallPlan) -> Iterable[str]:
    for part, position in enumerate(call.takers if call.delivered else ()):
        yield _DELIVERIES[call.arguments[position].role].after.format(part=part)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """The lines that make ``passed`` of a part, and the line that takes it away."""

    before: tuple[str, ...]
    after: str


def _in_memory(whole: str, *, text: bool) -> _Delivery:
    make = f"own(&parts[{{part}}], {whole}, {int(text)});"
    return _Delivery((make, "uint8_t *passed{part} = parts[{part}].data;"), "free(passed{part});")


_DELIVERIES: Final[Mapping[Role, _Delivery]] = {
    Role.BUFFER: _in_memory("0", text=False),
    Role.CSTRING: _in_memory("0", text=True),
    Role.RECORD: _in_memory("{size}", text=False),
    Role.PATH: _Delivery(
        (
            "char passed{part}[64];",
            'snprintf(passed{part}, sizeof passed{part}, "/tmp/input{part}-%d%s", (int)getpid(), "{end}");',
            "close(file_of(&parts[{part}], passed{part}));",
            "parts[{part}].size = strlen(passed{part});",
        ),
        "unlink(passed{part});",
    ),
    Role.DESCRIPTOR: _Delivery(("int passed{part} = file_of(&parts[{part}], NULL);",), "close(passed{part});"),
    Role.FILE: _Delivery(
        (
            'FILE *passed{part} = fdopen(file_of(&parts[{part}], NULL), "r+b");',
            "int file{part} = fileno(passed{part});",
        ),
        "if (fcntl(file{part}, F_GETFD) >= 0) fclose(passed{part}); /* else the library closed it */",
    ),
}
"""How a part of the input reaches its parameter, by the role that takes it."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """How things are called where a call stands: its share of the input, areas by position, handles by slot."""

    data: str
    size: str
    areas: Mapping[int, int]
    handles: Mapping[str, int]


def _arguments(call: CallPlan, scope: _Scope) -> str:
    return ", ".join(_EXPRESSIONS[type(value)](value, scope) for value in meaning.values_of(call))


def _drawn(value: meaning.Drawn, scope: _Scope) -> str:
    return f"number({scope.data}, {scope.size}, {value.size}, {value.position})"


def _chosen(value: meaning.Chosen, scope: _Scope) -> str:
    values = ", ".join(f"{number}ll" for number in value.values)
    return f"((const long long[]){{{values}}})[{_drawn(value.by, scope)} % {len(value.values)}]"


def _text(value: meaning.ConstantText, _: _Scope) -> str:
    return '(void *)"' + "".join(f"\\{byte:03o}" for byte in value.data) + '"'


_EXPRESSIONS: Final[Mapping[type[meaning.PassedValue], Callable[[Any, _Scope], str]]] = {
    meaning.InputPlace: lambda _, scope: scope.data,
    meaning.InputSize: lambda _, scope: scope.size,
    meaning.PartPlace: lambda value, _: f"passed{value.part}",
    meaning.PartSize: lambda value, _: f"parts[{value.part}].size",
    meaning.Drawn: _drawn,
    meaning.Chosen: _chosen,
    meaning.ConstantNumber: lambda value, _: str(value.value),
    meaning.ConstantText: _text,
    meaning.Area: lambda value, scope: f"areas[{scope.areas[value.position]}]",
    meaning.Capacity: lambda value, _: f"&capacities[{value.position}]",
    meaning.HeldHandle: lambda value, scope: f"handles[{scope.handles[value.slot]}]",
    meaning.StoredHandle: lambda value, scope: f"&handles[{scope.handles[value.slot]}]",
    meaning.Callback: lambda _, __: "(void *)nothing",
}
"""Each kind of value as an expression of C; the type of the argument narrows it."""


def _declaration(call: CallPlan) -> str:
    result = {"int": "int", "pointer": "void *", "double": "double", "void": "void"}[call.returns]
    given = ", ".join(_type(a) for a in call.arguments) or "void"
    return f'{result} {_alias(call.symbol)}({given}) __asm__("{call.symbol}");'


def _alias(symbol: str) -> str:
    """A name of the harness's own for a function of the library, which may be called ``main`` or ``malloc``.

    The real one stands in the assembler's text: nothing but a C name may.
    """
    if not _C_NAME.fullmatch(symbol):
        raise Unsupported(feature=f"a harness for {printable(symbol)}", reason="C has no name that can call it")
    return f"library_{symbol}"


_C_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _type(argument: Argument) -> str:
    match argument.carrier:
        case "pointer":
            return "void *"
        case "float" | "double" as real:
            return real
        case integer:
            return f"{integer}_t"
