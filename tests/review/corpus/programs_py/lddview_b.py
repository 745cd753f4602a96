"""Show what an uploaded library needs, then try it."""
import ctypes
import os
import subprocess

from flask import Flask, abort, jsonify, request
from werkzeug.utils import secure_filename

app = Flask(__name__)
DROP = "/srv/lddview/drop"


def needed(path):
    text = subprocess.run(["readelf", "-d", "--", path], capture_output=True, text=True, check=True).stdout
    return [line.rsplit("[", 1)[-1].rstrip("]") for line in text.splitlines() if "NEEDED" in line]


@app.route("/needed")
def show():
    name = request.args.get("file", "")
    clean = secure_filename(name)
    if clean != name or not clean:
        abort(400)
    path = os.path.join(DROP, clean)
    if not os.path.isfile(path):
        abort(404)
    return jsonify(needed(path))


@app.route("/abi", methods=["POST"])
def abi():
    name = request.json["file"]
    if name not in ("libalpha.so", "libbeta.so"):
        abort(400)
    lib = ctypes.CDLL(os.path.join(DROP, name))
    lib.abi_version.argtypes = []
    lib.abi_version.restype = ctypes.c_int
    return jsonify(lib.abi_version())
