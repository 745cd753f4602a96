"""The driver: which files, in which parts, with which limits, waivers, baseline and cache; the same each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.core.claims import Claim, Evidence, Finding, Location, Severity
from loadstone.core.review import BaselineState, LimitKind, Result, Review, ReviewVerdict, conclude
from loadstone.errors import InvalidConfiguration, InvalidName, Unreadable, Unsupported
from loadstone.report.sarif import render_review
from loadstone.review import batch as batches
from loadstone.review import engine, files, rules
from loadstone.review.baseline import compare, read_baseline
from loadstone.review.cache import Cache, default_folder
from loadstone.review.catalogue import catalogue, names_like, rules_named
from loadstone.review.config import Configuration, read_configuration
from loadstone.review.engine import Options, review
from loadstone.review.engines.revision import changed_since
from loadstone.review.files import FoundFile
from loadstone.review.ir import Language, Program
from loadstone.review.suppress import ListedWaiver, apply, directives

WEAK = "import ctypes\n\nlib = ctypes.CDLL('libfoo.so.1')\nprint(ctypes.string_at(lib.name()))\n"
TYPED = (
    "import ctypes\nlib = ctypes.CDLL('libfoo.so.1')\nlib.f.argtypes = [ctypes.c_int]\nlib.f.restype = None\nlib.f(n)\n"
)


WAIVED = WEAK.replace("lib.name()))", "lib.name()))  # loadstone: ignore[CWE-686] known")


def findings(result: Review, rule: str = "undeclared-foreign-function") -> list[Finding]:
    return [claim for claim in result.findings if claim.rule == rule]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def limits(result: Review, kind: LimitKind) -> list[str]:
    return [limit.message for limit in result.limits if limit.kind is kind]


# Files.


def test_a_finding_is_at_its_line_with_its_count(here: Path) -> None:
    (here / "a.py").write_text(WEAK)
    result = review(["a.py"])
    (found,) = findings(result)
    assert (str(found.location), found.cwe, found.severity) == ("a.py:4", 686, Severity.HIGH)
    assert result.verdict is ReviewVerdict.WEAKNESSES_FOUND
    assert (result.counts.files, result.counts.lines, result.counts.binaries) == (1, 4, 0)


def test_a_folder_stands_for_its_sources_and_binaries_and_says_what_it_passed_over(
    here: Path, compile_library: Compile
) -> None:
    for name in (
        "src/a.py",
        "src/deep/b.c",
        "src/deep/c.cpp",
        "src/.hidden/d.py",
        "src/__pycache__/e.py",
        "src/vendor/f.py",
    ):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("" if name.endswith(("c", "cpp")) else TYPED)
    (here / "src/lib.rs").write_text("fn main() {}")
    (here / "src/libx.so").write_bytes(compile_library("int x;").read_bytes())
    (here / "src/link.py").symlink_to("a.py")
    (here / "src/README").write_text("text")
    result = review(["src"], Options(exclude=("vendor/*",)))
    assert [file.path for file in result.files] == ["src/a.py", "src/deep/b.c", "src/deep/c.cpp", "src/libx.so"]
    assert result.counts.binaries == 1
    assert limits(result, LimitKind.NOT_REVIEWED) == ["files in languages without a front end here: 1 Rust"]
    assert any(isinstance(claim, Evidence) for claim in result.claims)


def test_what_is_neither_source_nor_binary_is_never_called_clean(here: Path) -> None:
    (here / "notes.txt").write_text("nothing")
    (here / "empty").mkdir()
    (here / "rust").mkdir()
    (here / "rust/lib.rs").write_text("")
    for target in ("notes.txt", "empty", "rust"):
        assert review([target]).verdict is ReviewVerdict.INCOMPLETE


def test_a_missing_path_is_said_to_be_missing(here: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        review([here / "absent.c"])
    with pytest.raises(Unreadable, match="null"):
        review(["a\0b"])


def test_a_file_too_big_or_unreadable_is_a_gap(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PYTHON_SIZE", 10)
    (here / "a.py").write_text(WEAK)
    result = review(["a.py"])
    assert (result.verdict, len(limits(result, LimitKind.TOO_BIG))) == (ReviewVerdict.INCOMPLETE, 1)
    (here / "gone.py").write_text("")
    monkeypatch.setattr(engine, "find_files", lambda *_: FoundFile(sources=(("absent.py", Language.PYTHON),)))
    assert limits(review(["gone.py"]), LimitKind.UNREADABLE) == ["No such file or directory"]


def test_a_damaged_binary_is_judged_as_far_as_it_can_be_read(here: Path, compile_library: Compile) -> None:
    (here / "libcut.so").write_bytes(compile_library("int x;").read_bytes()[:300])
    result = review(["libcut.so"])
    assert result.verdict is not ReviewVerdict.NO_WEAKNESS_FOUND


def test_lines_that_could_not_be_read_are_counted_and_may_make_it_incomplete(here: Path) -> None:
    (here / "a.py").write_text("import ctypes; x = = 1\n")
    result = review(["a.py"])
    assert result.verdict is ReviewVerdict.INCOMPLETE
    (gap,) = limits(result, LimitKind.PARSE_GAP)
    assert gap.startswith("1 of 1 lines were not read")


# Parts, time and processes.


def tree(here: Path, files: int = 6) -> None:
    for number in range(files):
        folder = here / f"p{number}"
        folder.mkdir()
        (folder / "m.py").write_text(WEAK + "#" * 2000 + "\n")


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_number_of_processes(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(here)
    monkeypatch.setattr(engine, "_PART", 4500)
    monkeypatch.setattr(engine, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(engine, "_MANY", 1)
    alone, shared = review(["."]), review(["."], Options(jobs=2))
    assert alone == shared
    assert len(findings(alone)) == 6
    assert "3 parts" in limits(alone, LimitKind.NOT_REVIEWED)[0]


_BOTH_WAYS = """
import os, sys
from loadstone.review import batch
from loadstone.review.engine import Options, review
batch._WORTH_A_COPY = 0
alone = review(sys.argv[1:])
before = os.times().children_user
shared = review(sys.argv[1:], Options(jobs=2))
assert os.times().children_user > before
print(alone == shared, len(alone.results))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="no process is copied here")
@pytest.mark.parametrize("part", ["more_py", "kinds_c"])
def test_the_result_does_not_depend_on_who_shares_one_part(part: str) -> None:
    folder = Path(__file__).parent / "corpus" / part
    command = [sys.executable, "-c", _BOTH_WAYS, str(folder)]  # a process with threads, as this may be, is not copied
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    same, results = done.stdout.split()
    assert same == "True"
    assert int(results) > 50


