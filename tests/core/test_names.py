from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadstone.core.names import (
    NAMING,
    Platform,
    base_of,
    candidates,
    has_directory,
    is_library,
    platform_named,
    validate_name,
    validate_symbol,
    validate_version,
)
from loadstone.errors import InvalidName

LINUX = Platform.LINUX


def names(name: str, version: str | None = None, platform: Platform = LINUX, **options: bool) -> list[str]:
    return [c.name for c in candidates(name, version, platform, **options)]


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("/D/mylib", None, ["/D/mylib", "/D/mylib.so", "/D/libmylib", "/D/libmylib.so"]),
        ("/D/mylib", "1", ["/D/mylib", "/D/mylib.so.1", "/D/libmylib", "/D/libmylib.so.1"]),
        ("mylib", None, ["libmylib.so", "libmylib", "mylib.so", "mylib"]),
        ("mylib", "2", ["libmylib.so.2", "libmylib", "mylib.so.2", "mylib"]),
        ("libmylib", None, ["liblibmylib.so", "liblibmylib", "libmylib.so", "libmylib"]),
        ("sub/mylib", None, ["sub/libmylib.so", "sub/libmylib", "sub/mylib.so", "sub/mylib"]),
        ("m", "6", ["libm.so.6", "libm", "m.so.6", "m"]),
    ],
)
def test_candidates_come_in_the_order_of_qlibrary(name: str, version: str | None, expected: list[str]) -> None:
    assert names(name, version) == expected


@pytest.mark.parametrize("name", ["libz.so.1", "/D/libmylib.so", "./libfoo.so.1.2", "x.abi3.so"])
def test_a_complete_file_name_is_tried_as_it_is(name: str) -> None:
    assert names(name) == [name]


def test_a_version_is_put_into_a_complete_name_not_behind_it() -> None:
    assert names("/D/libmylib.so", "1") == ["/D/libmylib.so.1"]
    assert names("libssl.so.3", "3") == ["libssl.so.3"]


def test_a_version_that_contradicts_the_name_is_refused() -> None:
    with pytest.raises(InvalidName, match="version of its own"):
        candidates("libssl.so.3", "1", LINUX)


def test_candidates_that_lose_the_version_say_so() -> None:
    lossy = [c.name for c in candidates("mylib", "2", LINUX) if not c.carries_version]
    assert lossy == ["libmylib", "mylib"]
    assert all(c.carries_version for c in candidates("mylib", None, LINUX))


@pytest.mark.parametrize(
    ("platform", "version", "expected"),
    [
        (Platform.MACOS, None, ["libx.so", "libx.bundle", "libx.dylib", "libx", "x.so", "x.bundle", "x.dylib", "x"]),
        (
            Platform.MACOS,
            "1",
            ["libx.so.1", "libx.1.bundle", "libx.1.dylib", "libx", "x.so.1", "x.1.bundle", "x.1.dylib", "x"],
        ),
        (Platform.WINDOWS, None, ["x.dll", "x"]),
        (Platform.WINDOWS, "1", ["x.dll", "x"]),
        (Platform.CYGWIN, None, ["cygx.dll", "cygx", "x.dll", "x"]),
        (Platform.CYGWIN, "1", ["cygx-1.dll", "cygx", "x-1.dll", "x"]),
        (Platform.AIX, "1", ["libx.a", "libx", "x.a", "x"]),
        (Platform.HPUX, "1", ["libx.sl.1", "libx.1", "libx", "x.sl.1", "x.1", "x"]),
        (Platform.HPUX_IPF, None, ["libx.so", "libx.sl", "libx", "x.so", "x.sl", "x"]),
    ],
)
def test_each_platform_spells_in_its_own_way(platform: Platform, version: str | None, expected: list[str]) -> None:
    assert names("x", version, platform) == expected


def test_android_also_tries_names_flattened_from_directories() -> None:
    found = names("plugins/x", None, Platform.ANDROID)
    assert found[:2] == ["plugins/libx.so", "plugins/libx_arm64-v8a.so"]
    assert "plugins_libx.so" in found


def test_processor_directories_are_tried_only_when_asked_for() -> None:
    assert not any("glibc-hwcaps" in name for name in names("/D/mylib"))
    asked = candidates("/D/mylib", None, LINUX, processor_dirs=("glibc-hwcaps/x86-64-v3",))
    high = "/D/glibc-hwcaps/x86-64-v3"
    assert [c.name for c in asked] == [
        *(f"{high}/mylib", f"{high}/mylib.so", "/D/mylib", "/D/mylib.so"),
        *(f"{high}/libmylib", f"{high}/libmylib.so", "/D/libmylib", "/D/libmylib.so"),
    ]


