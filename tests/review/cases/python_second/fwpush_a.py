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
    path = os.path.join(tempfile.gettempdir(), "flasher-%s.so" % version)
    fetch(entry["url"], path)
    found = digest_of(path)
    click.echo(f"sha256 {found}")
    flasher = ctypes.CDLL(path)  #! CWE-494
    flasher.flash_image.argtypes = [ctypes.c_char_p]
    flasher.flash_image.restype = ctypes.c_int
    flasher.flash_image(os.fsencode(image))  #! CWE-252
    click.echo("done")


if __name__ == "__main__":
    cli()