def test_a_folder_larger_than_a_part_is_split(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (here / f"{number}.py").write_text(WEAK)
    monkeypatch.setattr(engine, "_PART", len(WEAK) + 1)
    assert len(findings(review(["."]))) == 3


def test_a_file_that_takes_too_long_is_a_limit_and_the_others_are_reviewed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "slow.py").write_text("import time\n")
    (here / "weak.py").write_text(WEAK)
    ask = rules.ask

    def stuck(program: Program, *, tables: tuple[str, ...] = (), processes: int = 1) -> tuple[Claim, ...]:
        while any(unit.path == "slow.py" for unit in program.units):
            pass
        return ask(program, tables=tables, processes=processes)

    monkeypatch.setattr(rules, "ask", stuck)
    result = review(["slow.py", "weak.py"], Options(seconds_per_file=0.2))
    assert limits(result, LimitKind.TIME) == ["not finished within 0.2 s of processor time"]
    assert len(findings(result)) == 1


def test_a_file_has_its_time_once_whatever_is_done_with_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "slow.py").write_text(WEAK)
    asked = []

    def stuck(program: Program, *, tables: tuple[str, ...] = (), processes: int = 1) -> tuple[Claim, ...]:
        asked.append(program)
        while True:
            pass

    monkeypatch.setattr(rules, "ask", stuck)
    result = review(["slow.py"], Options(seconds_per_file=0.2))
    assert limits(result, LimitKind.TIME) == ["not finished within 0.2 s of processor time"]
    assert len(asked) == 1


