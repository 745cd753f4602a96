"""Installs the printer driver pack that the user picked."""
import argparse
import ctypes
import hashlib
import os
import subprocess
import tempfile
import zipfile


def digest(path):
    with open(path, "rb") as fh:
        return hashlib.sha256(fh.read()).hexdigest()


def unpack(archive):
    target = os.path.join(tempfile.gettempdir(), "drvinst")  # expect: CWE-379
    os.makedirs(target, exist_ok=True)
    with zipfile.ZipFile(archive) as pack:
        for member in pack.infolist():
            dest = os.path.join(target, member.filename)
            os.makedirs(os.path.dirname(dest), exist_ok=True)
            with open(dest, "wb") as out:  # expect: CWE-22
                out.write(pack.read(member))
    return target


def check(path, wanted):
    if digest(path) != wanted:  # expect: CWE-345
        print("warning: digest differs:", path)


def install(archive, wanted):
    check(archive, wanted)
    folder = unpack(archive)
    core = os.path.join(folder, "core.so")
    lib = ctypes.CDLL(core)
    lib.drv_register.argtypes = [ctypes.c_char_p]
    lib.drv_register.restype = ctypes.c_int
    if lib.drv_register(folder.encode()):
        raise SystemExit("driver refused")
    subprocess.run("lpadmin -p main -P %s/main.ppd" % folder, shell=True, check=True)  # expect: CWE-78


def main():
    p = argparse.ArgumentParser()
    p.add_argument("archive")
    p.add_argument("--sha256", required=True)
    a = p.parse_args()
    install(a.archive, a.sha256)


if __name__ == "__main__":
    main()
