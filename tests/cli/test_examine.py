"""The main job on real and hopeless targets: an answer or a clear error, the contract's status, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Compile

from loadstone.cli.exits import ExitStatus

# The superuser can read everything, unless it gives that up.
WITHOUT_PRIVILEGE = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search")
    if os.geteuid() == 0
    else ()
)


def loadstone(*words: str, before: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*before, sys.executable, "-m", "loadstone.cli.main", *words],
        capture_output=True, text=True, check=False, timeout=120, **more,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode != ExitStatus.FAULT, done.stderr
    return done


def first_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.partition("\n")[0]


@pytest.mark.parametrize("target", ["z", "/bin/ls", "libc.so.6"])
def test_a_library_of_this_machine_can_be_loaded(target: str) -> None:
    done = loadstone("examine", target)
    assert (done.returncode, first_line(done)) == (ExitStatus.CLEAN, f"{target}: load")
    assert "[@0x" in done.stdout  # evidence cites its offset


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"just some text\n" * 100, "plain text"),
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>" * 10, "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"/* GNU ld script */\nGROUP ( /lib/x.so.1 )\n", "linker script"),
        (b"!<arch>\n" + b" " * 60, "archive"),
        (b"#!/bin/sh\nexit 0\n" * 10, "script"),
    ],
    ids=["text", "empty", "html", "lfs", "linker-script", "archive", "script"],
)
def test_what_is_no_library_is_said_to_be_what_it_is(content: bytes, what: str, tmp_path: Path) -> None:
    target = tmp_path / "libodd.so"
    target.write_bytes(content)
    done = loadstone("examine", str(target))
    assert (done.returncode, first_line(done)) == (ExitStatus.FINDINGS, f"{target}: do not load")
    assert what in done.stdout


def test_a_name_that_nobody_has_is_a_finding_with_advice() -> None:
    done = loadstone("examine", "libdoesnotexist.so")
    assert (done.returncode, first_line(done)) == (ExitStatus.FINDINGS, "libdoesnotexist.so: do not load")
    assert "fix:" in done.stdout


def test_a_directory_is_said_to_be_one(tmp_path: Path) -> None:
    done = loadstone("examine", str(tmp_path))
    assert done.returncode == ExitStatus.FINDINGS
    assert "is a directory" in done.stdout


def test_a_library_cut_short_must_not_be_loaded(compile_library: Compile, tmp_path: Path) -> None:
    whole = compile_library("char big[100000] = {1}; int f(void) { return big[5]; }", "libwhole.so").read_bytes()
    cut = tmp_path / "libcut.so"
    cut.write_bytes(whole[: len(whole) // 2])
    done = loadstone("examine", str(cut))
    assert (done.returncode, first_line(done)) == (ExitStatus.FINDINGS, f"{cut}: do not load")


def test_a_missing_dependency_is_named_with_its_chain(compile_library: Compile, tmp_path: Path) -> None:
    (tmp_path / "libneeded.so").write_bytes(
        compile_library("int n;", "libneeded.so", "-Wl,-soname,libneeded.so").read_bytes()
    )
    needs = compile_library(
        "extern int n; int f(void) { return n; }", "libneeds.so", f"-L{tmp_path}", "-lneeded", "-Wl,--no-as-needed"
    )
    done = loadstone("examine", str(needs))
    assert done.returncode == ExitStatus.FINDINGS
    assert "libneeded.so" in done.stdout


def test_an_unreadable_file_is_said_to_be_so(tmp_path: Path) -> None:
    secret = tmp_path / "libsecret.so"
    secret.write_bytes(b"x")
    secret.chmod(0)
    done = loadstone("examine", str(secret), before=WITHOUT_PRIVILEGE)
    assert done.returncode in (ExitStatus.FINDINGS, ExitStatus.UNDECIDED)
    assert "read permission" in done.stdout


@pytest.mark.parametrize("name", ["", "a\x01b", "x" * 5000])
def test_a_name_no_loader_should_see_is_wrong_usage(name: str) -> None:
    done = loadstone("examine", name)
    assert done.returncode == ExitStatus.USAGE
    assert done.stderr.startswith("loadstone: cannot use ")


def test_a_bare_name_that_only_the_current_directory_has_is_examined_as_that_file(
    compile_library: Compile, tmp_path: Path
) -> None:
    (tmp_path / "liblocal.so").write_bytes(compile_library("int x;", "liblocal.so").read_bytes())
    done = loadstone("examine", "liblocal.so", cwd=tmp_path)
    assert "no loader looks for a bare name" in done.stdout
    assert "Identity" in done.stdout


def test_json_has_the_contracts_keys_and_several_targets_make_a_list() -> None:
    one = json.loads(loadstone("examine", "z", "--format", "json").stdout)
    keys = "schema, target, verdict, reasons, location, image, explanation, claims, probe, disagreement"
    assert sorted(one) == sorted(keys.split(", "))
    assert (one["schema"], one["verdict"], one["probe"]) == ("loadstone.examination/1", "load", None)
    assert {"rule", "outcome", "cwe", "practice", "severity", "confidence", "location", "message", "why", "fix"} <= set(
        one["claims"][0]
    )
    several = json.loads(loadstone("examine", "z", "no-such-library", "--format", "json").stdout)
    assert [each["verdict"] for each in several] == ["load", "do not load"]


def test_a_stricter_level_fails_on_less() -> None:
    assert loadstone("examine", "z", "--fail-on", "low").returncode == ExitStatus.FINDINGS


def test_hostile_names_are_shown_escaped(tmp_path: Path) -> None:
    evil = tmp_path / "lib\x1b[31mevil\u202e.so"
    evil.write_bytes(b"text")
    done = loadstone("examine", str(evil), "--format", "json")
    assert "\x1b" not in done.stdout
    text = loadstone("examine", f"{tmp_path}/./{evil.name}")
    assert "\x1b" not in text.stdout + text.stderr


def test_the_result_can_be_written_to_a_file(tmp_path: Path) -> None:
    done = loadstone("examine", "z", "-o", str(tmp_path / "out.txt"))
    assert done.stdout == ""
    assert (tmp_path / "out.txt").read_text().startswith("z: load\n")


def test_a_probe_joins_the_examination_when_asked_for(compile_library: Compile) -> None:
    target = compile_library("int answer(void) { return 42; }", "libplain.so")
    found = json.loads(loadstone("examine", str(target), "--probe", "--format", "json").stdout)
    assert found["probe"]["outcome"] == "ok"
    crashing = compile_library(
        "__attribute__((constructor)) static void boom(void) { *(volatile int *)8 = 1; }", "libcrash.so"
    )
    done = loadstone("examine", str(crashing), "--probe")
    assert (done.returncode, first_line(done)) == (ExitStatus.FINDINGS, f"{crashing}: do not load")
