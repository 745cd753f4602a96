"""Functions of a probed library that are called as a file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import Case

from loadstone.cli.main import main
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.errors import InvalidConfiguration, InvalidPrototype
from loadstone.probe import ProbeCall, probe, read_calls

SOURCE = """
struct box { int x; };
static struct box it;
struct box *box_open(int x) { it.x = x; return &it; }
int box_add(struct box *b, double by, signed char n) { return b->x + (int)by + n; }
void fill(char *to, size_t n) { memset(to, 7, n); }
float half(float x) { return x / 2; }
int length(const char *text) { return strlen(text); }
unsigned long long large(unsigned long long n) { return n; }
int crash(int *p) { return *p; }
"""
CASE = Case("called", SOURCE, Outcome.OK, Phase.EXIT)
FILE = """
declarations = "struct box;"
[[call]]
function = "struct box *box_open(int x)"
arguments = [40]
into = "box"
[[call]]
function = "int box_add(struct box *b, double by, signed char n)"
arguments = ["handle:box", 3.5, -1]
[[call]]
function = "void fill(char *to, unsigned long n)"
arguments = ["out:8", 3]
[[call]]
function = "float half(float)"
arguments = [5]
[[call]]
function = "int length(const char *)"
arguments = ["hex:616200"]
[[call]]
function = "unsigned long long large(unsigned long long)"
arguments = ["0xffffffffffffffff"]
[[call]]
function = "int missing(void)"
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "calls.toml"
    path.write_text(text)
    return path


def test_calls_are_made_with_their_arguments_and_told(build: Build, tmp_path: Path) -> None:
    calls = read_calls(str(_file(tmp_path, FILE)))
    report = probe(build(CASE), calls=calls, cycles=1, timeout=20, fresh=True)
    told = [o.detail for o in report.observations if o.kind is Kind.CALL_RETURNED]
    assert report.outcome is Outcome.OK
    assert told[0].startswith("box_open returned 0x")
    assert told[1:] == [
        "box_add returned 42",
        "fill returned nothing, and wrote 0707070000000000",
        "half returned 2.5",
        "length returned 2",
        "large returned 18446744073709551615",
    ]
    assert any(o.kind is Kind.RESOLVE_FAILED and "missing" in o.detail for o in report.observations)


def test_a_crash_names_the_call(build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _file(tmp_path, '[[call]]\nfunction = "int crash(int *)"\narguments = ["NULL"]')
    with pytest.raises(SystemExit) as ended:
        main(["probe", "--fresh", "--cycles", "1", "--calls", str(file), str(build(CASE))])
    text = capsys.readouterr().out
    assert ended.value.code == 1
    assert "crashed, during calls" in text
    if "crash stop  unavailable" not in text:
        assert "while calling crash" in text


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (ProbeCall("int f(int)"), "takes 1 argument"),
        (ProbeCall("int f(int)", ("x",)), "not a value of type"),
        (ProbeCall("int f(void *)", ("handle:h",)), "gives a result the name h"),
        (ProbeCall("struct s { int a; } f(void)"), "by value"),
        (ProbeCall("int f(long double)", ("1",)), "by value"),
        (ProbeCall("int f(char *)", ("out:9000000",)), "no more than 1 MiB"),
        (ProbeCall("f("), "f"),
    ],
)
def test_what_cannot_be_called_is_refused_beforehand(call: ProbeCall, reason: str, build: Build) -> None:
    with pytest.raises(InvalidPrototype, match=reason):
        probe(build(CASE), calls=[call])


@pytest.mark.parametrize("text", ["[[call]]", "call = 1", '[[call]]\nfunction = "f"\nnonsense = 1', "]"])
def test_a_file_that_describes_no_calls_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration):
        read_calls(str(_file(tmp_path, text)))


def test_a_file_has_a_bounded_number_of_calls(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="257 calls"):
        read_calls(str(_file(tmp_path, '[[call]]\nfunction = "int f(void)"\n' * 257)))
