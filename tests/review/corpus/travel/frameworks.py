import ctypes
import os
from pathlib import Path
from fastapi import FastAPI, Request
from aiohttp import web
import click
import typer
import configparser
import tomllib
import socket
import subprocess

app = FastAPI()
PLUGINS = Path("/opt/plugins")


@app.get("/load/{name}")
def load(name: str):
    return ctypes.CDLL(str(PLUGINS / name))  # expect: CWE-22


@app.post("/x")
async def post(request: Request):
    body = await request.json()
    return ctypes.CDLL(body["path"])  # expect: CWE-114


async def handler(request):
    name = request.query["lib"]
    lib = ctypes.cdll.LoadLibrary("%s/%s.so" % (PLUGINS, name))  # expect: CWE-22
    return web.Response(text=str(lib))


@click.command()
@click.option("--engine")
def main(engine):
    ctypes.CDLL(engine)  # expect: CWE-114


cli = typer.Typer()


@cli.command()
def go(path: str = "x"):
    ctypes.PyDLL(path)  # expect: CWE-114


def conf():
    cp = configparser.ConfigParser()
    cp.read("app.ini")
    section = cp["native"]
    return ctypes.CDLL(section.get("lib", "/usr/lib/a.so"))  # expect: CWE-114


def toml(path):
    with open(path, "rb") as fh:
        data = tomllib.load(fh)
    names = [entry["lib"] for entry in data["plugins"]]
    return [ctypes.CDLL(n) for n in names]  # expect: CWE-114


def sock():
    s = socket.create_connection(("h", 1))
    line = s.makefile().readline()
    libs = {"a": line}
    return ctypes.CDLL(libs["a"])  # expect: CWE-114


def server():
    s = socket.socket()
    conn, peer = s.accept()
    data = conn.recv(100)
    return ctypes.CDLL(data.decode())  # expect: CWE-114


def out():
    p = subprocess.run(["which-lib"], capture_output=True, text=True)
    return ctypes.CDLL(p.stdout.strip())


class Settings:
    def __init__(self):
        self.values = {}
        self.values["lib"] = os.environ.get("LIB")

    def library(self):
        return self.values["lib"]


def use():
    settings = Settings()
    name = settings.library() or "/usr/lib/d.so"
    return ctypes.CDLL(name)  # expect: CWE-114


def kw():
    return ctypes.CDLL(name=input("lib? "))  # expect: CWE-114


def env_child():
    env = os.environ.copy()
    env["LD_LIBRARY_PATH"] = input()  # expect: CWE-15
    subprocess.Popen(["/bin/x"], env=env)


def env_child2():
    env = {**os.environ, "LD_PRELOAD": input()}  # expect: CWE-15
    subprocess.Popen(["/bin/x"], env=env)


def guarded(name):
    allowed = {p.stem for p in PLUGINS.glob("*.so")}
    if name not in allowed:
        raise ValueError
    return ctypes.CDLL(str(PLUGINS / f"{name}.so"))


@app.get("/g/{name}")
def g(name: str):
    return guarded(name)


TABLE = {"x": "/usr/lib/x.so"}


@app.get("/t/{name}")
def t(name: str):
    return ctypes.CDLL(TABLE[name])


@app.get("/u/{name}")
def u(name: str):
    path = (PLUGINS / name).resolve()
    if PLUGINS.resolve() not in path.parents:
        raise ValueError
    return ctypes.CDLL(str(path))


@app.get("/v/{name}")
def v(name: str):
    safe = os.path.basename(name)
    return ctypes.CDLL(os.path.join(PLUGINS, safe))
