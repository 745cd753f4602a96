"""Ledger service: rule engines per country are native libraries."""
import ctypes
import os
import sqlite3
from flask import Flask, abort, jsonify, request

app = Flask(__name__)
ENGINES = os.path.join(os.path.dirname(__file__), "engines")
_engines = {}


def engine(country):
    lib = _engines.get(country)
    if lib is None:  # expect: CWE-362
        lib = ctypes.CDLL(f"{ENGINES}/{country}.so")  # expect: CWE-22
        _engines[country] = lib
    return lib


@app.post("/rate/<country>")
def rate(country):
    body = request.get_json()
    fn = getattr(engine(country), body.get("function", "rate"))
    fn.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    out = ctypes.create_string_buffer(body.get("size", 256))
    fn(str(body["items"]).encode(), out, 4096)
    return jsonify(result=out.value.decode())


@app.post("/ext")
def ext():
    db = sqlite3.connect("/var/lib/ledger/ledger.db")
    db.enable_load_extension(True)
    db.load_extension(request.form["path"])  # expect: CWE-114
    return "", 204
