"""What runs on a code host: every action pinned by digest, no more rights than needed, commands that exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.tools import needed

ROOT = Path(__file__).parent.parent
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
