"""Key vault CLI: PKCS#11 module chosen by profile, PIN by prompt."""
import argparse
import configparser
import ctypes
import getpass
import os
import subprocess
import sys


def profile(path, name):
    parser = configparser.ConfigParser()
    parser.read(path)
    return parser[name]


def load(section):
    module = section.get("module", "softhsm2")
    if "/" not in module:
        module = f"/usr/lib/pkcs11/lib{module}.so"
    return ctypes.CDLL(module)  # expect: CWE-114


def login(lib, session, pin):
    lib.C_Login.argtypes = [ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong]
    lib.C_Login.restype = ctypes.c_ulong
    lib.C_Login(session, 1, pin.encode(), len(pin))


def export(args, section):
    cmd = "pkcs11-tool --module " + section["module"] + " --read-object --id " + args.id
    return subprocess.run(cmd, shell=True, capture_output=True).stdout  # expect: CWE-78


def helper_env(section):
    env = os.environ.copy()
    env["LD_PRELOAD"] = section.get("shim", "")  # expect: CWE-15
    return env


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default=os.path.expanduser("~/.vaultctl.ini"))
    parser.add_argument("--profile", default="default")
    parser.add_argument("--id", required=True)
    args = parser.parse_args()
    section = profile(args.config, args.profile)
    lib = load(section)
    login(lib, 1, getpass.getpass())
    sys.stdout.buffer.write(export(args, section))
    subprocess.run(["/usr/bin/vault-helper"], env=helper_env(section), check=True)


if __name__ == "__main__":
    main()