def test_nesting_that_no_analysis_survives_is_a_limit(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.py").write_text(WEAK)

    def deep(_program: object, **_more: object) -> None:
        raise RecursionError

    monkeypatch.setattr(rules, "ask", deep)
    assert limits(review(["a.py"]), LimitKind.TIME) == ["nested deeper than can be followed"]


def test_a_review_off_the_main_thread_works_without_a_clock(here: Path) -> None:
    (here / "a.py").write_text(WEAK)
    seen: list[Review] = []
    worker = threading.Thread(target=lambda: seen.append(review(["a.py"])))
    worker.start()
    worker.join()
    assert findings(seen[0])


# Waivers.


@pytest.mark.parametrize(
    ("line", "waived", "said"),
    [
        ("  # loadstone: ignore[CWE-686] the result is a number here", True, ""),
        ("  # loadstone: ignore[undeclared-foreign-function] checked by hand", True, ""),
        ("  # loadstone: ignore[undeclared-foreign-function] an id of before", True, ""),
        ("  # loadstone: ignore[cwe-22, CWE-686] checked", True, ""),
        ("  # loadstone: ignore[CWE-686 until 2999-01-01] checked", True, ""),
        ("  # loadstone: ignore[CWE-686]", False, "it gives no reason"),
        ("  # loadstone: ignore because I say so", False, "does not say what to ignore"),
        ("  # loadstone: ignore[CWE-686 until 2001-01-01] checked", False, "its date has passed"),
        ("  # loadstone: ignore[CWE-686 until soon] checked", False, "'soon' is not a date"),
        ("  # loadstone: ignore[CWE-22] another one", False, "nothing here for it to ignore"),
        ('; text = "# loadstone: ignore[CWE-686] in a string"', False, None),
    ],
)
def test_a_waiver_needs_a_subject_a_reason_and_something_to_waive(
    here: Path, line: str, waived: bool, said: str | None
) -> None:
    (here / "a.py").write_text(WEAK.replace("lib.name()))", f"lib.name())){line}"))
    result = review(["a.py"])
    assert bool(findings(result)) is not waived
    assert result.counts.waived == waived
    about = limits(result, LimitKind.WAIVER)
    assert [said in message for message in about] == [True] if said else not about


def test_a_waiver_on_the_line_above_and_in_a_c_comment_is_read() -> None:
    text = (
        "/* loadstone: ignore[CWE-252]\n reason */\n"
        'char *s = "// loadstone: ignore[x] y";\n'
        "// loadstone: ignore[CWE-1] ok\n"
    )
    found = [*directives("a.c", text, Language.C)]
    assert [(d.location.start, d.what, d.fault) for d in found] == [
        (1, ("CWE-252",), "it gives no reason"),
        (4, ("CWE-1",), ""),
    ]
    finding = Finding(rule="r", message="m", location=Location.lines("a.c", 5), severity=Severity.HIGH, cwe=1)
    (result,), unused = apply([Result(finding, "f")], found, date(2026, 1, 1))
    assert result.waiver is not None
    assert len(unused) == 1


def test_the_settings_waive_what_has_no_line_to_write_on(here: Path, compile_library: Compile) -> None:
    (here / "libx.so").write_bytes(compile_library("int x;", "libx.so", "-Wl,-z,norelro").read_bytes())
    (here / "pyproject.toml").write_text(
        "[tool.loadstone.review]\nwaivers = [\n"
        '  { rule = "relro", path = "*.so", reason = "the vendor builds it" },\n'
        '  { rule = "CWE-693", path = "absent/*", reason = "x" },\n'
        '  { rule = "pie", reason = "x", until = 2001-01-01 },\n]\n'
    )
    result = review(["libx.so"], Options(waivers=read_configuration().waivers))
    (waived,) = [r for r in result.results if r.waiver is not None]
    assert (waived.claim.rule, waived.waiver and waived.waiver.reason) == ("relro", "the vendor builds it")
    assert [m.rpartition(": ")[2] for m in limits(result, LimitKind.WAIVER)] == [
        "there is nothing for it to ignore",
        "its date has passed (2001-01-01)",
    ]
    by_name = ListedWaiver("x", Location("p"), fingerprint=waived.fingerprint)
    assert [r.claim.rule for r in review(["libx.so"], Options(waivers=(by_name,))).results if r.waiver] == ["relro"]


# Baseline.


def test_against_a_baseline_everything_is_marked_and_nothing_dropped(here: Path) -> None:
    (here / "a.py").write_text(WEAK + "print(ctypes.string_at(lib.old()))\n")
    (here / "old.sarif").write_text(render_review(review(["a.py"])))
    (here / "a.py").write_text("\n\n" + WEAK + "print(ctypes.string_at(lib.fresh()))\n")
    result = review(["a.py"], Options(baseline=read_baseline("old.sarif")))
    states = {r.claim.message.split()[0]: r.state for r in result.results if isinstance(r.claim, Finding)}
    assert states["fresh"] is BaselineState.NEW
    assert states["old"] is BaselineState.ABSENT
    assert states["name"] is BaselineState.UNCHANGED
    assert result.counts.new == 1
    assert len(findings(result)) == 2


def _states(result: Review) -> set[BaselineState | None]:
    return {r.state for r in result.results if isinstance(r.claim, Finding)}


def test_a_finding_of_another_severity_is_updated_and_one_in_other_words_is_not(here: Path) -> None:
    (here / "a.py").write_text(WEAK)
    before = review(["a.py"])
    (here / "old.sarif").write_text(render_review(before).replace("1 of 1 functions lack", "7 of 9 functions lack"))
    assert _states(review(["a.py"], Options(baseline=read_baseline("old.sarif")))) == {BaselineState.UNCHANGED}
    other = render_review(before).replace('"severity": "high"', '"severity": "low"')
    assert other != render_review(before)
    (here / "old.sarif").write_text(other)
    assert BaselineState.UPDATED in _states(review(["a.py"], Options(baseline=read_baseline("old.sarif"))))


def test_insertions_moves_and_renames_are_no_news(here: Path) -> None:
    (here / "a.py").write_text(WEAK)
    (here / "old.sarif").write_text(render_review(review(["a.py"])))
    (here / "a.py").unlink()
    (here / "renamed.py").write_text("# a line more\n" + WEAK)
    result = review(["."], Options(baseline=read_baseline("old.sarif")))
    assert _states(result) == {BaselineState.UNCHANGED}
    assert result.counts.new == 0


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": "2.0.0", "runs": []}', '{"version": "2.1.0"}', '{"version": "2.1.0", "runs": 1}'],
)
def test_a_baseline_that_is_no_sarif_log_is_refused(here: Path, content: str) -> None:
    (here / "old.sarif").write_text(content)
    with pytest.raises(Unreadable):
        read_baseline("old.sarif")


