"""Variables of a child that a file names, and elements of a search path that may be empty."""
import json
import os
import subprocess
from pathlib import Path

RUNTIME = Path("/opt/play/runtime")


def empty_element(command):
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = os.pathsep.join([str(RUNTIME), os.environ.get("LD_LIBRARY_PATH", "")])  #! CWE-427/426
    subprocess.run(command, env=env, check=True)


def library_path():
    parts = [str(RUNTIME / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    return ":".join(parts)  #! CWE-427


def empty_element_of_helper(command):
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = library_path()
    subprocess.run(command, env=env, check=True)


def fstring_element(command):
    env = os.environ.copy()
    env["LD_LIBRARY_PATH"] = f"/opt/play/lib:{os.environ.get('LD_LIBRARY_PATH', '')}"  #! CWE-427/426
    subprocess.run(command, env=env, check=True)


def plus_element(command):
    os.environ["LD_LIBRARY_PATH"] = "/opt/play/lib:" + os.environ.get("LD_LIBRARY_PATH", "")  #! CWE-427/426
    subprocess.run(command, check=True)


def filtered(command):
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [str(RUNTIME), os.environ.get("LD_LIBRARY_PATH")]))  #! none CWE-427/426
    subprocess.run(command, env=env, check=True)


def only_fixed(command):
    env = dict(os.environ)
    parts = [str(RUNTIME / "lib")]
    old = os.environ.get("LD_LIBRARY_PATH")
    if old:
        parts.append(old)
    env["LD_LIBRARY_PATH"] = ":".join(parts)  #! none CWE-427/426
    subprocess.run(command, env=env, check=True)


def any_variable(folder, command):
    data = json.loads((folder / "title.json").read_text("utf-8"))
    env = dict(os.environ)
    env.update(data["env"])  #! CWE-15/426/427/454
    subprocess.run(command, env=env, check=True)


def any_variable_of_comprehension(folder, command):
    data = json.loads((folder / "title.json").read_text("utf-8"))
    wanted = {str(k): str(v) for k, v in data.get("env", {}).items()}
    env = {**os.environ, **wanted}  #! CWE-15
    subprocess.Popen(command, env=env)


def any_variable_of_own(folder):
    with open(folder / "title.json") as file:
        for key, value in json.load(file)["env"].items():
            os.environ[key] = value  #! CWE-15/426/427/454


ALLOWED = {"GAME_MODE", "GAME_LANG"}


def allowed_only(folder, command):
    data = json.loads((folder / "title.json").read_text("utf-8"))
    env = {"PATH": "/usr/bin"}
    env.update({k: str(v) for k, v in data["env"].items() if k in ALLOWED})  #! none CWE-15/426/427/454
    subprocess.run(command, env=env, check=True)


def allowed_loop(folder):
    with open(folder / "title.json") as file:
        for key, value in json.load(file)["env"].items():
            if key in ALLOWED:
                os.environ[key] = value  #! none CWE-15/426/427/454


class Title:
    def __init__(self, folder):
        data = json.loads((folder / "title.json").read_text())
        self.env = {str(k): str(v) for k, v in data.get("env", {}).items()}
        self.preload = data.get("preload", "")


def environment(title):
    env = dict(os.environ)
    env.update(title.env)  #! CWE-15/426/427/454
    return env


def launch(folder, command):
    title = Title(folder)
    subprocess.run(command, env=environment(title), check=True)
