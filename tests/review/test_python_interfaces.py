"""What a client sends, handed to each kind of interface of Python that runs, opens, removes or loads something."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding
from loadstone.review.engine import Options, review

PROGRAM = """\
import asyncio
import ctypes
import os
import pathlib
import pty
import runpy
import shutil
import socket
import subprocess

import fabric
import paramiko

lib = ctypes.CDLL("libm.so.6")


def serve(sock: socket.socket):
    t = sock.recv(256).decode()
    {}
"""

INTERFACES = [
    (78, 'subprocess.run([{}, "-v"])', '"/usr/bin/tool"'),
    (78, 'subprocess.run([f"/opt/{{{}}}", "-v"])', '"tool"'),
    (78, "os.execv({0}, [{0}])", '"/usr/bin/tool"'),
    (78, "os.spawnv(os.P_WAIT, {0}, [{0}])", '"/usr/bin/tool"'),
    (78, "os.posix_spawn({0}, [{0}], os.environ)", '"/usr/bin/tool"'),
    (78, "asyncio.create_subprocess_exec({})", '"/usr/bin/tool"'),
    (78, "asyncio.create_subprocess_shell({})", '"ls"'),
    (22, "open({}).read()", '"/srv/a"'),
    (22, "os.remove({})", '"/srv/a"'),
    (22, 'os.unlink("/srv/" + {})', '"a"'),
    (22, "shutil.rmtree({})", '"/srv/a"'),
    (22, "os.makedirs({})", '"/srv/a"'),
    (22, "pathlib.Path({}).unlink()", '"/srv/a"'),
    (22, "pathlib.Path({}).read_bytes()", '"/srv/a"'),
    (78, 'subprocess.run(["sh", "-c", {}])', '"ls"'),
    (78, "pty.spawn({})", '"/usr/bin/tool"'),
    (78, "pty.spawn([{}])", '"/usr/bin/tool"'),
    (78, "paramiko.SSHClient().exec_command({})", '"/usr/bin/uptime"'),
    (78, 'fabric.Connection("host").run({})', '"/usr/bin/uptime"'),
    (22, 'shutil.move({}, "/srv/a")', '"/srv/b"'),
    (22, 'os.rename({}, "/srv/a")', '"/srv/b"'),
    (22, "os.chdir({})", '"/srv"'),
    (114, "ctypes.cdll[{}]", '"libm.so.6"'),
    (114, "getattr(ctypes.cdll, {})", '"libm.so.6"'),
    (114, "runpy.run_path({})", '"/srv/a.py"'),
]

HANDLERS = {
    "tornado": "import tornado.web as w\nclass H(w.RequestHandler):\n def get(self):\n  use(self.get_argument('x'))",
    "falcon": "class R:\n def on_get(self, req, resp):\n  use(req.get_param('x'))",
    "cherrypy": "import cherrypy\nclass R:\n @cherrypy.expose\n def index(self, x):\n  use(x)",
    "wsgi": "def application(environ, start_response):\n use(environ['QUERY_STRING'])",
    "dbus": "import dbus.service as s\nclass S(s.Object):\n @s.method('org.x')\n def Load(self, x):\n  use(x)",
    "rpyc": "import rpyc\nclass S(rpyc.Service):\n def exposed_load(self, x):\n  use(x)",
    "asyncio": "import asyncio\nclass P(asyncio.Protocol):\n def data_received(self, data):\n  use(data.decode())",
    "twisted": "from twisted.protocols import basic as b\nclass P(b.LineReceiver):\n def lineReceived(s, x):\n  use(x)",
    "celery": "from celery import shared_task\n@shared_task\ndef load(x):\n use(x)",
    "lambda": "def lambda_handler(event, context):\n use(event['x'])",
    "cgi": "import cgi\nform = cgi.FieldStorage()\nuse(form.getvalue('x'))",
    "kafka": "from kafka import KafkaConsumer\nfor m in KafkaConsumer('x'):\n use(m.value.decode())",
}  # fmt: skip


def told(path: Path, text: str) -> set[tuple[int, int]]:
    """The weaknesses that are told of a program, each with its line."""
    path.write_text(text, encoding="utf-8")
    claims = (result.claim for result in review([path], Options()).results)
    return {(c.cwe, c.location.start) for c in claims if isinstance(c, Finding) and c.cwe is not None}


@pytest.mark.parametrize(("cwe", "call", "own"), INTERFACES, ids=[call for _, call, _ in INTERFACES])
def test_what_a_client_sends_is_followed_into_the_interface(tmp_path: Path, cwe: int, call: str, own: str) -> None:
    line = PROGRAM.count("\n")
    assert (cwe, line) in told(tmp_path / "a.py", PROGRAM.format(call.format("t")))
    assert (cwe, line) not in told(tmp_path / "a.py", PROGRAM.format(call.format(own.replace('"', "'"))))


@pytest.mark.parametrize(
    ("cwe", "statement"),
    [
        (78, 'subprocess.run([{"a": "/usr/bin/a", "b": "/usr/bin/b"}[t], "-v"])'),
        (78, """subprocess.run(["sh", "-c", 'exec "$1"', "sh", t])"""),
        (78, 'pty.spawn(["/usr/bin/less", t])'),
        (22, 'os.rename(os.path.join("/srv", os.path.basename(t)), "/srv/old")'),
        (114, 'ctypes.cdll[{"a": "liba.so.1"}[t]]'),
        (22, 'os.remove(os.path.join("/srv", os.path.basename(t)))'),
        (22, 'os.remove(f"/srv/{int(t)}")'),
        (22, 'if t in ("a", "b"): os.remove(os.path.join("/srv", t))'),
    ],
)
def test_what_was_asked_about_is_no_longer_the_clients(tmp_path: Path, cwe: int, statement: str) -> None:
    found = told(tmp_path / "a.py", PROGRAM.format(statement))
    assert cwe not in {weakness for weakness, _ in found}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_what_a_framework_hands_over_is_the_clients(tmp_path: Path, handler: str) -> None:
    text = f"import ctypes\n{handler.replace('use(', 'ctypes.CDLL(')}\n"
    assert 114 in {cwe for cwe, _ in told(tmp_path / "a.py", text)}