def test_a_baseline_of_odd_shape_is_read_as_far_as_it_goes(here: Path) -> None:
    odd = {
        "version": "2.1.0",
        "runs": [1, {"results": [1, {}, {"partialFingerprints": {"loadstoneRule/v2": "x"}, "locations": 3}]}],
    }
    (here / "old.sarif").write_text(json.dumps(odd))
    (known,) = read_baseline("old.sarif").results
    assert [r.state for r in compare([], read_baseline("old.sarif"))] == [BaselineState.ABSENT]
    assert known.finding is not None
    with pytest.raises(Unreadable):
        read_baseline("absent.sarif")


# Fingerprints.


def test_a_fingerprint_survives_new_lines_and_indentation_but_not_another_statement(here: Path) -> None:
    def names(text: str) -> set[str]:
        (here / "a.py").write_text(text)
        return {r.fingerprint for r in review(["a.py"]).results if isinstance(r.claim, Finding)}

    first = names(WEAK)
    assert names("# moved\n\n" + WEAK.replace("lib.name()", "lib.name( )")) == first
    assert names(WEAK.replace("name", "other")) != first
    assert len(names(WEAK + WEAK)) >= len(first)


# Cache.


def test_a_cached_review_is_the_review_it_was(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.py").write_text(WAIVED + TYPED)
    kept = Options(cache=Cache(here / "cache"))
    first = review(["a.py"], kept)

    def never(_batch: object, _processes: int) -> None:
        raise AssertionError

    monkeypatch.setattr(engine, "review_batch", never)
    assert review(["a.py"], kept) == first
    (entry,) = (here / "cache").iterdir()
    entry.write_text("not JSON")
    with pytest.raises(AssertionError):
        review(["a.py"], kept)


def test_a_cache_others_can_write_is_not_used(here: Path) -> None:
    (here / "a.py").write_text(WEAK)
    folder = here / "cache"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    review(["a.py"], Options(cache=Cache(folder)))
    assert not [*folder.iterdir()]
    (here / "file").write_text("")
    review(["a.py"], Options(cache=Cache(here / "file")))


def test_a_waiver_with_a_date_is_asked_again_each_day(here: Path) -> None:
    (here / "a.py").write_text(
        WEAK.replace("lib.name()))", "lib.name()))  # loadstone: ignore[CWE-686 until 2999-01-01] x")
    )
    cache = Cache(here / "cache")
    review(["a.py"], Options(cache=cache))
    source = batches.SourceFile("a.py", Language.PYTHON, (here / "a.py").read_bytes())
    assert cache.get(batches.Batch((source,), 1.0)) is None


def test_the_cache_lives_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/loadstone/review")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder() == Path.home() / ".cache/loadstone/review"


# Settings.


def test_settings_come_from_the_nearest_project_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pyproject.toml").write_text(
        '[tool.loadstone.review]\nexclude = ["x/*"]\nfail-on = "high"\nstrict = true\nwith = ["bandit"]\n'
        'baseline = "b.sarif"\n'
    )
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    assert read_configuration() == Configuration(("x/*",), Severity.HIGH, True, ("bandit",), here / "b.sarif")


