"""What a database, a request or a manifest decides: paths of drivers, source code, addresses."""

import ctypes
import ctypes.util
import json
import re
import sqlite3
import subprocess
from dataclasses import dataclass

import click
import jinja2
from cffi import FFI
from flask import request

GLUE = jinja2.Template("double {{ name }}(double x) { return {{ body }}; }")
CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
lib = ctypes.CDLL("libjobs.so.1")


@dataclass
class Driver:
    title: str
    path: str

    def load(self):
        return ctypes.CDLL(self.path)  #! CWE-114


@dataclass
class OwnDriver:
    title: str
    path: str

    def load(self):
        return ctypes.CDLL(self.path)  #! none


def drivers(name):
    with sqlite3.connect(name) as base:
        return [Driver(*row) for row in base.execute("select title, path from drivers")]


def own_drivers():
    return [OwnDriver(*row) for row in (("one", "/usr/lib/app/one.so"), ("two", "/usr/lib/app/two.so"))]


def run_all(name):
    return [driver.load() for driver in drivers(name)] + [driver.load() for driver in own_drivers()]


def compiled():
    ffi = FFI()
    ffi.cdef("double run(double x);")
    ffi.set_source("_run", request.form["source"])  #! CWE-94
    return ffi.compile()


def compiled_own():
    ffi = FFI()
    ffi.cdef("double run(double x);")
    ffi.set_source("_run", "double run(double x) { return x; }")  #! none
    return ffi.compile()


def glued(path):
    with open(path) as file:
        job = json.load(file)
    with open("/var/lib/app/glue.c", "w") as out:
        out.write(GLUE.render(name="run", body=job["body"]))  #! CWE-94
    subprocess.check_call(["gcc", "-shared", "-o", "/var/lib/app/glue.so", "/var/lib/app/glue.c"])
    return ctypes.CDLL("/var/lib/app/glue.so")


def glued_number(path):
    with open(path) as file:
        job = json.load(file)
    with open("/var/lib/app/number.c", "w") as out:
        out.write(GLUE.render(name="run", body=int(job["body"])))  #! none
    subprocess.check_call(["gcc", "-shared", "-o", "/var/lib/app/number.so", "/var/lib/app/number.c"])


def glued_name(path):
    with open(path) as file:
        job = json.load(file)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", job["name"]):
        raise ValueError("name")
    with open("/var/lib/app/named.c", "w") as out:
        out.write(GLUE.render(name=job["name"], body="x"))  #! none
    subprocess.check_call(["gcc", "-shared", "-o", "/var/lib/app/named.so", "/var/lib/app/named.c"])


def called(sock):
    job = json.loads(sock.recv(512))
    return CALL(job["address"])(1)  #! CWE-822


def called_by_name(sock):
    job = json.loads(sock.recv(512))
    return CALL(("jobs_run", lib))(int(job["number"]))  #! none


def search(*names):
    for name in names:
        found = ctypes.util.find_library(name)
        if found:
            return found
    return None


def unsure():
    return ctypes.CDLL(search("usb-1.0", "usb"))  #! CWE-252


def sure():
    found = search("usb-1.0", "usb")
    if not found:
        raise ImportError("libusb is not installed")
    return ctypes.CDLL(found)  #! none


@click.command()
@click.option("--driver", type=click.Choice(["one", "two"]))
def chosen(driver):
    return ctypes.CDLL("/usr/lib/app/" + driver + ".so")  #! none
