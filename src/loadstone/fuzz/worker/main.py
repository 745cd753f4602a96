"""The worker: an exec'd process of its own that forks the fuzzed child, watches it from outside, and reports.

It has one thread and needs the standard library only. Parent and worker share a stream socket: the job comes in as one
line, records go out as lines of JSON. Everything found is said at once, so nothing is lost when the worker is killed.
Records: ``ready`` (layers and observers as they turned out), ``new`` (an input that reached new blocks), ``found`` (a
crash, hang, exit, memory use or failed check, with the inputs before it), ``hook_failed``, ``status`` (once a second),
``done``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

from loadstone.fuzz.plan import Job
from loadstone.fuzz.worker.campaign import WorkerCampaign
from loadstone.fuzz.worker.confinement import USER, Place, can_become, place, tracing_refused
from loadstone.fuzz.worker.inbox import Inbox
from loadstone.probe.linux.process import die_with_parent
from loadstone.probe.offspring import Offspring

__all__ = ["main"]


def _standing(job: Job, offspring: Offspring) -> tuple[str, Place]:
    """Why a child cannot be traced ("" when it can), and where children live: the same for every job of a worker."""
    refused = tracing_refused(0)
    user = USER if os.geteuid() == 0 and can_become(USER, job.scratch, traced=not refused) else 0
    return refused, place(job, offspring, user)


def main(descriptor: int) -> None:
    """Take a job from the socket, run it, and report on the same socket. The entry point of the exec'd process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when a campaign is over
    channel = socket.socket(fileno=descriptor)
    die_with_parent()
    offspring = Offspring()

    def say(record: dict[str, Any]) -> None:
        channel.sendall(json.dumps(record).encode() + b"\n")

    inbox = Inbox(channel)
    standing: tuple[str, Place] | None = None
    while line := inbox.line():  # one job, or one replay after another
        if line.startswith(b'{"share"'):  # told too late
            continue
        job = Job.from_json(line.decode())
        standing = standing or _standing(job, offspring)
        WorkerCampaign(job, say, offspring, standing, inbox).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
