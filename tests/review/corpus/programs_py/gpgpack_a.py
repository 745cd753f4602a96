"""Signed add-ons: an archive and its detached signature."""
import ctypes
import pathlib
import shutil
import subprocess
import zipfile

ADDONS = pathlib.Path("/opt/studio/addons")
KEYRING = "/opt/studio/keys/addons.gpg"


class Rejected(Exception):
    pass


def check_signature(archive, signature):
    subprocess.run(  # expect: CWE-347
        ["gpgv", "--keyring", KEYRING, str(signature), str(archive)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def unpack(archive, name):
    target = ADDONS / name
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(mode=0o755)
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            if member.is_dir():
                continue
            place = target / member.filename
            place.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(member) as source, open(place, "wb") as out:  # expect: CWE-22
                shutil.copyfileobj(source, out)
    return target


def install(archive):
    archive = pathlib.Path(archive)
    check_signature(archive, archive.with_suffix(".sig"))
    folder = unpack(archive, archive.stem)
    lib = ctypes.CDLL(str(folder / "addon.so"))
    lib.addon_init.argtypes = []
    lib.addon_init.restype = ctypes.c_int
    if lib.addon_init() != 0:
        raise Rejected(f"{archive.name}: addon_init")
    return lib
