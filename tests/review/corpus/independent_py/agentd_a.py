"""Monitoring agent: each check is a library; the command socket names them."""
import asyncio
import ctypes
import json
import os
import sys

CHECKS = "/usr/lib/agentd/checks"
_loaded = {}


async def serve(reader, writer):
    line = await reader.readline()
    req = json.loads(line)
    try:
        result = await asyncio.to_thread(run, req)
        writer.write(json.dumps({"ok": result}).encode() + b"\n")
    except Exception:  # expect: CWE-390
        pass
    await writer.drain()
    writer.close()


def run(req):
    name = req["check"]
    lib = _loaded.get(name)
    if not lib:  # expect: CWE-362
        lib = _loaded[name] = ctypes.CDLL(os.path.join(CHECKS, name + ".so"))  # expect: CWE-22
    buf = ctypes.create_string_buffer(req.get("room", 256))
    lib.check_run.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    lib.check_run.restype = ctypes.c_int
    lib.check_run(buf, 256)  # expect: CWE-252
    return buf.value.decode()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 5667)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if os.getuid() == 0:
        os.setuid(65534)
    asyncio.run(main())
