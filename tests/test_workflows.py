"""What runs on a code host: every action pinned by digest, no more rights than needed, commands that exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.tools import needed

ROOT = Path(__file__).parent.parent
DAILY_USE = ROOT / "docs" / "review" / "daily-use.md"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    assert [action for action, _ in used if not re.search(r"@[0-9a-f]{40}$", action)] == []
    assert [action for action, comment in used if not re.search(r"# v\d", comment)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_why(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"^permissions:\n  contents: read\n", text, flags=re.MULTILINE)
    writes = re.findall(r"^ +[\w-]+: write.*$", text, flags=re.MULTILINE)
    assert [line for line in writes if "#" not in line] == []


def test_the_make_targets_that_workflows_call_are_there() -> None:
    called = {name for path in WORKFLOWS for name in re.findall(r"\bmake ([\w-]+)", path.read_text())}
    assert called
    made = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert called <= made


@pytest.mark.skipif(sys.platform == "win32", reason="the bash on a Windows PATH may be that of WSL")
@pytest.mark.parametrize(("fail_on", "status"), [("medium", 1), ("critical", 0)])
def test_the_review_step_of_the_action_runs_with_the_variables_of_a_runner(
    tmp_path: Path, fail_on: str, status: int
) -> None:
    bash = needed("bash")
    step = re.search(
        r"- name: Review\n.*?      run: \|\n(.*?)    - name: ", (ROOT / "action.yml").read_text(), re.DOTALL
    )
    assert step is not None
    source = tmp_path / "source"
    source.mkdir()
    host = (ROOT / "examples" / "review" / "codec_host.c").read_bytes()
    (source / "host.c").write_bytes(host)
    (source / "-odd.c").write_bytes(host)
    variables = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PATHS": "host.c -odd.c",
        "FAIL_ON": fail_on,
        "BASELINE": "",
        "ENGINES": "",
        "SARIF": str(tmp_path / "loadstone.sarif"),
    }
    script = textwrap.dedent(step[1])
    ran = subprocess.run(
        [bash, "-e", "-c", script], cwd=source, env=variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr  # the verdict is a step of its own: the upload comes first
    written = (tmp_path / "output").read_text().splitlines()
    assert written == [f"sarif={variables['SARIF']}", f"status={status}"]
    (run,) = json.loads((tmp_path / "loadstone.sarif").read_text())["runs"]
    assert {result["kind"] for result in run["results"]} == {"fail"}
    assert {artifact["location"]["uri"] for artifact in run["artifacts"]} == {"host.c", "-odd.c"}


def shown(beginning: str) -> str:
    """The block of the page on daily use that begins with that line."""
    (block,) = re.findall(
        rf"^```yaml\n({re.escape(beginning)}\n.*?)^```", DAILY_USE.read_text(), re.DOTALL | re.MULTILINE
    )
    return str(block)


def checkout(folder: Path) -> Path:
    """A project in a clean clone, with a weak host program in it, as a job finds it."""
    git = needed("git")
    origin, clone = folder / "origin", folder / "clone"
    (origin / "src").mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "review" / "codec_host.c", origin / "src" / "host.c")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*who, "commit", "-q", "-m", "Begin"],
        ["clone", "-q", ".", str(clone)],
    ):
        subprocess.run([git, *words], cwd=origin, check=True, capture_output=True)
    return clone


def in_shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """One line of a job, with the program of this environment on the path."""
    variables = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "XDG_CACHE_HOME": str(cwd.parent / "cache"),
    }
    return subprocess.run(
        [needed("bash"), "-e", "-c", line], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the bash on a Windows PATH may be that of WSL")
def test_the_gitlab_job_makes_the_report_that_it_hands_over(tmp_path: Path) -> None:
    job = shown("review:")
    lines = re.findall(r"^    - (.*)$", job, re.MULTILINE)
    assert lines[0] == "pip install ./tools/loadstone"
    clone = checkout(tmp_path)
    ran = in_shell("\n".join(lines[1:]), clone)
    assert ran.returncode == 1, ran.stderr
    found = re.search(r"codequality: ([\w.]+)", job)
    assert found is not None
    issues = json.loads((clone / found[1]).read_text())
    assert issues
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    for issue in issues:  # what GitLab's "Code Quality report format" asks for
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert (clone / issue["location"]["path"]).is_file()
        assert issue["location"]["lines"]["begin"] >= 1
    again = in_shell(f"loadstone review {clone}/src -f gitlab", clone)  # a path of the runner's
    assert {issue["location"]["path"] for issue in json.loads(again.stdout)} == {"src/host.c"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the bash on a Windows PATH may be that of WSL")
@pytest.mark.parametrize("hook", [shown("# .pre-commit-config.yaml"), (ROOT / ".pre-commit-hooks.yaml").read_text()])
def test_the_pre_commit_hook_stops_a_commit_until_the_code_is_right(tmp_path: Path, hook: str) -> None:
    entry = re.search(r"^ *entry: (.*)$", hook, re.MULTILINE)
    assert entry is not None
    clone = checkout(tmp_path)
    refused = in_shell(f"{entry[1]} src/host.c", clone)  # pre-commit appends the names of the files
    assert (refused.returncode, refused.stderr) == (1, "")
    weak = {int(line) for line in re.findall(r"src/host\.c:(\d+)", refused.stdout)}
    assert weak
    (clone / "src" / "host.c").write_text("int main(void) { return 0; }\n")
    assert in_shell(f"{entry[1]} src/host.c", clone).returncode == 0
