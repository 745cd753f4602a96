"""Sequences learnt from a header: who makes a handle, who ends it; and which functions are worth fuzzing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.cli import main as cli
from loadstone.cli.exits import ExitStatus
from loadstone.errors import InvalidPrototype
from loadstone.fuzz import fuzz, propose
from loadstone.fuzz.plan import Role

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

HEADER = """
#include <stddef.h>
#include <stdint.h>
typedef struct reel reel;
typedef struct pool pool_t;
struct hidden;
pool_t *pool_new(void);
void pool_free(pool_t *p);
reel *reel_copy(const reel *r);
struct tree { struct tree *next; int size; };
struct tree *tree_load(const char *text);
void tree_delete(struct tree *t);
int reel_open(reel **out, pool_t *p, int level);
int reel_feed(reel *r, const uint8_t *data, size_t size);
void reel_close(reel *r);
int reel_version(void);
int reel_parse(const char *text);
int hidden_read(struct hidden *h, const uint8_t *data, size_t size);
"""
SOURCE = """
#include <stdlib.h>
struct pool { int used; };
struct reel { pool_t *pool; int fed; };
pool_t *pool_new(void) { return calloc(1, sizeof(pool_t)); }
void pool_free(pool_t *p) { free(p); }
reel *reel_copy(const reel *r) { return (reel *)r; }
int reel_open(reel **out, pool_t *p, int level) {
    if (!(*out = calloc(1, sizeof **out))) return 1; (*out)->pool = p; return level == 77; }
int reel_feed(reel *r, const uint8_t *d, size_t n) {
    r->pool->used++; if (n > 1 && d[0] == '!') r->fed++; if (r->fed > 1) *(volatile int *)0 = 1; return 0; }
struct tree *tree_load(const char *text) { return text[0] == '{' ? calloc(1, sizeof(struct tree)) : 0; }
void tree_delete(struct tree *t) { free(t); }
void reel_close(reel *r) { free(r); }
int reel_version(void) { return 1; }
int reel_parse(const char *text) { return text[0]; }
int hidden_read(struct hidden *h, const uint8_t *d, size_t n) { return h && n && d[0]; }
"""


@pytest.fixture
def header(tmp_path: Path) -> Path:
    path = tmp_path / "reel.h"
    path.write_text(HEADER)
    return path


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(HEADER + SOURCE, "libreel.so", "-O1", "-w")


def test_handles_are_made_and_ended_as_the_header_declares(library: Path, header: Path) -> None:
    report = fuzz(library, "reel_feed", header=str(header), time_s=60, first=True)
    assert report.prototype == "pool_new() -> reel_open() -> reel_feed() again and again -> reel_close() -> pool_free()"
    (found,) = report.findings
    assert (found.kind, found.frames[0].function, found.repeated) == ("SIGSEGV", "reel_feed", 3)


def test_what_a_handle_can_be_made_without_is_left_out(compile_library: Compile, tmp_path: Path) -> None:
    declared = """
    #include <stddef.h>
    struct film *film_new(const char *encoding, const char *title);
    int film_read(struct film *f, const unsigned char *data, size_t size);
    """
    header = tmp_path / "film.h"
    header.write_text(declared)
    defined = (
        "struct film *film_new(const char *e, const char *t) { return e ? 0 : (struct film *)t; }"
        "int film_read(struct film *f, const unsigned char *d, size_t n) { return f && n && d[0]; }"
    )
    library = compile_library(declared + defined, "libfilm.so", "-w")
    (found,) = propose(library, str(header))[:1]
    made, read = found.calls
    assert [argument.role for argument in made.arguments] == [Role.CONST, Role.CSTRING]
    assert (made.shares, read.shares) == (True, True)


def test_a_handle_nobody_makes_is_refused(library: Path, header: Path) -> None:
    with pytest.raises(InvalidPrototype, match="struct hidden is not defined"):
        fuzz(library, "hidden_read", header=str(header), time_s=1)
    with pytest.raises(InvalidPrototype, match="does not declare it"):
        fuzz(library, "nothing", header=str(header), time_s=1)


def test_what_is_worth_fuzzing_is_proposed(library: Path, header: Path) -> None:
    found = {one.name: one for one in propose(library, str(header))}
    assert list(found) == ["reel_parse", "tree_load", "reel_feed", "hidden_read"]
    assert found["reel_parse"].prototype == "int reel_parse(const char *text);"
    assert [call.symbol for call in found["reel_feed"].calls] == [
        "pool_new", "reel_open", "reel_feed", "reel_close", "pool_free",
    ]  # fmt: skip
    assert [call.symbol for call in found["tree_load"].calls] == ["tree_load", "tree_delete"]
    assert "struct hidden is not defined" in found["hidden_read"].refused


def test_the_list_of_the_command_line(library: Path, header: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["fuzz", str(library), "--list", "--header", str(header)])
    assert not ended.value.code
    assert "pool_new -> reel_open -> reel_feed -> reel_close -> pool_free" in capsys.readouterr().out


def test_debug_information_declares_as_a_header_does(compile_library: Compile) -> None:
    pytest.importorskip("elftools", reason="debug information is read with pyelftools: the extra fuzz")
    library = compile_library(HEADER + SOURCE, "libreel.so", "-O1", "-w", "-g")
    found = {one.name: one for one in propose(library)}
    assert list(found) == ["reel_parse", "tree_load", "reel_feed", "hidden_read"]
    calls = ["pool_new", "reel_open", "reel_feed", "reel_close", "pool_free"]
    assert [call.symbol for call in found["reel_feed"].calls] == calls
    report = fuzz(library, "reel_feed", runs=10, time_s=60)
    assert report.prototype.startswith("pool_new() -> reel_open() -> reel_feed()")


def test_where_nothing_declares_them_what_is_needed_is_said(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.name for one in propose(library)] == ["hidden_read", "reel_parse", "tree_load"]
    with pytest.raises(SystemExit) as ended:
        cli.main(["fuzz", str(library), "--list"])
    assert ended.value.code == ExitStatus.UNDECIDED
    assert "reel_parse: no debug information declares it: give --header FILE" in capsys.readouterr().out


def test_findings_as_sarif(library: Path, header: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["fuzz", str(library), "reel_feed", "--header", str(header), "--time", "60", "--first", "-f", "sarif"])
    assert ended.value.code == ExitStatus.FINDINGS
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["kind"], result["level"]) == ("fuzz-sigsegv", "fail", "error")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("libreel.so")
    assert "reel_feed" in result["message"]["text"]
