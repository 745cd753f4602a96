"""CNC lathe panel: macros call native kinematics."""
import ctypes
import os
import pickle
import socket
import sys
import threading

sys.path.insert(0, os.getcwd())  # expect: CWE-427
os.environ["PATH"] = "plugins" + os.pathsep + os.environ["PATH"]

kin = ctypes.CDLL("libkinematics.so.4", use_errno=True)
kin.kn_solve.argtypes = [ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_double)]
kin.kn_solve.restype = ctypes.c_int
kin.kn_open.argtypes = [ctypes.c_char_p]
kin.kn_open.restype = ctypes.c_int
kin.kn_log.argtypes = [ctypes.c_char_p]
kin.kn_log.restype = None


def solve(pose):
    joints = (ctypes.c_double * 6)()
    target = (ctypes.c_double * 6)(*pose)
    if kin.kn_solve(target, joints) != 0:
        kin.kn_log(b"no solution")
        err = ctypes.get_errno()  # expect: CWE-391
        raise OSError(err, os.strerror(err))
    return list(joints)


class Panel:
    def __init__(self, device):
        self.fd = kin.kn_open(device.encode())
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), device)
        self.watchers = {}
        self.lock = threading.Lock()

    def watch(self, name, func):
        self.watchers[name] = func  # expect: CWE-362

    def fire(self, name):
        with self.lock:
            self.watchers.pop(name)()

    def reset(self):
        with self.lock:
            self.watchers.clear()

    def shut(self):
        os.close(self.fd)

    def read(self):
        return os.read(self.fd, 64)  # expect: CWE-910


def serve(port):
    server = socket.create_server(("", port))
    while True:
        conn, _ = server.accept()
        name, pose = pickle.loads(conn.recv(65536))
        macro = ctypes.CDLL(name)  # expect: CWE-114
        macro.run(solve(pose))  # expect: CWE-686
        conn.close()
