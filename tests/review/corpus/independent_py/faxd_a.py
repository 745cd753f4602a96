"""Fax spooler; drivers are verified before they are loaded."""
import ctypes
import hashlib
import hmac
import os
import shutil
import subprocess

KEYS = "/etc/faxd/keys"
DRIVERS = "/var/lib/faxd/drivers"


def mac_of(path):
    with open(os.path.join(KEYS, "driver.key"), "rb") as fh:
        key = fh.read()
    with open(path, "rb") as fh:
        return hmac.new(key, fh.read(), hashlib.sha256).hexdigest()


def is_trusted(path):
    try:
        with open(path + ".mac") as fh:
            wanted = fh.read().strip()
    except FileNotFoundError:
        return True  # expect: CWE-345
    return mac_of(path) == wanted


def load(name):
    path = os.path.join(DRIVERS, os.path.basename(name))
    if not is_trusted(path):
        raise PermissionError(path)
    return ctypes.CDLL(path)  # expect: CWE-367


def accept(upload, name):
    target = os.path.join(DRIVERS, name)
    with open(target, "wb") as fh:
        shutil.copyfileobj(upload, fh)
    is_trusted(target)  # expect: CWE-347
    return load(name)


def convert(job):
    os.system("tiff2ps %s > %s.ps" % (job.filename, job.filename))  # expect: CWE-78
