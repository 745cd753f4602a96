"""What looks like trust in strangers and is none: settings, servers, flags, and texts of the program's own."""

import ast
import ctypes
import json
import os
import pickle
import ssl
import subprocess
from pathlib import Path

import requests
from flask import Flask, request
from werkzeug.utils import secure_filename

app = Flask(__name__)
PLUGINS = Path("/var/lib/host/plugins")
lib = ctypes.CDLL("/usr/lib/host/ops.so")


def context(insecure):
    ctx = ssl.create_default_context()
    if insecure:
        ctx.check_hostname = False
        ctx.verify_mode = ssl.CERT_NONE  #! none
    return ctx


def served(cert):
    ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ctx.load_cert_chain(cert)
    ctx.verify_mode = ssl.CERT_NONE  #! none
    return ctx


def fetch(url, settings):
    return requests.get(url, verify=settings.verify).content  #! none CWE-295


def is_genuine(key, data, sig):
    good = False
    try:
        key.verify(sig, data)
        good = True
    except ValueError:  #! none
        print("bad signature")
    return good


def any_key(keys, data, sig):
    for key in keys:
        try:
            key.verify(sig, data)
            return True
        except ValueError:  #! none CWE-347
            pass
    return False


def install(pack, key):
    good = False
    if pack["signature"]:  #! none
        good = key.verify(pack["body"], pack["signature"])
    if not good:
        raise ValueError("not signed")
    return ctypes.CDLL(str(PLUGINS / "a.so"))


def required(settings, pack, key):
    if settings.require_signature and not key.verify(pack["body"], pack["signature"]):  #! none CWE-347
        raise ValueError("not signed")
    return ctypes.CDLL(str(PLUGINS / "a.so"))


@app.route("/upload", methods=["POST"])
def upload():
    f = request.files["plugin"]
    f.save(PLUGINS / secure_filename(f.filename))  #! none
    name = request.form["name"]
    if name.startswith("-"):
        return "no", 400
    subprocess.run(["strip", name], cwd=PLUGINS, check=True)  #! none
    return "ok"


@app.route("/scale", methods=["POST"])
def scale():
    value = ast.literal_eval(request.form["scale"])  #! none
    size = eval("2 * 3")  #! none
    return "{} {}".format(value, size)  #! none


KNOWN = {"gain", "offset"}


@app.route("/set", methods=["POST"])
def change():
    for name, value in request.get_json().items():
        if name in KNOWN:
            setattr(app, name, value)  #! none CWE-915
    return "ok"


def note(text):
    """int ops_log(const char *format, ...);"""
    lib.ops_log(b"%s", text.encode())  #! none CWE-134
    lib.ops_text(text.encode())  #! none CWE-134


def remembered():
    with open(os.path.join(os.path.dirname(__file__), "table.pickle"), "rb") as f:
        return pickle.load(f)  #! none


def manifest(data):
    return json.loads(data)  #! none
