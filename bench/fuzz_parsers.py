"""Fuzzing five real parsers: runs a second and places of code reached, beside libFuzzer and AFL++ with the source.

The sources are Debian's (``tests/sources.py``: fetched into a cache, checked against the archive's signed digests).
Each is built with one function, ``int parse(data, size)``, that does what a program does with untrusted bytes. Ours has
the compiled library and the prototype; each counts its coverage in units of its own, so only rates are compared.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import which

from tests.sources import SOURCES, Source, unpacked

from bench.figure import Figure, Row, Sample
from bench.fuzz import AFL_QUIET
from loadstone.fuzz import fuzz

_SECONDS = 4
_PROTOTYPE = "int parse(const unsigned char *data, unsigned long size)"
_HEAD = "typedef unsigned long N;\n"
_LIBFUZZER = "libFuzzer, source"


@dataclass(frozen=True, slots=True)
class Parser:
    """Where the source is, which of its files, how they are compiled, and the function that is fuzzed."""

    source: Source
    files: str
    without: tuple[str, ...]
    options: tuple[str, ...]
    harness: str


PARSERS = {
    "Lua": Parser(
        SOURCES["lua"], "src/*.c", ("lua.c", "luac.c"), ("-Isrc", "-lm"),
        '#include "lauxlib.h"\nint parse(const unsigned char *d, N n) { lua_State *l = luaL_newstate();'
        ' if (!l) return 0; int r = luaL_loadbufferx(l, (const char *)d, n, "x", "t"); lua_close(l); return r; }',
    ),
    "cJSON": Parser(
        Source("cjson", "1.7.15"), "cJSON.c", (), ("-I.", "-lm"),
        '#include "cJSON.h"\nint parse(const unsigned char *d, N n) {'
        " cJSON *j = cJSON_ParseWithLength((const char *)d, n); cJSON_Delete(j); return j != 0; }",
    ),
    "Expat": Parser(
        Source("expat", "2.5.0"), "expat/lib/xml[prt]*.c", ("xmltok_impl.c", "xmltok_ns.c"),
        ("-Iexpat/lib", "-DXML_POOR_ENTROPY", "-DXML_CONTEXT_BYTES=1024", "-DXML_DTD", "-DXML_NS"),
        '#include "expat.h"\nint parse(const unsigned char *d, N n) { XML_Parser p = XML_ParserCreate(0);'
        " if (!p) return 0; int r = XML_Parse(p, (const char *)d, (int)n, 1); XML_ParserFree(p); return r; }",
    ),
    "LibYAML": Parser(
        Source("libyaml", "0.2.5"), "src/*.c", (),
        ("-Iinclude", "-Isrc", '-DYAML_VERSION_STRING="0.2.5"', "-DYAML_VERSION_MAJOR=0", "-DYAML_VERSION_MINOR=2",
         "-DYAML_VERSION_PATCH=5"),
        '#include "yaml.h"\nint parse(const unsigned char *d, N n) { yaml_parser_t p; yaml_document_t t; int r;'
        " if (!yaml_parser_initialize(&p)) return 0; yaml_parser_set_input_string(&p, d, n);"
        " r = yaml_parser_load(&p, &t); if (r) yaml_document_delete(&t); yaml_parser_delete(&p); return r; }",
    ),
    "LZ4": Parser(
        Source("lz4", "1.9.4"), "lib/lz4.c", (), ("-Ilib",),
        '#include "lz4.h"\nint parse(const unsigned char *d, N n) { static char out[65536];'
        " return LZ4_decompress_safe((const char *)d, out, (int)n, sizeof out); }",
    ),
}  # fmt: skip


def _built(parser: Parser, folder: Path, *words: str, main: str = "") -> Path:
    """The parser with its harness, compiled; ``main`` is what else stands in the harness."""
    root = unpacked(parser.source)
    (folder / "expat_config.h").write_text("")  # what configure would write; everything in it has a default
    (folder / "harness.c").write_text(_HEAD + parser.harness + "\n" + main)
    files = [str(path) for path in sorted(root.glob(parser.files)) if path.name not in parser.without]
    includes = [f"-I{root / o[2:]}" if o.startswith("-I") else o for o in parser.options if not o.startswith("-l")]
    libraries = [option for option in parser.options if option.startswith("-l")]
    target = folder / ("libparser.so" if "-shared" in words else words[0])
    command = [*words, "-O1", "-w", f"-I{folder}", *includes, str(folder / "harness.c"), *files, "-o", str(target)]
    subprocess.run([*command, *libraries], check=True, capture_output=True)
    return target


def _fuzzer(compiler: str, parser: Parser, folder: Path) -> Path | None:
    """The parser with a fuzzer compiled into it; None where that compiler, or its run-time library, is not."""
    main = "int LLVMFuzzerTestOneInput(const unsigned char *d, N n) { parse(d, n); return 0; }\n"
    try:
        return _built(parser, folder, compiler, "-fsanitize=fuzzer", main=main)
    except (OSError, subprocess.CalledProcessError):
        return None


def _afl(parser: Parser, folder: Path) -> Sample | None:
    program = _fuzzer("afl-clang-fast", parser, folder)
    if program is None or which("afl-fuzz") is None:
        return None
    (folder / "in").mkdir()
    (folder / "in" / "seed").write_bytes(b"0")
    command = ["afl-fuzz", "-V", str(_SECONDS + 2), "-i", "in", "-o", "out", "--", str(program)]
    subprocess.run(command, cwd=folder, capture_output=True, check=False, env=os.environ | AFL_QUIET)
    stats = folder / "out" / "default" / "fuzzer_stats"
    rate = re.search(r"execs_per_sec\s+:\s+([\d.]+)", stats.read_text()) if stats.exists() else None
    return Sample.of([float(rate[1])]) if rate else None


def _libfuzzer(parser: Parser, folder: Path) -> Sample | None:
    program = _fuzzer("clang", parser, folder)
    if program is None:
        return None
    options = [f"-max_total_time={_SECONDS}", "-seed=1", "-print_final_stats=1", "-close_fd_mask=1"]
    done = subprocess.run([str(program), *options], cwd=folder, capture_output=True, text=True, check=False)
    rate = re.search(r"average_exec_per_sec:\s+(\d+)", done.stderr)
    return Sample.of([float(rate[1])]) if rate else None


def _rows(name: str) -> Iterator[Row]:
    parser = PARSERS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        library = _built(parser, folder, "gcc", "-shared", "-fPIC")
        progress = fuzz(str(library), _PROTOTYPE, time_s=_SECONDS, seed=1).progress
        peers = {_LIBFUZZER: _libfuzzer(parser, folder), "AFL++, persistent, source": _afl(parser, folder)}
    what = f"{name} {parser.source.version}"
    ours = Sample.of([progress.runs_per_s])
    yield Row(f"runs a second, {what}", "/s", ours, peers, more_is_better=True,
              note="the peers are compiled into the parser; ours watches a library it did not build")  # fmt: skip
    yield Row(f"places reached in {_SECONDS} s, {what}", "", Sample.of([progress.blocks]), more_is_better=True)


FIGURES = tuple(Figure(name, partial(_rows, name)) for name in PARSERS)
