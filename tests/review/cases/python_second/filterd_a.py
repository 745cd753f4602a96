"""aiohttp service that runs native filters named by the administrator's settings."""
import asyncio
import ctypes
import json
import logging
import os
import stat
import sys

from aiohttp import web

log = logging.getLogger("filterd")
FOLDER = "/var/lib/filterd/filters"


class Filter:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self._lib = ctypes.CDLL(path)
        run = self._lib.filter_run
        run.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)]
        run.restype = ctypes.c_int
        self._run = run

    def __call__(self, data):
        room = ctypes.c_size_t(len(data) * 2)
        out = ctypes.create_string_buffer(room.value)
        status = self._run(data, len(data), out, ctypes.byref(room))
        if status:
            raise RuntimeError(f"{self.name}: {status}")
        return out.raw[: room.value]


def trusted(path):
    found = os.stat(path)
    return found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def discover():
    loaded = {}
    os.makedirs(FOLDER, exist_ok=True)
    os.chmod(FOLDER, 0o777)  #! CWE-732
    for entry in sorted(os.listdir(FOLDER)):
        if not entry.endswith(".so"):
            continue
        path = os.path.join(FOLDER, entry)
        try:
            loaded[entry[:-3]] = Filter(path)
        except Exception:  #! CWE-390
            pass
    return loaded


async def run(request):
    filters = request.app["filters"]
    chosen = filters.get(request.match_info["name"])
    if chosen is None:
        raise web.HTTPNotFound()
    data = await request.read()
    loop = asyncio.get_running_loop()
    return web.Response(body=await loop.run_in_executor(None, chosen, data))


async def reload(request):
    settings = await request.json()
    extra = settings.get("module")
    if extra:
        request.app["filters"]["extra"] = Filter(extra)
    return web.json_response({"filters": sorted(request.app["filters"])})


def main():
    app = web.Application(client_max_size=1 << 20)
    app["filters"] = discover()
    app.router.add_post("/run/{name}", run)
    app.router.add_post("/reload", reload)
    web.run_app(app, path="/run/filterd.sock")


if __name__ == "__main__":
    sys.exit(main())
