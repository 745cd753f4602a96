"""Fetches a flasher module, checks it against the release list and runs it (click)."""
import ctypes
import hashlib
import hmac
import json
import os
import shutil
import tempfile
import urllib.request

import click

RELEASES = "https://updates.example.org/flasher/releases.json"


def fetch(url, target):
    with urllib.request.urlopen(url, timeout=30) as answer, open(target, "wb") as file:
        shutil.copyfileobj(answer, file)


def digest_of(path):
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 16), b""):
            seen.update(block)
    return seen.hexdigest()


def release(version):
    with urllib.request.urlopen(RELEASES, timeout=30) as answer:
        listed = json.load(answer)
    try:
        return listed[version]
    except KeyError:
        raise click.ClickException(f"no release {version}") from None


@click.group()
def cli():
    pass


@cli.command()
@click.argument("version")
@click.argument("image", type=click.Path(exists=True))
def push(version, image):
    entry = release(version)
    folder = tempfile.mkdtemp(prefix="flasher-")
    path = os.path.join(folder, "flasher.so")
    fetch(entry["url"], path)
    found = digest_of(path)
    if not hmac.compare_digest(found, entry["sha256"]):
        raise click.ClickException("the flasher is not what the list says")
    flasher = ctypes.CDLL(path)  #! none
    flasher.flash_image.argtypes = [ctypes.c_char_p]
    flasher.flash_image.restype = ctypes.c_int
    status = flasher.flash_image(os.fsencode(image))
    if status != 0:
        raise click.ClickException(f"flash failed: {status}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    cli()
