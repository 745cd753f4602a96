"""Print spooler: drops privileges, then loads the user's driver."""
import argparse
import ctypes
import os
import pwd
import sys
import zipfile

STATE = "/var/spool/sp"


def become(user):
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def unpack(archive, folder):
    with zipfile.ZipFile(archive) as pack:
        for member in pack.namelist():
            target = os.path.realpath(os.path.join(folder, member))
            if os.path.commonpath([target, folder]) != folder:
                raise ValueError(f"{member} leaves {folder}")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:  
                out.write(pack.read(member))


def driver(folder):
    lib = ctypes.CDLL(os.path.join(folder, "driver.so"))  #! none
    lib.drv_status.restype = ctypes.c_char_p
    lib.drv_status.argtypes = []
    lib.drv_describe.restype = ctypes.c_void_p
    lib.drv_describe.argtypes = []
    lib.drv_free.argtypes = [ctypes.c_void_p]
    lib.drv_free.restype = None
    lib.drv_print.argtypes = [ctypes.c_int, ctypes.c_char_p]
    lib.drv_print.restype = ctypes.c_int
    return lib


def describe(lib):
    text = lib.drv_describe()
    if not text:
        return ""
    try:
        return ctypes.string_at(text).decode()
    finally:
        lib.drv_free(text)  #! none


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("archive")
    parser.add_argument("document")
    parser.add_argument("--user", default="lp")
    options = parser.parse_args()
    folder = os.path.join(STATE, "driver")
    become(options.user)
    unpack(options.archive, folder)
    lib = driver(folder)
    print(describe(lib))
    fd = os.open(options.document, os.O_RDONLY)
    status = lib.drv_print(fd, b"a4")
    os.close(fd)
    if status:
        sys.exit(f"print failed: {status}")


if __name__ == "__main__":
    main()
