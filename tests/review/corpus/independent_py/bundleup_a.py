"""Self-update of the kiosk's native bundle (signed manifest, files by digest)."""
import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import urllib.request

ROOT = "/opt/kiosk"
STAGE = "/tmp/kiosk-update"
URL = "https://updates.kiosk.example/bundle/"


def fetch(name):
    target = os.path.join(STAGE, name)
    os.makedirs(STAGE, exist_ok=True)  # expect: CWE-377
    with urllib.request.urlopen(URL + name) as src, open(target, "wb") as dst:
        shutil.copyfileobj(src, dst)
    return target


def manifest():
    path = fetch("manifest.json")
    sig = fetch("manifest.sig")
    subprocess.run(["gpg", "--verify", sig, path])  # expect: CWE-347
    with open(path) as fh:
        return json.load(fh)


def apply():
    info = manifest()
    pack = fetch(info["pack"])
    with open(pack, "rb") as fh:
        if hashlib.sha256(fh.read()).hexdigest()[:8] != info["sha256"][:8]:  # expect: CWE-347
            raise RuntimeError("digest")
    with tarfile.open(pack) as tf:
        tf.extractall(ROOT)  # expect: CWE-22
    os.chmod(os.path.join(ROOT, "lib"), 0o777)  # expect: CWE-732
    lib = ctypes.CDLL(os.path.join(ROOT, "lib", "libkiosk.so"))
    lib.kiosk_version.restype = ctypes.c_char_p
    return lib.kiosk_version().decode()


def retry():
    for _ in range(3):
        try:
            return apply()
        except Exception:  # expect: CWE-390
            continue
