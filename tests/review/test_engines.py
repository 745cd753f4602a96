"""Other tools: what they print is understood, and what they find is merged once with what the rules found."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from tests.conftest import needed

from loadstone.core.claims import Confidence, Finding, Location, Severity
from loadstone.core.review import LimitKind, Result
from loadstone.errors import Unsupported
from loadstone.review.engines import ENGINES, Engine, Foreign, ask_engines
from loadstone.review.engines.merge import merge, same_class
from loadstone.review.engines.tool import Unheard, run
from loadstone.review.ir import Language

LEAK = """#include <stdlib.h>
int f(int n) {
    char *p = malloc(10);
    if (n) return 1;
    free(p);
    return 0;
}
"""
NULL = "int f(int *p) {\n    if (p) return 1;\n    return *p;\n}\n"
GETS = "#include <stdio.h>\nvoid f(void) { char b[8]; gets(b); }\n"
SHELL = "import subprocess\nsubprocess.call('ls ' + name, shell=True)\n"


def ours(line: int = 2, cwe: int = 78, confidence: Confidence = Confidence.LIKELY) -> Result:
    place = Location.lines("a.py", line)
    return Result(
        Finding(rule="shell", message="m", location=place, severity=Severity.HIGH, cwe=cwe, confidence=confidence), "f"
    )


def theirs(line: int = 2, cwe: int | None = 78) -> Foreign:
    return Foreign("a.py", line, "B602", "a shell", Severity.HIGH, cwe)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "source", "line", "cwe"),
    [
        ("cppcheck", "a.c", LEAK, 4, 401),
        ("flawfinder", "a.c", GETS, 2, 120),
        ("bandit", "a.py", SHELL, 2, 78),
        ("clang-tidy", "a.c", NULL, 3, 476),
    ],
)
def test_a_tool_that_is_there_is_understood(name: str, file: str, source: str, line: int, cwe: int) -> None:
    if not (Path(sys.executable).parent / name).exists():
        needed(name)
    Path(file).write_text(source)
    found = [*run(ENGINES[name], [file])]
    assert (line, cwe) in {(foreign.line, foreign.cwe) for foreign in found}
    results, limits = ask_engines([name], [file], [])
    assert not limits
    assert {result.engines for result in results} == {(name,)}
    assert all(result.claim.rule.startswith(f"{name}/") for result in results)
    assert all(result.claim.location.path == file for result in results)


def test_agreement_raises_confidence_and_says_it_once() -> None:
    (result,) = merge([ours()], "bandit", [theirs(line=4), theirs(line=2)])
    assert result.engines == ("bandit",)
    assert result.claim.confidence is Confidence.CERTAIN


@pytest.mark.parametrize("other", [theirs(line=6), theirs(cwe=22), theirs(cwe=None)])
def test_what_is_elsewhere_or_something_else_is_added(other: Foreign) -> None:
    first, second = merge([ours()], "bandit", [other])
    assert first == ours()
    assert (second.claim.rule, second.engines) == ("bandit/B602", ("bandit",))


def test_two_tools_that_agree_with_each_other_are_one_result() -> None:
    once = merge([], "cppcheck", [theirs()])
    (result,) = merge(once, "flawfinder", [theirs(line=3, cwe=88)])
    assert result.engines == ("cppcheck", "flawfinder")


def test_the_order_of_weakness_numbers_does_not_matter() -> None:
    assert same_class(416, 415)
    assert same_class(415, 416)
    assert same_class(1234, 1234)
    assert not same_class(416, 22)
    assert not same_class(None, None)


def test_a_tool_nobody_knows_is_refused_and_one_not_installed_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unsupported, match="bandit"):
        ask_engines(["lint"], [], [])
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    results, (limit,) = ask_engines(["cppcheck"], ["a.c"], [ours()])
    assert results == (ours(),)
    assert (limit.kind, limit.message) == (LimitKind.ENGINE, "cppcheck is not installed")
    assert ask_engines(["cppcheck"], ["only.py"], []) == ((), ())


def fake(body: str, **more: object) -> Engine:
    """A tool of our own making: a script beside nothing, found by its path."""
    script = Path("tool").absolute()
    script.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    script.chmod(0o755)
    values: dict[str, object] = {
        "name": "tool",
        "program": str(script),
        "languages": frozenset({Language.PYTHON}),
        "arguments": (),
        "read": lambda said: [Foreign("a.py", int(line), "x", "m", Severity.LOW) for line in said.split()],
    }
    return Engine(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit('broken down')", "status 9: broken down"),
        ("print('no number')", "cannot be understood"),
        ("import time; time.sleep(30)", "did not finish"),
    ],
)
def test_a_tool_that_fails_says_how(body: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstone.review.engines.tool._SECONDS", 1.0)
    monkeypatch.setattr("loadstone.review.engines.tool._SECONDS_A_FILE", 0.0)
    failing = body.replace("sys.exit('broken down')", "print('broken down', file=sys.stderr); sys.exit(9)")
    with pytest.raises(Unheard, match=said):
        [*run(fake(failing), ["a.py"])]


def test_a_tool_gets_file_names_and_never_options_or_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    tool = fake(
        "import os\nprint(len(sys.argv), 'PYTHONPATH' in os.environ and 1 or 0, sys.argv[1] == './-x.py' and 7 or 0)"
    )
    assert [foreign.line for foreign in run(tool, ["-x.py"])] == [2, 0, 7]


def test_a_tool_that_cannot_be_started_is_unheard() -> None:
    engine = fake("")
    Path(engine.program).write_text("#!/nowhere/interpreter\n")
    with pytest.raises(Unheard, match="could not be started"):
        [*run(engine, ["a.py"])]
