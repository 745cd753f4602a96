"""What a client sends, handed to each kind of interface of C, C++ and Windows that runs, opens or removes something."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadstone.core.claims import Finding
from loadstone.review.engine import Options, review

POSIX = """\
#include <dlfcn.h>
#include <stdlib.h>
void *library;
void open_it(void) {{ library = dlopen("/usr/lib/libx.so.1", RTLD_NOW); if (!library) exit(1); }}
int serve(int sock) {{
    char t[256];
    ssize_t n = recv(sock, t, sizeof t - 1, 0);
    if (n <= 0) return -1;
    t[n] = 0;
    {0}
    return 0;
}}
"""
CPP = """\
#include <dlfcn.h>
#include <cstdlib>
#include <string>
void *library;
void open_it() {{ library = dlopen("/usr/lib/libx.so.1", RTLD_NOW); if (!library) std::exit(1); }}
int serve(int sock) {{
    char buffer[256];
    ssize_t n = recv(sock, buffer, sizeof buffer - 1, 0);
    if (n <= 0) return -1;
    buffer[n] = 0;
    std::string s(buffer);
    QString q = QString::fromUtf8(buffer);
    {0}
    return 0;
}}
"""
WINDOWS = """\
#include <windows.h>
HMODULE library;
void open_it() {{
    library = LoadLibraryExW(L"version.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!library) ExitProcess(1);
}}
int serve(SOCKET sock) {{
    char t[256];
    int n = recv(sock, t, sizeof t - 1, 0);
    if (n <= 0) return -1;
    t[n] = 0;
    {0}
    return 0;
}}
"""

INTERFACES = [
    (POSIX, 't, "/usr/bin/tool"', 78, "execve({}, 0, 0);"),
    (POSIX, 't, "/usr/bin/tool"', 78, "execle({0}, {0}, (char *)0, env);"),
    (POSIX, 't, "/usr/bin/tool -v"', 78, "g_spawn_command_line_async({}, 0);"),
    (POSIX, 't, "ls"', 78, 'char *a[] = {{"/bin/sh", "-c", {}, 0}}; g_spawn_sync(0, a, 0, 0, 0, 0, 0, 0, 0, 0);'),
    (POSIX, 't, "/usr/lib/tool.lua"', 94, "luaL_loadfile(L, {});"),
    (POSIX, 't, "return 1"', 94, "luaL_dostring(L, {});"),
    (POSIX, 't, "print(1)"', 94, "PyRun_SimpleString({});"),
    (POSIX, 't, "1"', 94, "duk_eval_string(ctx, {});"),
    (POSIX, 't, "/srv/a"', 22, 'fopen({}, "r");'),
    (POSIX, 't, "/srv/a"', 22, "unlink({});"),
    (POSIX, 't, "/srv/a"', 22, 'rename("/srv/new", {});'),
    (POSIX, 't, "/srv/a"', 22, "opendir({});"),
    (CPP, 'q, "/usr/bin/tool"', 78, "QProcess p; p.start({}, QStringList());"),
    (CPP, 's, "/usr/bin/tool"', 78, "boost::process::child c({});"),
    (CPP, 's, "/usr/bin/tool"', 78, "Poco::Process::launch({}, args);"),
    (CPP, 'q, "1"', 94, "QJSEngine e; e.evaluate({});"),
    (CPP, 's, "print(1)"', 94, "pybind11::exec({});"),
    (CPP, 's, "/srv/a"', 22, "std::ofstream f({});"),
    (CPP, 's, "/srv/a"', 22, "std::filesystem::remove_all({});"),
    (CPP, 'q, "/srv/a"', 22, "QFile::remove({});"),
    (WINDOWS, 't, "C:\\\\tool.exe"', 78, 'ShellExecuteA(0, "open", {}, 0, 0, 1);'),
    (WINDOWS, 't, "C:\\\\tool.exe"', 78, "CreateProcessA({}, 0, 0, 0, 0, 0, 0, 0, &si, &pi);"),
    (WINDOWS, 't, "C:\\\\tool.exe"', 78, "_spawnl(0, {0}, {0}, NULL);"),
    (WINDOWS, 't, "C:\\\\srv\\\\a"', 22, "DeleteFileA({});"),
    (WINDOWS, 't, "C:\\\\srv\\\\a"', 22, 'MoveFileA("C:\\\\srv\\\\new", {});'),
]


def told(folder: Path, program: str, statement: str) -> set[int]:
    """The weaknesses that are told of the line with a statement."""
    path = folder / ("a.c" if program is POSIX else "a.cpp")
    path.write_text(program.format(statement))
    line = path.read_text().splitlines().index(f"    {statement}") + 1
    claims = (result.claim for result in review([path], Options()).results)
    return {c.cwe for c in claims if isinstance(c, Finding) and c.cwe is not None and c.location.start == line}


@pytest.mark.parametrize(("program", "given", "cwe", "call"), INTERFACES, ids=[call for *_, call in INTERFACES])
def test_what_a_client_sends_is_followed_into_the_interface(
    tmp_path: Path, program: str, given: str, cwe: int, call: str
) -> None:
    sent, own = given.split(", ")
    assert cwe in told(tmp_path, program, call.format(sent))
    assert cwe not in told(tmp_path, program, call.format(own))


@pytest.mark.parametrize(
    ("cwe", "statement"),
    [
        (
            22,
            """if (strchr(t, '/') || t[0] == '.') return -1; char p[400]; snprintf(p, 400, "/srv/%s", t); unlink(p);""",
        ),
        (22, 'char p[400]; snprintf(p, 400, "/srv/%d", atoi(t)); unlink(p);'),
        (78, 'if (strcmp(t, "/usr/bin/a") != 0) return -1; execl(t, t, (char *)0);'),
        (94, 'if (strcmp(t, "reset()") != 0) return -1; luaL_dostring(L, t);'),
    ],
)
def test_what_was_asked_about_is_no_longer_the_clients(tmp_path: Path, cwe: int, statement: str) -> None:
    assert cwe not in told(tmp_path, POSIX, statement)
