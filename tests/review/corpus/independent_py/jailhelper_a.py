#!/usr/bin/env python3
"""Set-uid wrapper's Python half: opens the port as root, then serves as the user."""
import ctypes
import grp
import os
import pwd
import socket
import sys

CONFIG = ".jailhelper"


def load_filter(home):
    with open(os.path.join(home, CONFIG)) as fh:
        values = dict(line.rstrip("\n").split("=", 1) for line in fh if "=" in line)
    lib = ctypes.CDLL(values["filter"])  # expect: CWE-114 CWE-250
    lib.filter_init.argtypes = []
    lib.filter_init.restype = ctypes.c_int
    lib.filter_init()
    return lib


def become(name):
    who = pwd.getpwnam(name)
    os.setreuid(who.pw_uid, who.pw_uid)
    os.setgroups([g.gr_gid for g in grp.getgrall() if name in g.gr_mem])  # expect: CWE-269
    os.setregid(who.pw_gid, who.pw_gid)  # expect: CWE-269


def main(argv):
    user = argv[1]
    sock = socket.create_server(("", 515))
    home = pwd.getpwnam(user).pw_dir
    lib = load_filter(home)  # expect: CWE-250
    become(user)
    log = open("/tmp/jailhelper.log", "a")  # expect: CWE-377
    while True:
        conn, peer = sock.accept()
        print(peer, file=log, flush=True)
        data = conn.recv(4096)
        lib.filter_run(data, len(data))  # expect: CWE-686
        conn.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