@pytest.mark.parametrize(
    ("name", "version", "platform", "expected"),
    [
        ("/D/x", "1", LINUX, ["/D/x", "/D/x.so.1", "/D/libx", "/D/libx.so.1"]),
        ("D/x", "1", LINUX, ["D/libx.so.1", "D/libx", "D/x.so.1", "D/x"]),
        ("x.so.2", "2", LINUX, ["x.so.2"]),
        ("x.dylib", "2", Platform.MACOS, ["x.2.dylib"]),
        ("x.bundle", "2", Platform.MACOS, ["x.2.bundle", "x.bundle/Contents/MacOS/x"]),
        ("x.DLL", "2", Platform.CYGWIN, ["x.DLL"]),
        (r"C:\x", None, Platform.WINDOWS, [r"C:\x", r"C:\x.dll"]),
        (r"a\x", None, Platform.WINDOWS, [r"a\x.dll", r"a\x"]),
    ],
)
def test_what_is_given_whole_comes_first_and_what_is_complete_alone(
    name: str, version: str | None, platform: Platform, expected: list[str]
) -> None:
    if name == "x.DLL":
        with pytest.raises(InvalidName, match="version of its own"):
            candidates(name, version, platform)
    else:
        assert names(name, version, platform) == expected


def test_a_bundle_is_tried_last_on_macos() -> None:
    assert names("/A/bundle", None, Platform.MACOS)[-1] == "/A/libbundle.dylib"
    assert names("Foo.bundle/x", None, Platform.MACOS)[-1] == "Foo.bundle/x"
    assert names("Two.Parts.framework", None, Platform.MACOS)[-1] == "Two.Parts.framework/Two.Parts"
    assert names("/A/Foo.framework", None, Platform.MACOS)[-1] == "/A/Foo.framework/Foo"
    assert names("/A/Foo.bundle", None, Platform.MACOS)[-1] == "/A/Foo.bundle/Contents/MacOS/Foo"


def test_an_archive_member_stays_behind_the_suffix() -> None:
    assert names("x(shr.o)", None, Platform.AIX, archive_member=True)[0] == "libx.a(shr.o)"
    assert names("x(shr.o)", None, Platform.AIX)[0] == "libx(shr.o).a"


# The truth table of QLibrary::isLibrary, observed with Qt 6.11 on Linux.
TRUE = [
    *("x.so", "x.so.0", "x.so.1.0.0", "x.so.1.2.3.4.5", "x.so.007", "libc-2.7.so", "liboil-0.3.so.0.1.0"),
    *("/a/b.so", "x.1.so", "system.qt.test.x.so", "x.tar.so", "x.abi3.so", "x.cpython-311-x86_64-linux-gnu.so"),
    *(".so", ".so.1", ".hidden.so", "x..so", " x.so", "x .so"),
]
FALSE = [
    *("x", "so", "", ".", "..", "/", "x.so/", "/a.so/b", "x.SO", "x.So", "x.so2", "x.so-1", "x.bad", "x.a", "x.sl"),
    *("x.dll", "X.DLL", "x.dylib", "x.bundle", "x.pyd", "x.so.", "x.so..1", "x.so.1.", "x.so.1a", "x.so.a"),
    *("x.so.0x1", "x.so.1e3", "x.so.1-2", "x.so.1.so", "x.so.so", "x.so.debug", "x.so.1.debug", "x.so ", "x.so\n"),
    *("x.so\0", "x.so.\u0661", "x.so.\u00b2"),
]
ACCIDENTS = ["x.so.-1", "x.so.+1", "x.so. 1", "x.so.1 ", "x.so.1\n", "x.so.1\0", "x\0.so"]


@pytest.mark.parametrize("name", TRUE)
def test_names_that_are_libraries(name: str) -> None:
    assert is_library(name, LINUX)
    assert is_library(name, LINUX, strict=False)


@pytest.mark.parametrize("name", FALSE)
def test_names_that_are_no_libraries(name: str) -> None:
    assert not is_library(name, LINUX)
    assert not is_library(name, LINUX, strict=False)


@pytest.mark.parametrize("name", ACCIDENTS)
def test_accidents_of_qt_are_true_only_when_asked_for(name: str) -> None:
    assert not is_library(name, LINUX)
    assert is_library(name, LINUX, strict=False)