@pytest.mark.parametrize(
    "content",
    [
        "[tool.loadstone.review]\nexlude = []\n",
        "[tool.loadstone.review]\nfail-on = 3\n",
        '[tool.loadstone.review]\nwaivers = [{ rule = "relro" }]\n',
        '[tool.loadstone.review]\nwaivers = [{ reason = "why" }]\n',
        "[tool",
        "[tool.loadstone]\nreview = 1\n",
        "[tool.loadstone.reviews]\nstrict = true\n",
    ],
)
def test_a_setting_that_is_not_known_is_an_error(here: Path, content: str) -> None:
    (here / "pyproject.toml").write_text(content)
    with pytest.raises(InvalidConfiguration):
        read_configuration()


def test_a_file_of_its_own_goes_before_a_shared_one_and_one_without_settings_is_passed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "loadstone.toml").write_text("[review]\nstrict = true\n")
    (here / "pyproject.toml").write_text('[tool.loadstone.review]\nexclude = ["x/*"]\n')
    (here / "deep").mkdir()
    (here / "deep/pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(here / "deep")
    assert read_configuration() == Configuration(strict=True)
    assert read_configuration(here / "pyproject.toml") == Configuration(exclude=("x/*",))
    (here / "loadstone.toml").write_text("[tool.loadstone.review]\nstrict = true\n")
    with pytest.raises(InvalidConfiguration, match="tool"):
        read_configuration()


def test_no_settings_mean_the_defaults(here: Path) -> None:
    (here / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert read_configuration() == Configuration()
    with pytest.raises(Unreadable):
        read_configuration(here / "absent.toml")


def test_a_table_of_the_project_says_what_its_own_wrapper_does(here: Path) -> None:
    (here / "ours.toml").write_text(
        'family = "Ours"\n[[load]]\nnames = ["native.load_it"]\nraises = true\nowned = false\n'
    )
    (here / "pyproject.toml").write_text('[tool.loadstone.review]\ntables = ["ours.toml"]\n')
    (here / "a.py").write_text("import native, sys\nnative.load_it(sys.argv[1])\n")
    assert not findings(review(["a.py"]), "untrusted-load-path")
    (found,) = findings(review(["a.py"], Options(tables=read_configuration().tables)), "untrusted-load-path")
    assert found.cwe == 114
    (here / "ours.toml").write_text("[[juggle]]\nnames = []\n")
    with pytest.raises(InvalidConfiguration, match="juggle"):
        read_configuration()
    (here / "ours.toml").unlink()
    with pytest.raises(Unreadable):
        read_configuration()


# What has changed.


def git(here: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    subprocess.run([needed("git"), *words], cwd=here, check=True, capture_output=True, env=os.environ | who)


def test_only_changed_and_new_files_are_reported(here: Path) -> None:
    git(here, "init", "-q")
    for name in ("old.py", "edited.py"):
        (here / name).write_text(WEAK)
    git(here, "add", ".")
    git(here, "commit", "-qm", "first")
    (here / "edited.py").write_text(WEAK + "x = 1\n")
    (here / "new file.py").write_text(WEAK)
    changed = changed_since("HEAD")
    assert {Path(path).name for path in changed} == {"edited.py", "new file.py"}
    result = review(["."], Options(only=changed))
    assert {claim.location.path for claim in result.findings} == {"edited.py", "new file.py"}
    assert [file.path for file in result.files] == ["edited.py", "new file.py"]
    for wrong in ("", "--output=x"):
        with pytest.raises(InvalidName):
            changed_since(wrong)
    with pytest.raises(Unsupported, match="no-such-revision"):
        changed_since("no-such-revision")


def test_outside_a_repository_nothing_is_known_to_have_changed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("git")
    with pytest.raises(Unsupported, match="not a git repository"):
        changed_since("HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unsupported, match="not installed"):
        changed_since("HEAD")


# The verdict and the rules in words.


def test_notes_alone_are_no_weakness_and_gaps_make_it_incomplete() -> None:
    note = Finding(rule="r", message="m", location=Location("a"), severity=Severity.NOTE)
    assert conclude([], [Result(note, "f")], [], []).verdict is ReviewVerdict.NO_WEAKNESS_FOUND


def test_every_rule_can_be_looked_up_by_its_id_and_by_its_weakness() -> None:
    for rule in catalogue():
        assert rules_named(rule.id) == (rule,)
        assert rule.question.endswith("?")
        for number in rule.cwe:
            assert rule in rules_named(f"cwe-{number}")
    assert names_like("relr") == ("relro",)
    assert not rules_named("zzzzzzzz")
    assert not names_like("zzzzzzzz")
