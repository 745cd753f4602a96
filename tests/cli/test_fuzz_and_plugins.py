"""The commands ``fuzz`` and ``plugins``, in this process: nothing of the library ever is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.cli import main as cli
from loadstone.cli.exits import ExitStatus
from loadstone.core.fuzzing import CrashSite, FuzzFinding, FuzzProgress, FuzzReport, Stopped
from loadstone.plugin import include_dir
from loadstone.report.html.fuzz import render as render_html
from loadstone.report.text.fuzz import progress_line, render
from loadstone.report.text.style import Style

PARSER = (
    "int parse(const unsigned char *d, unsigned long n) { if (n > 1 && d[0] == 'B') *(volatile int *)8 = 1; return 0; }"
)
PROTOTYPE = "int parse(const unsigned char *data, unsigned long size)"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def test_a_bug_is_told_with_the_program_that_shows_it(
    compile_library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = str(compile_library(PARSER, "libparser.so", "-O1", "-w"))
    status, out, _ = run(capsys, "fuzz", library, PROTOTYPE, "--time", "60", "--first", "--out", str(tmp_path / "out"))
    assert status == ExitStatus.FINDINGS
    assert out.startswith(f"{PROTOTYPE}: 1 finding\n")
    assert "SIGSEGV in parse+" in out
    assert "3 of 3 fresh processes reproduce it" in out
    assert "repro.py" in out


def test_nothing_found_is_told_as_json_with_the_conditions(
    compile_library: Compile, capsys: pytest.CaptureFixture[str]
) -> None:
    library = str(compile_library("int ok(int a) { return a; }", "libok.so", "-O1"))
    status, out, _ = run(capsys, "fuzz", library, "int ok(int a)", "--runs", "2000", "--time", "30", "--format", "json")
    found = json.loads(out)
    assert (status, found["schema"], found["findings"]) == (ExitStatus.CLEAN, "loadstone.fuzz/1", [])
    assert found["runs"] >= 2000
    assert {"observers", "layers", "blocks", "flaky", "runs_per_s"} <= found.keys()


def test_a_sequence_and_a_harness_are_for_the_command_line_too(
    compile_library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = str(compile_library(PARSER, "libparser.so", "-O1", "-w"))
    sequence = tmp_path / "calls.toml"
    sequence.write_text(f'[[call]]\nfunction = "{PROTOTYPE}"\nrepeat = true\n')
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "near").write_bytes(b"BB")
    given = ["--seeds", str(tmp_path / "seeds"), "--time", "60", "--first"]
    status, out, _ = run(capsys, "fuzz", library, "--sequence", str(sequence), *given)
    assert (status, out.splitlines()[0]) == (ExitStatus.FINDINGS, "parse() again and again: 1 finding")
    status, out, _ = run(capsys, "fuzz", library, PROTOTYPE, "--export", str(tmp_path / "harness"))
    assert (status, [Path(line).name for line in out.splitlines()]) == (
        ExitStatus.CLEAN, ["harness.c", "build.sh", "dict.txt", "corpus"]
    )  # fmt: skip
    status, _, err = run(capsys, "fuzz", library)
    assert status == ExitStatus.USAGE
    assert "say which function" in err


def test_what_cannot_be_fuzzed_is_wrong_usage(compile_library: Compile, capsys: pytest.CaptureFixture[str]) -> None:
    library = str(compile_library("int f(void *p) { return !p; }", "libf.so"))
    assert run(capsys, "fuzz", library, "int f(struct s *p)")[0] == ExitStatus.USAGE
    status, _, err = run(capsys, "fuzz", library, "int f(struct s *p)", "--role", "nonsense")
    assert status == ExitStatus.USAGE
    assert "is not PARAMETER=ROLE" in err


def report(**more: object) -> FuzzReport:
    progress = FuzzProgress(2.0, 1000, 3, 9, 4, 1, 1.0)
    settings: dict[str, object] = {
        "library": "libx.so", "sha256": "", "prototype": "int f(int)", "seed": 0, "stopped": Stopped.TIME,
        "level": "blocks", "progress": progress,
    } | more  # fmt: skip
    return FuzzReport(**settings)  # type: ignore[arg-type]


def test_a_report_tells_flaky_ones_apart_and_names_what_led_there() -> None:
    frames = (CrashSite(0x1010, "f", 0x10), CrashSite(0x2000, "", 0))
    found = FuzzFinding(
        kind="heap-buffer-overflow", stack_hash="x", frames=frames, inputs=(b"a", b"b" * 40), guard="over",
        repeated=3, tries=3, signal="SIGSEGV", detail="0 bytes past the input of 40 bytes", allocated=frames[:1],
    )  # fmt: skip
    once = FuzzFinding(kind="hang", stack_hash="y", frames=(), inputs=(b"",), repeated=1, tries=3)
    text = render(report(findings=(found, found), flaky=(once,)), Style())
    assert "2 findings" in text
    assert "heap-buffer-overflow (SIGSEGV) in f+0x10: 0 bytes past the input of 40 bytes" in text
    assert "allocated in f+0x10" in text
    assert "after 1 call before it" in text
    assert "called from 0x2000" in text
    assert "? hang: 1 of 3 fresh processes" in text
    broken = render(report(stopped=Stopped.CANNOT_LOAD, loader_message="no\x1b"), Style())
    assert "could not be loaded" in broken
    assert "no\\x1b" in broken
    assert "500/s" in progress_line(report().progress)
    assert "confirming 1 of 1 finding" in progress_line(replace(report().progress, confirmed=0))


def test_a_campaign_as_one_page() -> None:
    found = FuzzFinding(
        kind="SIGSEGV", stack_hash="x", frames=(CrashSite(0x1010, "<f>", 0x10),), inputs=(b"a",), repeated=3, tries=3
    )
    half = FuzzProgress(1.0, 500, 2, 9, 4, 1, 1.0)
    page = render_html(report(findings=(found,), curve=(half, report().progress)))
    assert "1 finding" in page
    assert "&lt;f&gt;" in page
    assert "<f>" not in page
    assert 'points="300.0,50.0 600.0,0.0"' in page
    assert "http" not in page.replace("http-equiv", "")


def test_plugins_of_a_folder_are_listed_as_text_and_json(
    compile_library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (
        '#include <loadstone_plugin.h>\nLOADSTONE_PLUGIN("{\\"iid\\": \\"org.example/1\\", \\"name\\": \\"one\\"}");\n'
    )
    made = compile_library(source, "libone.so", f"-I{include_dir()}")
    (tmp_path / "one.so").write_bytes(made.read_bytes())
    status, out, _ = run(capsys, "plugins", str(tmp_path))
    assert status == ExitStatus.CLEAN
    assert out.startswith(f"1 plugin of 1 interface in {tmp_path}")
    assert "org.example/1" in out
    status, out, _ = run(capsys, "plugins", str(tmp_path), "--format", "json")
    found = json.loads(out)
    assert (found["schema"], found["interfaces"]) == ("loadstone.plugins/1", ["org.example/1"])
    assert found["plugins"][0]["class_name"] == "one"
    (tmp_path / "two.so").write_bytes(b"\x7fELFbroken")
    status, out, _ = run(capsys, "plugins", str(tmp_path), str(tmp_path))
    assert status == ExitStatus.FINDINGS
    assert "two.so" in out


def test_a_folder_that_does_not_exist_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "plugins", "/does/not/exist")
    assert status == ExitStatus.UNDECIDED
    assert "no such folder" in err
