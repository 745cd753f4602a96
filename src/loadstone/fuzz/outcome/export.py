"""The same target for libFuzzer and AFL++: a harness in C, how to build it, a dictionary and the inputs so far.

With the library's source and clang at hand, compiled-in coverage and sanitizers go faster and see more; the harness
then is what is left to write, and it follows from the roles of the arguments. One harness serves both.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from loadstone.errors import Unsupported, Unwritable
from loadstone.escape import printable
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
    (void)nothing, (void)number, (void)handles, (void)capacities, (void)cut, (void)own, (void)file_of;
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
    arguments = [a for call in calls for a in call.arguments]
    text = any(a.role is Role.CSTRING for call in calls if not call.delivered for a in call.arguments)
    slots = _slots(calls)
    return _HARNESS.format(
        title=printable(title).replace("*/", "* /"),
        declarations="\n".join(dict.fromkeys(_declaration(call) for call in calls)),
        text=int(text),
        prepare=_AS_TEXT if text else "",
        handles=max(1, len(slots)),
        areas=max(1, sum(a.role is Role.OUT for a in arguments)),
        capacities=max(1, *(len(call.arguments) for call in calls)),
        calls="\n".join(_calls(calls, slots)),
    )


def _slots(calls: Sequence[CallPlan]) -> dict[str, int]:
    named = [call.into for call in calls if call.into]
    named += [a.slot for call in calls for a in call.arguments if a.role in (Role.INTO, Role.HANDLE)]
    return {name: position for position, name in enumerate(dict.fromkeys(named))}


def _calls(calls: Sequence[CallPlan], slots: dict[str, int]) -> Iterable[str]:
    areas = 0
    for call in calls:
        places = {}
        for position, argument in enumerate(call.arguments):
            if argument.role is Role.OUT:
                places[position] = areas
                yield f"    areas[{areas}] = calloc({max(1, argument.size)}, 1);"
                areas += 1
        yield from _call(call, places, slots)
        ends = [call.into] if call.into and call.returns == "pointer" else []
        ends += call.stored
        yield from (f"    if (!handles[{slots[name]}]) goto done;" for name in ends)


def _call(call: CallPlan, places: dict[int, int], slots: dict[str, int]) -> Iterable[str]:
    result = f"handles[{slots[call.into]}] = (void *)(uintptr_t)" if call.into else ""
    name = _alias(call.symbol)
    before = list(_before(call, places))
    if not call.repeat:
        yield "    {"
        yield from (f"        {line}" for line in (*before, *_parts(call, "data", "size")))
        yield f"        {result}{name}({_given(call, places, slots, 'data', 'size')});"
        yield from (f"        {line}" for line in _parts_end(call))
        yield "    }"
        return
    yield "    for (size_t i = 0, count = 1 + (size ? data[0] & 3 : 0); i < count; i++) {"
    yield "        size_t low = size * i / count, high = size * (i + 1) / count;"
    yield from (f"        {line}" for line in (*before, *_parts(call, "(data + low)", "(high - low)")))
    yield f"        {result}{name}({_given(call, places, slots, '(data + low)', '(high - low)')});"
    yield from (f"        {line}" for line in _parts_end(call))
    yield "    }"


def _parts(call: CallPlan, data: str, size: str) -> Iterable[str]:
    """What each of several parameters takes of the input, made before the call."""
    if not call.delivered:
        return
    yield f"struct part parts[{len(call.takers)}];"
    yield f"cut({data}, {size}, {len(call.takers)}, parts);"
    for part, position in enumerate(call.takers):
        argument = call.arguments[position]
        if argument.role is Role.PATH:
            yield f"char path{part}[64];"
            yield f'snprintf(path{part}, sizeof path{part}, "/tmp/input{part}-%d%s", (int)getpid(), "{argument.slot}");'
            yield f"close(file_of(&parts[{part}], path{part}));"
            yield f"parts[{part}].size = strlen(path{part});"
        elif argument.role is Role.DESCRIPTOR:
            yield f"int file{part} = file_of(&parts[{part}], NULL);"
        elif argument.role is Role.FILE:
            yield f'FILE *stream{part} = fdopen(file_of(&parts[{part}], NULL), "r+b");'
            yield f"int file{part} = fileno(stream{part});"
        else:
            whole = argument.size if argument.role is Role.RECORD else 0
            yield f"own(&parts[{part}], {whole}, {int(argument.role is Role.CSTRING)});"


def _parts_end(call: CallPlan) -> Iterable[str]:
    for part, position in enumerate(call.takers if call.delivered else ()):
        role = call.arguments[position].role
        if role is Role.PATH:
            yield f"unlink(path{part});"
        elif role is Role.DESCRIPTOR:
            yield f"close(file{part});"
        elif role is Role.FILE:
            yield f"if (fcntl(file{part}, F_GETFD) >= 0) fclose(stream{part}); /* else the library closed it */"
        else:
            yield f"free(parts[{part}].data);"


def _before(call: CallPlan, places: dict[int, int]) -> Iterable[str]:
    """What each call and each piece finds: areas that are empty, capacities that are whole."""
    for position, argument in enumerate(call.arguments):
        if argument.role is Role.OUT:
            yield f"memset(areas[{places[position]}], 0, {argument.size});"
        if argument.role is Role.CAPACITY_OF:
            yield f"capacities[{position}] = {call.area_of(argument)};"


def _given(call: CallPlan, places: dict[int, int], slots: dict[str, int], data: str, size: str) -> str:
    return ", ".join(_value(call, i, a, places, slots, data, size) for i, a in enumerate(call.arguments))


def _value(
    call: CallPlan,
    position: int,
    argument: Argument,
    places: dict[int, int],
    slots: dict[str, int],
    data: str,
    size: str,
) -> str:
    takers = call.takers if call.delivered else ()
    if position in takers:
        return _PASSED.get(argument.role, "parts[{0}].data").format(takers.index(position))
    if argument.role is Role.LENGTH_OF and argument.of in takers:
        return f"parts[{takers.index(argument.of)}].size"
    return _undelivered(call, position, argument, places, slots, data, size)


_PASSED: Final = {Role.PATH: "path{0}", Role.DESCRIPTOR: "file{0}", Role.FILE: "stream{0}"}


def _undelivered(
    call: CallPlan,
    position: int,
    argument: Argument,
    places: dict[int, int],
    slots: dict[str, int],
    data: str,
    size: str,
) -> str:
    match argument.role:
        case Role.BUFFER | Role.CSTRING | Role.RECORD | Role.PATH | Role.FILE | Role.DESCRIPTOR:
            return data
        case Role.LENGTH_OF:
            area = call.area_of(argument)
            return size if area is None else str(area)
        case Role.CAPACITY_OF:
            return f"&capacities[{position}]"
        case Role.OUT:
            return f"areas[{places[position]}]"
        case Role.HANDLE:
            return f"handles[{slots[argument.slot]}]"
        case Role.INTO:
            return f"&handles[{slots[argument.slot]}]"
        case Role.CALLBACK:
            return "(void *)nothing"
        case Role.INTEGER:
            return f"number({data}, {size}, {argument.size}, {position})"
        case Role.ONE_OF:
            values = ", ".join(f"{value}ll" for value in argument.values)
            number = f"number({data}, {size}, {argument.size}, {position})"
            return f"((const long long[]){{{values}}})[{number} % {len(argument.values)}]"
        case Role.CONST if argument.text is not None:
            return '(void *)"' + "".join(f"\\{byte:03o}" for byte in argument.text.encode()) + '"'
        case Role.CONST:
            return str(argument.value)


def _declaration(call: CallPlan) -> str:
    result = {"int": "int", "pointer": "void *", "double": "double", "void": "void"}[call.returns]
    given = ", ".join(_type(a) for a in call.arguments) or "void"
    return f'{result} {_alias(call.symbol)}({given}) __asm__("{call.symbol}");'


def _alias(symbol: str) -> str:
    """A name of the harness's own for a function of the library, which may be called ``main`` or ``malloc``.

    The real one stands in the assembler's text: nothing but a C name may.
    """
    if not _C_NAME.fullmatch(symbol):
        raise Unsupported(feature=f"a harness for {printable(symbol)}", reason="it is no name that C can call")
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
