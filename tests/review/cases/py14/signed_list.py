"""A list of versions that a key has signed; what was installed before is loaded again as it is."""

import ctypes
import hashlib
import json
import os
import urllib.request

import nacl.signing

KEY = nacl.signing.VerifyKey(bytes(32))
ROOT = "/var/lib/tuner"


def fetch(name):
    with urllib.request.urlopen(f"https://tuner.example/{name}") as answer:
        return answer.read()


def current():
    text = fetch("current.json")
    KEY.verify(text, fetch("current.sig"))
    return json.loads(text)


def tuner():
    entry = current()
    path = os.path.join(ROOT, "libtuner.so")
    if not os.path.exists(path):
        data = fetch("libtuner.so")
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError("damaged")
        with open(path, "wb") as file:
            file.write(data)
    return ctypes.CDLL(path)  #! none CWE-494


def unsigned():
    path = os.path.join(ROOT, "libextra.so")
    with open(path, "wb") as file:
        file.write(fetch("libextra.so"))
    return ctypes.CDLL(path)  #! CWE-494
