"""Names from outside, and the carriers that take them to a load."""

import argparse
import configparser
import ctypes
import importlib
import json
import os
import pickle
import shelve
import socketserver
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from flask import Flask, request

app = Flask(__name__)


@dataclass
class Settings:
    engine: str
    extra: list = field(default_factory=list)


def from_json(path):
    with open(path) as f:
        raw = json.load(f)
    return Settings(**raw)


def start(settings):
    return ctypes.CDLL(settings.engine)  #! CWE-114/426/73


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lib")
    args = p.parse_args()
    start(from_json(os.environ["HOST_SETTINGS"]))
    return [ctypes.CDLL(x) for x in (args.lib, *sys.argv[2:])]  #! CWE-114/426/73


def from_ini():
    c = configparser.ConfigParser()
    c.read("host.ini")
    return ctypes.CDLL(c["driver"]["path"])  #! CWE-114/426/427/73


@app.route("/load", methods=["POST"])
def load():
    name = request.form["name"]
    return str(ctypes.CDLL(f"/usr/lib/host/{name}.so"))  #! CWE-22/114/73


@app.route("/checked", methods=["POST"])
def load_checked():
    name = request.form["name"]
    if not name.isalnum():
        return "no", 400
    return str(ctypes.CDLL(f"/usr/lib/host/{name}.so"))  #! none


LIBS = {"a": "/usr/lib/host/a.so", "b": "/usr/lib/host/b.so"}


@app.route("/table")
def load_table():
    return str(ctypes.CDLL(LIBS[request.args["name"]]))  #! none


@app.route("/call/<entry>")
def call(entry):
    lib = ctypes.CDLL("/usr/lib/host/ops.so")
    return str(getattr(lib, entry)(int(request.args["n"])))  #! CWE-470/114/20


@app.route("/module")
def module():
    m = importlib.import_module(request.args["m"])  #! CWE-470/706/114/94/829
    return m.run()


@app.route("/state", methods=["PUT"])
def state():
    job = pickle.loads(request.data)  #! CWE-502
    return str(job)


@app.route("/yaml", methods=["PUT"])
def yaml_state():
    return str(yaml.load(request.data, Loader=yaml.Loader))  #! CWE-502


@app.route("/yaml2", methods=["PUT"])
def yaml_safe():
    return str(yaml.safe_load(request.data))  #! none


class Job:
    def __init__(self):
        self.steps = 0
        self.owner = "nobody"
        self.lib = "/usr/lib/host/job.so"

    def update(self, values):
        for k, v in values.items():
            setattr(self, k, v)  #! CWE-915

    def run(self):
        return ctypes.CDLL(self.lib)


@app.route("/job", methods=["POST"])
def job():
    j = Job()
    j.update(request.get_json())
    return str(j.run())


@app.route("/formula", methods=["POST"])
def formula():
    text = request.form["f"]
    return str(eval(text, {"__builtins__": {}}))  #! CWE-95/94


@app.route("/script", methods=["POST"])
def script():
    upload = request.files["script"]
    code = compile(upload.read(), "job", "exec")
    exec(code, {})
    return "ok"


@app.route("/title", methods=["POST"])
def title():
    lib = ctypes.CDLL("libc.so.6")
    lib.printf.restype = ctypes.c_int
    lib.printf(request.form["title"].encode())  #! CWE-134
    return request.form["pattern"].format(lib)  #! CWE-134


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        word = self.rfile.readline().decode().strip()
        path = Path("/usr/lib/host") / word
        self.lib = ctypes.CDLL(str(path))  #! CWE-22/114/73


def plugins():
    names = os.environ.get("HOST_PLUGINS", "").split(":")
    for n in filter(None, names):
        yield ctypes.CDLL(n)  #! CWE-114/426/427/73


def remembered():
    with shelve.open("/tmp/host.state") as db:
        return ctypes.CDLL("/usr/lib/host/a.so"), db["mode"]


def received(sock):
    return pickle.load(sock.makefile("rb"))  #! CWE-502
