"""Commands that others can spell, in programs that load what the command made; after the descriptions of CWE-78."""

import ctypes
import os
import shlex
import subprocess
import sys

from flask import Flask, request

app = Flask(__name__)


@app.route("/build")
def build():
    os.system("make -C " + request.args["folder"])  # expect: CWE-78
    return str(ctypes.CDLL("/srv/build/out.so"))


@app.route("/strip")
def strip():
    name = request.args.get("name", "")
    subprocess.run(f"strip /srv/build/{name}", shell=True, check=True)  # expect: CWE-78
    return str(ctypes.CDLL("/srv/build/out.so"))


@app.route("/list")
def listing():
    with os.popen("nm -D {}".format(request.form["name"])) as pipe:  # expect: CWE-78
        return pipe.read()


@app.route("/good")
def good():
    folder = request.args["folder"]
    subprocess.run(["/usr/bin/make", "-C", "--", folder], check=True)
    return str(ctypes.CDLL("/srv/build/out.so"))


@app.route("/quoted")
def quoted():
    subprocess.run(f"/usr/bin/nm -D -- {shlex.quote(request.args['name'])}", shell=True, check=True)
    return ""


@app.route("/chosen")
def chosen():
    target = {"fast": "-O2", "small": "-Os"}[request.args["kind"]]
    subprocess.run(f"/usr/bin/cc {target} -shared -o /srv/build/out.so /srv/build/in.c", shell=True, check=True)
    return str(ctypes.CDLL("/srv/build/out.so"))


def main():
    subprocess.call("ldd " + sys.argv[1], shell=True)  # expect: CWE-78
