"""Commands and archives of a plug-in manager."""

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from flask import Flask, request

app = Flask(__name__)
PLUGINS = Path("/var/lib/host/plugins")


@app.route("/strip", methods=["POST"])
def strip():
    f = request.files["plugin"]
    target = os.path.join(PLUGINS, f.filename)
    f.save(target)  #! CWE-22/434/73
    subprocess.run(["strip", f.filename], cwd=PLUGINS, check=True)  #! CWE-88
    os.system("nm -D " + f.filename)  #! CWE-78/88
    subprocess.check_output(f"ldd {f.filename}", shell=True)  #! CWE-78/88
    subprocess.run("ldd " + shlex.quote(str(target)), shell=True, check=True)  #! none CWE-78
    subprocess.run(["strip", "--", f.filename], cwd=PLUGINS, check=True)  #! none CWE-88
    return str(ctypes.CDLL(target))


@app.route("/note", methods=["POST"])
def note():
    title = request.form.get("title", "")
    os.popen("logger %s" % title).close()  #! CWE-78
    subprocess.Popen(["sh", "-c", "echo " + title])  #! CWE-78
    subprocess.run(["logger", "--", title], check=True)  #! none
    return "ok"


def unpack_tar(path):
    with tarfile.open(path) as t:
        t.extractall(PLUGINS)  #! CWE-22
    return ctypes.CDLL(str(PLUGINS / "a.so"))


def unpack_tar_filter(path):
    with tarfile.open(path) as t:
        t.extractall(PLUGINS, filter="data")  #! none


def unpack_members(path):
    with zipfile.ZipFile(path) as z:
        for info in z.infolist():
            out = os.path.join(PLUGINS, info.filename)
            with open(out, "wb") as f:  #! CWE-22/23/73
                f.write(z.read(info))


def unpack_members_checked(path):
    with zipfile.ZipFile(path) as z:
        for info in z.infolist():
            out = (PLUGINS / info.filename).resolve()
            if not out.is_relative_to(PLUGINS):
                raise ValueError(info.filename)
            out.write_bytes(z.read(info))  #! none


def unpack_any(path):
    shutil.unpack_archive(path, PLUGINS)  #! CWE-22


def unpack_tar_members(t):
    for m in t:
        src = t.extractfile(m)
        if src is None:
            continue
        (PLUGINS / m.name).write_bytes(src.read())


def start_tool():
    subprocess.Popen("C:\\Program Files\\Host\\tool.exe -scan")  #! CWE-428
    subprocess.Popen(r'"C:\Program Files\Host\tool.exe" -scan')  #! none
    exe = os.path.join(os.environ["ProgramFiles"], "Host", "tool.exe")
    subprocess.call(exe + " -scan")
    subprocess.call([exe, "-scan"])  #! none CWE-428


def compile_and_load(expr):
    with open("/var/lib/host/gen.c", "w") as f:
        f.write("double f(double x) { return %s; }" % expr)
    subprocess.run(["cc", "-shared", "-o", "/var/lib/host/gen.so", "/var/lib/host/gen.c"], check=True)
    return ctypes.CDLL("/var/lib/host/gen.so")


if __name__ == "__main__":
    compile_and_load(sys.argv[1])
