"""Monitoring agent: each check is a library; the command socket names them."""
import asyncio
import ctypes
import json
import logging
import os
import re
import threading

CHECKS = "/usr/lib/agentd/checks"
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
ROOM = 4096
_loaded = {}
_guard = threading.Lock()
log = logging.getLogger("agentd")


async def serve(reader, writer):
    try:
        req = json.loads(await reader.readline())
        result = await asyncio.to_thread(run, str(req["check"]))
        answer = {"ok": result}
    except (ValueError, KeyError, OSError) as exc:
        log.warning("request failed: %s", exc)
        answer = {"error": str(exc)}
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()
    writer.close()


def check(name):
    if not NAME.fullmatch(name):
        raise ValueError("bad name")
    with _guard:
        lib = _loaded.get(name)
        if lib is None:
            lib = ctypes.CDLL(os.path.join(CHECKS, name + ".so"))
            lib.check_run.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
            lib.check_run.restype = ctypes.c_int
            _loaded[name] = lib
    return lib


def run(name):
    buf = ctypes.create_string_buffer(ROOM)
    if check(name).check_run(buf, ROOM) != 0:
        raise OSError(f"{name}: check failed")
    return buf.value.decode()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 5667)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
