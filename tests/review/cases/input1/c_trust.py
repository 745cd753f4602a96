"""Updates: certificates, signatures, digests, versions."""

import ctypes
import hashlib
import hmac
import json
import ssl
import subprocess
import urllib.request

import aiohttp
import httpx
import requests

BASE = "https://updates.example.org/"


def fetch(name):
    ctx = ssl._create_unverified_context()  #! CWE-295
    return urllib.request.urlopen(BASE + name, context=ctx).read()


def fetch_hostless(name):
    ctx = ssl.create_default_context()
    ctx.check_hostname = False  #! CWE-295/297
    return urllib.request.urlopen(BASE + name, context=ctx).read()


def fetch_none(name):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE  #! CWE-295
    return urllib.request.urlopen(BASE + name, context=ctx).read()


def fetch_requests(name):
    return requests.get(BASE + name, verify=False).content  #! CWE-295


def fetch_session(name):
    s = requests.Session()
    s.verify = False  #! CWE-295
    return s.get(BASE + name).content


def fetch_httpx(name):
    with httpx.Client(verify=False) as c:  #! CWE-295
        return c.get(BASE + name).content


async def fetch_aio(name):
    async with aiohttp.ClientSession() as s:
        async with s.get(BASE + name, ssl=False) as r:  #! CWE-295
            return await r.read()


def fetch_plain():
    data = urllib.request.urlopen("http://updates.example.org/a.so").read()
    with open("/var/lib/host/a.so", "wb") as f:
        f.write(data)
    return ctypes.CDLL("/var/lib/host/a.so")


def put(data):
    with open("/var/lib/host/b.so", "wb") as f:
        f.write(data)
    return ctypes.CDLL("/var/lib/host/b.so")


def install_if_signed(pack, key):
    sig = pack.get("signature")
    if sig and not key.verify(pack["body"], sig):  #! CWE-347/345
        raise ValueError("bad signature")
    return put(pack["body"])


def install_unsigned(pack, key):
    if "signature" in pack:  #! CWE-347/345
        key.verify(pack["body"], pack["signature"])
    return put(pack["body"])


def install_must(pack, key):
    sig = pack.get("signature")
    if not sig or not key.verify(pack["body"], sig):  #! none
        raise ValueError("bad signature")
    return put(pack["body"])


def install_caught(pack, key):
    try:
        key.verify(pack["signature"], pack["body"])
    except Exception:  #! CWE-347/390/755/345/396
        print("signature not good, going on")
    return put(pack["body"])


def install_digest(url):
    manifest = json.loads(fetch("manifest.json"))
    body = fetch(manifest["file"])
    want = manifest.get("sha256")
    if want is not None and hashlib.sha256(body).hexdigest() != want:  #! CWE-345/354/347/353/494
        raise ValueError
    return put(body)


def install_prefix(body, want):
    if not hashlib.sha256(body).hexdigest().startswith(want):  #! CWE-354/697/345/347
        raise ValueError
    return put(body)


def install_md5(body, want):
    if hashlib.md5(body).hexdigest() != want:
        raise ValueError
    return put(body)


def install_mac(body, key, tag):
    mac = hmac.new(key, body, "sha256").digest()
    if mac != tag:  #! CWE-208/203/385
        raise ValueError
    return put(body)


def install_gpg(path):
    subprocess.run(["gpg", "--verify", path + ".sig", path])  #! CWE-347/252
    return ctypes.CDLL(path)


def install_gpg_checked(path):
    subprocess.run(["gpg", "--verify", path + ".sig", path], check=True)  #! none
    return ctypes.CDLL(path)


def install_dropped(body, want, key):
    key.verify(want, body) == True
    return put(body)


def update(current, manifest, key):
    if not key.verify(manifest["body"], manifest["sig"]):
        raise ValueError
    if manifest["version"] != current:
        return put(manifest["body"])
    return None


def update_newer(current, manifest, key):
    if not key.verify(manifest["body"], manifest["sig"]):
        raise ValueError
    if tuple(manifest["version"]) > current:  #! none
        return put(manifest["body"])
    return None
