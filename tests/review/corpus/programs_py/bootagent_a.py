"""Provider agent: runs as root, asks the providers named by its clients over a Unix socket."""
import ctypes
import os
import pwd
import socket
import struct
import sys

SOCKET = "/run/bootagent.sock"
PROVIDERS = "/usr/lib/bootagent/"


def _peer(conn):
    raw = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", raw)


def provider(path):
    library = ctypes.CDLL(path)  # expect: CWE-114
    library.provider_sign.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)]
    library.provider_sign.restype = ctypes.c_int
    return library


def drop(user):
    entry = pwd.getpwnam(user)
    os.setuid(entry.pw_uid)
    os.setgid(entry.pw_gid)  # expect: CWE-269


def serve(conn):
    _pid, uid, _gid = _peer(conn)
    text = conn.recv(4096).decode()
    path, _, payload = text.partition("\n")
    library = provider(path)
    size = ctypes.c_size_t(512)
    out = ctypes.create_string_buffer(512)
    code = library.provider_sign(payload.encode(), len(payload.encode()), out, ctypes.byref(size))
    if code or size.value > 512:
        conn.sendall(b"failed")
        return
    conn.sendall(out.raw[: size.value])


def main():
    os.umask(0o077)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET)
    listener.listen()
    if len(sys.argv) > 1:
        drop(sys.argv[1])
    while True:
        conn, _ = listener.accept()
        with conn:
            try:
                serve(conn)
            except Exception:  # expect: CWE-390
                continue


if __name__ == "__main__":
    main()
