"""Commands whose words are gathered in a list, in a helper and by a method."""

import ctypes
import json
import subprocess
from pathlib import Path

TRACER = "/opt/render/bin/trace"
shades = ctypes.CDLL("libshades.so.2")


def start(*words, folder=None):
    subprocess.run(words, cwd=folder, check=True)


def git(*words):
    return subprocess.check_output(["git", *words], text=True)  #! none CWE-88


def joined(*words):
    return " ".join(words)


class Scene:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        self.name = document["name"]
        self.title = document["title"]
        self.size = int(document["size"])
        if self.title.startswith("-"):
            raise ValueError(self.title)


def fetch(path):
    scene = Scene(path)
    start("git", "clone", scene.name)  #! CWE-88
    start("git", "clone", "--", scene.name)  #! none
    git("clone", scene.name)  #! CWE-88
    start("git", "fetch", "--title", scene.name)  #! none CWE-88
    start("git", "clone", scene.title)  #! none CWE-88
    return joined("git", scene.name)  #! none


def command(scene):
    words = [TRACER, "--size", str(scene.size)]
    words.append(scene.name)  #! CWE-88
    return words


def ended(scene):
    words = [TRACER, "--quiet"]
    words += ["--", scene.name]  #! none
    return words


def listed(scene):
    words = [TRACER]
    words.append(scene.name)  #! none
    return words


def trace(path):
    scene = Scene(path)
    subprocess.run(command(scene), check=True)
    subprocess.run(ended(scene), check=True)
    print(listed(scene))
    more = [TRACER]
    more += scene.name.split()  #! CWE-88
    more.extend(map(str, Path("/opt/render").iterdir()))  #! none
    subprocess.call(more)
