"""A helper that starts as root, loads the site's module and then serves."""
import configparser
import ctypes
import os
import pwd
import socket

CONFIG = "/etc/authhelper.conf"


def drop(user):
    account = pwd.getpwnam(user)
    os.setuid(account.pw_uid)
    os.setgid(account.pw_gid)  # expect: CWE-269


def load_site_module(path):
    module = ctypes.CDLL(path)
    module.site_check.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    module.site_check.restype = ctypes.c_int
    return module


def serve(module):
    server = socket.socket(socket.AF_UNIX)
    server.bind("/run/authhelper/socket")
    server.listen(8)
    while True:
        peer, _ = server.accept()
        with peer:
            user, _, secret = peer.recv(512).partition(b"\0")
            peer.sendall(b"1" if module.site_check(user, secret) == 0 else b"0")


def main():
    config = configparser.ConfigParser()
    config.read(CONFIG)
    drop(config.get("run", "user", fallback="nobody"))
    serve(load_site_module("/usr/lib/authhelper/site.so"))


if __name__ == "__main__":
    main()
