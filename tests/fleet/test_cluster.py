"""Workers that are killed and stopped in the middle of a scan cost time and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.libraries import all_rows, some_libraries

pytest.importorskip("distributed")
pytest.importorskip("duckdb")

from loadstone.errors import Unreadable
from loadstone.fleet import ScanLimits, Store, scan
from loadstone.fleet.engines import DaskCluster

IMPATIENT = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "15s",  # a busy machine keeps an honest worker silent for seconds
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "100",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s",
}


class Cluster:
    """A scheduler and its workers, each a process of its own; a worker that ends is replaced, as a cluster does."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.folder = folder
        self.closing = threading.Event()
        self.processes = [self.start("dask_scheduler", "--port", "0", "--host", "127.0.0.1")]
        self.workers = [self.worker() for _ in range(3)]
        self.keeper = threading.Thread(target=self.keep)
        self.keeper.start()

    def keep(self) -> None:
        """Start a worker for each that has ended, until the cluster is closed."""
        replaced = 0
        while not self.closing.wait(0.2):
            ended = sum(process.poll() is not None for process in self.processes[1:])
            for _ in range(ended - replaced):
                self.worker()
            replaced = max(replaced, ended)

    def start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", str(self.file), *words]
        environment = {**os.environ, **IMPATIENT, "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            [*command, "--no-dashboard"], env=environment, cwd=self.folder, stdout=quiet, stderr=quiet
        )

    def worker(self) -> subprocess.Popen[bytes]:
        words = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", str(self.folder))
        process = self.start("dask_worker", *words)
        self.processes.append(process)
        return process

    @property
    def address(self) -> str:
        import json
        import time

        while not self.file.exists() or not self.file.read_text():
            assert self.processes[0].poll() is None, "the scheduler ended"
            time.sleep(0.1)
        return str(json.loads(self.file.read_text())["address"])

    def close(self) -> None:
        self.closing.set()
        self.keeper.join()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of distributed and tornado, about connections that end
def test_two_workers_killed_and_one_stopped_change_nothing(tmp_path: Path, cluster: Cluster) -> None:
    some_libraries(tmp_path / "libraries", 60, 400_000)
    source, limits = str(tmp_path / "libraries"), ScanLimits(task_inputs=2)
    scan(source, store=str(tmp_path / "quiet"), name="x", workers=1, limits=limits)
    seen: list[int] = []

    def disturb(now: object) -> None:
        seen.append(1)
        if len(seen) == 3:
            for worker in cluster.workers[:2]:
                worker.send_signal(signal.SIGKILL)
            cluster.workers[2].send_signal(signal.SIGSTOP)

    done = scan(
        source, store=str(tmp_path / "noisy"), name="x", scheduler=cluster.address, limits=limits, progress=disturb
    )
    assert all(worker.poll() is not None for worker in cluster.workers[:2])
    assert (done.tasks, done.errors, len(seen)) == (30, 0, 30)
    assert all_rows(Store(str(tmp_path / "noisy"))) == all_rows(Store(str(tmp_path / "quiet")))


def test_no_scheduler_is_said_with_what_to_do() -> None:
    with pytest.raises(Unreadable, match=r"dask scheduler"):
        list(DaskCluster("tcp://127.0.0.1:1", connect_s=0.3).run([]))


class Nobody:
    """A client of a cluster whose workers are all gone."""

    def nthreads(self) -> dict[str, int]:
        return {}

    def has_ready(self) -> bool:
        return False


def test_a_cluster_without_workers_is_given_up() -> None:
    with pytest.raises(Unreadable, match="no worker"):
        DaskCluster("tcp://nowhere", idle_s=0)._next(Nobody(), Nobody())
