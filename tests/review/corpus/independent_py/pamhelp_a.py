"""Privileged helper: starts as root, loads a policy module, then runs as the user."""
import ctypes
import os
import pwd
import sys


def policy(user):
    entry = pwd.getpwnam(user)
    conf = os.path.join(entry.pw_dir, ".policy")
    with open(conf) as fh:
        for line in fh:
            key, _, value = line.partition("=")
            if key.strip() == "module":
                return value.strip()
    return "/usr/lib/pamhelp/default.so"


def drop(user):
    entry = pwd.getpwnam(user)
    os.setuid(entry.pw_uid)
    try:
        os.setgid(entry.pw_gid)  # expect: CWE-269
    except PermissionError:
        pass


def main():
    user = sys.argv[1]
    module = ctypes.CDLL(policy(user))  # expect: CWE-114 CWE-250
    drop(user)
    module.policy_main.argtypes = [ctypes.c_char_p]
    module.policy_main.restype = ctypes.c_int
    return module.policy_main(user.encode())


if __name__ == "__main__":
    sys.exit(main())