def test_versions_may_be_of_any_length_but_not_in_qts_way_of_counting() -> None:
    assert is_library("x.so.2147483648", LINUX)
    assert is_library("x.so.2147483647", LINUX, strict=False)
    assert not is_library("x.so.2147483648", LINUX, strict=False)


@pytest.mark.parametrize(
    ("platform", "name", "expected"),
    [
        (Platform.WINDOWS, "x.dll", True),
        (Platform.WINDOWS, "C:\\a.b\\X.DLL", True),
        (Platform.WINDOWS, "x.dll.1", False),
        (Platform.CYGWIN, "cygx-1.dll", True),
        (Platform.MACOS, "libx.1.0.0.dylib", True),
        (Platform.MACOS, "x.bundle", True),
        (Platform.MACOS, "x.so.1", True),
        (Platform.MACOS, "libx.1.0.0.foo", False),
        (Platform.AIX, "x.a", True),
        (Platform.HPUX, "x.sl.1", True),
        (Platform.HPUX, "x.so", False),
        (Platform.HPUX_IPF, "x.so", True),
    ],
)
def test_other_platforms_know_their_own_libraries(platform: Platform, name: str, expected: bool) -> None:
    assert is_library(name, platform) is expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("libz.so\0.png", "control character 0x00 at position 7"),
        ("a\x1b[2J", "control character 0x1b"),
        ("a" * 256, "longer than 255 bytes"),
        ("ä" * 128, "longer than 255 bytes"),
        ("x" * 1_000_000, "1000000 characters"),
        (3, "not int"),
        (None, "not NoneType"),
    ],
)
def test_names_no_loader_should_see_are_refused_with_the_reason(name: object, reason: str) -> None:
    with pytest.raises(InvalidName, match=reason) as caught:
        validate_name(name)
    assert caught.value.advice


def test_a_name_may_be_as_long_as_the_system_takes_it() -> None:
    part = "a" * 255
    assert validate_name(part) == part
    assert validate_name(f"/{part}/{'ä' * 127}")
    whole = "/a" * 2048
    assert validate_name(whole) == whole
    with pytest.raises(InvalidName, match="4097 characters, a path may have 4096"):
        validate_name(f"{whole}/")
    with pytest.raises(InvalidName, match="longer than 255 bytes"):
        validate_name("ä" * 64 + "b" * 128)


def test_names_may_be_text_bytes_or_paths(tmp_path: object) -> None:
    assert validate_name(b"libz.so.1") == "libz.so.1"
    assert validate_name(tmp_path) == str(tmp_path)


@pytest.mark.parametrize("version", ["", "../1", "1/2", "1\0", ".1", "1 2", "x" * 65, True, 1.5, b"1"])
def test_versions_that_could_name_something_else_are_refused(version: object) -> None:
    with pytest.raises(InvalidName):
        validate_version(version)


def test_versions_are_numbers_or_text_and_negative_means_none() -> None:
    assert [validate_version(v) for v in (0, 6, "1.2.13", "1.0.0k", None, -1)] == [
        "0",
        "6",
        "1.2.13",
        "1.0.0k",
        None,
        None,
    ]


@pytest.mark.parametrize("symbol", ["", "a\0b", "x" * 70_000, 3])
def test_symbol_names_are_checked_before_the_system_sees_them(symbol: object) -> None:
    with pytest.raises(InvalidName):
        validate_symbol(symbol)


def test_platforms_are_known_by_several_names() -> None:
    assert platform_named("Darwin") is Platform.MACOS
    assert platform_named("freebsd") is Platform.LINUX
    assert has_directory("a\\b", Platform.WINDOWS)
    assert not has_directory("a\\b", LINUX)
    assert base_of("/a/b.so", LINUX) == "b.so"
    with pytest.raises(InvalidName, match="no such platform"):
        platform_named("beos")


@given(st.text(max_size=40), st.sampled_from(list(Platform)))
def test_is_library_never_fails_and_strict_implies_lenient_but_for_long_numbers(name: str, platform: Platform) -> None:
    if is_library(name, platform) and not any(len(piece) > 9 for piece in name.split(".")):
        assert is_library(name, platform, strict=False)


@given(st.from_regex(r"[a-z/]{1,12}", fullmatch=True), st.sampled_from(list(Platform)))
def test_candidates_are_distinct_and_end_in_what_was_asked_for(name: str, platform: Platform) -> None:
    found = names(name, None, platform)
    assert len(set(found)) == len(found)
    assert NAMING[platform].suffixes(None)
