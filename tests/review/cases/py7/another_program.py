"""A child that becomes another program: what stands behind ``exec`` is not reached, and the parent keeps its rights."""

import ctypes
import os

libc = ctypes.CDLL("/usr/lib/libhost.so", use_errno=True)


def start(tool, user):
    child = os.fork()
    if child == 0:
        try:
            os.initgroups(user.pw_name, user.pw_gid)  #! none CWE-269
            os.setgid(user.pw_gid)  #! none CWE-269
            os.setuid(user.pw_uid)  #! none CWE-250
            os.execve(tool, [tool], {})
        except BaseException:
            os._exit(127)
    return child


def serve(server, tool, user):
    while True:
        server.accept()
        start(tool, user)


def start_in_a_wrong_order(tool, user):
    if os.fork() == 0:
        os.setuid(user.pw_uid)
        os.setgid(user.pw_gid)  #! CWE-269
        os.execvp(tool, [tool])
