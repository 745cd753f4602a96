import ctypes
from flask import request


def a():
    return ctypes.CDLL(request.args.get("lib"))  # expect: CWE-114


def b():
    x = request.form["lib"]
    return ctypes.CDLL(x)  # expect: CWE-114
