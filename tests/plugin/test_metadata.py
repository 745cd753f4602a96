"""Metadata in real files: our own format through its C header, Qt's through every carrier."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import cbor2
import pytest
from tests.conftest import Compile

from loadstone.errors import MalformedImage, NotVerified, Unreadable
from loadstone.plugin import Carrier, Framework, Plugin, catalog, include_dir

OWN = '{"iid": "org.example.Codec/2", "name": "flac", "data": {"rates": [44100]}}'
QT = {2: "org.example.Iface/1", 3: "Painter", 4: {"Keys": ["a"]}, 5: "example"}


def own_source(text: str) -> str:
    return f"#include <loadstone_plugin.h>\nLOADSTONE_PLUGIN({json.dumps(text)});\nint answer(void) {{ return 42; }}\n"


def array(data: bytes) -> str:
    return "{" + ",".join(map(str, data)) + "}"


def note_source(body: bytes) -> str:
    padded = body + b"\0" * (-len(body) % 4)
    return (
        f"static const struct {{ unsigned n, d, t; char o[12]; unsigned char c[{len(padded)}]; }} note "
        f'__attribute__((section(".note.qt.metadata"), used, aligned(8))) = '
        f'{{12, {len(body)}, 0x74510001, "qt-project!", {array(padded)}}};\n'
    )


def section_source(body: bytes, section: str = ".qtmetadata") -> str:
    return f'const unsigned char meta[] __attribute__((section("{section}"), used)) = {array(body)};\n'


def cbor_body(root: object, *, form: int = 1, wants: int = 1) -> bytes:
    return bytes((form, 6, 5, wants)) + cbor2.dumps(root)


@pytest.fixture
def own_plugin(compile_library: Compile) -> Path:
    return compile_library(own_source(OWN), "libflac_codec.so", f"-I{include_dir()}")


def test_our_own_format_is_read_from_the_note_its_header_made(own_plugin: Path) -> None:
    plugin = Plugin(own_plugin)
    assert plugin.metadata is not None
    assert plugin.metadata.framework is Framework.LOADSTONE
    assert plugin.metadata.carrier is Carrier.NOTE
    assert (plugin.iid, plugin.class_name, dict(plugin.data)) == ("org.example.Codec/2", "flac", {"rates": [44100]})
    assert plugin.problems == ()


def test_the_note_survives_stripping(compile_library: Compile) -> None:
    stripped = compile_library(own_source(OWN), "libstripped.so", f"-I{include_dir()}", "-s", "-Wl,--gc-sections")
    assert Plugin(stripped).iid == "org.example.Codec/2"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "JSON that is not an object"),
        ("{}", "no interface identifier"),
        ('{"iid": "a", "iid": "b"}', "the key iid again"),
        ('{"iid": "a", "data": 1}', "the key data must be an object"),
        ('{"iid": "a", "data": {"x": NaN}}', "NaN is not JSON"),
        ('{"iid": ', "not JSON: Expecting value"),
        ("[" * 30_000, "JSON that cannot be accepted"),
        ('"' + "x" * 70_000 + '"', "70002 bytes of JSON, more than 65536"),
        ("\udcff", "JSON that is not UTF-8"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_each_fault_of_our_own_format_is_a_problem_with_a_place(text: str, problem: str) -> None:
    from loadstone.plugin.own import decode

    found = decode(text.encode(errors="surrogateescape") + b"\0", 0x1000)
    assert found is not None
    assert any(problem in p.what and p.offset >= 0x1000 for p in found.problems), found.problems


def test_qt_metadata_is_read_from_a_note(compile_library: Compile) -> None:
    plugin = Plugin(compile_library(note_source(cbor_body(QT, wants=0x83)), "libqtnote.so"))
    assert plugin.metadata is not None
    assert plugin.metadata.carrier is Carrier.NOTE
    assert (plugin.iid, plugin.class_name, plugin.qt_version) == ("org.example.Iface/1", "Painter", (6, 5))
    assert (plugin.debug, plugin.metadata.arch_level, plugin.metadata.uri) == (True, 3, "example")
    assert dict(plugin.data) == {"Keys": ["a"]}
    assert plugin.problems == ()


@pytest.mark.parametrize("compiler", ["gcc", "x86_64-w64-mingw32-gcc"], ids=["elf", "pe"])
def test_qt_metadata_is_read_from_a_section_behind_its_marker(compiler: str, compile_library: Compile) -> None:
    source = section_source(b"QTMETADATA !" + cbor_body(QT, form=0, wants=0b011))
    source += "int DllMainCRTStartup(void *image, unsigned why, void *more) { return image && !why && !more; }\n"
    plugin = Plugin(compile_library(source, "libqtsection.so", "-nostdlib", compiler=compiler))
    assert plugin.metadata is not None
    assert plugin.metadata.carrier is Carrier.SECTION
    assert (plugin.iid, plugin.debug, plugin.metadata.arch_level) == ("org.example.Iface/1", True, 3)


def test_binary_json_of_qt_5_is_read_behind_its_marker(compile_library: Compile) -> None:
    from tests.plugin.test_binary_json import WRITTEN_BY_QT

    plugin = Plugin(compile_library(section_source(b"QTMETADATA  " + WRITTEN_BY_QT), "libqt5.so"))
    assert plugin.iid == "org.qt-project.x"
    assert dict(plugin.data) == {"Keys": ["a", "b"], "é": 1}


def test_a_section_that_can_be_written_is_a_problem(compile_library: Compile) -> None:
    source = section_source(b"QTMETADATA !" + cbor_body(QT)).replace("const ", "")
    plugin = Plugin(compile_library(source, "libwritable.so"))
    assert any("writable" in p.what for p in plugin.problems)


def decoded(body: bytes) -> Any:
    from loadstone.plugin.qt import decode

    found = decode(body, 0x100, bare=True)
    assert found is not None
    return found


def raw_map(*pairs: tuple[object, bytes]) -> bytes:
    return bytes((1, 6, 5, 1, 0xA0 | len(pairs))) + b"".join(cbor2.dumps(key) + value for key, value in pairs)


def text(value: str) -> bytes:
    return cbor2.dumps(value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\x01\x06", "a header of 4 bytes where 2 are left"),
        (b"\x01\x06\x05\x01", "an item of 1 bytes where 0 are left"),
        (b"\x02\x06\x05\x01" + cbor2.dumps(QT), "metadata format 2"),
        (b"\x01\x06\x05\x01" + cbor2.dumps([1]), "the metadata is not a map"),
        (raw_map((2, text("a")), (2, text("b"))), "the key 2 (IID) again"),
        (raw_map((2, text("a")), ("IID", text("evil"))), "the text key IID shadows a well-known one"),
        (raw_map((2, text("a")), ("x", text("1")), ("x", text("2"))), "the key x again"),
        (raw_map((2, text("a")), (0, text("b"))), "the reserved key 0 (version)"),
        (raw_map((2, text("a")), (99, text("b"))), "an unknown key 99"),
        (raw_map((2, text("a")), (True, text("b"))), "a key that is neither a number nor a text"),
        (raw_map((2, text("a")), (b"k", text("b"))), "a key that is neither a number nor a text"),
        (raw_map((2, cbor2.dumps(7))), "IID is not a text"),
        (raw_map((2, text("a")), (4, text("b"))), "MetaData is not an object"),
        (raw_map((2, b"\x63\xff\xfe\xfd")), "text that is not UTF-8"),  # kills a process that uses Qt 6.11.0
        (raw_map((2, b"\x7b" + b"\xff" * 8)), "a text of 18446744073709551615 bytes"),  # and so does this
        (raw_map((2, text("a"))) + b"trailing", "8 bytes behind the metadata that are not padding"),
    ],
)
def test_each_fault_of_qts_format_is_a_problem_with_a_place_in_the_file(body: bytes, problem: str) -> None:
    problems = decoded(body).problems
    assert any(problem in p.what for p in problems), problems
    assert all(0x100 <= p.offset <= 0x100 + len(body) for p in problems)


def test_factories_and_metadata_disagree_over_a_shadowed_key_and_both_answers_can_be_had(
    compile_library: Compile,
) -> None:
    body = raw_map((2, text("good")), ("IID", text("evil")))
    found = Plugin(compile_library(note_source(body), "libshadow.so")).metadata
    assert found is not None
    assert found.iid == "good"
    assert found.qt_json()["IID"] == "evil"


@pytest.mark.parametrize(("where", "byte"), [(where, byte) for where in range(40) for byte in (0, 0x7F, 0x80, 0xFF)])
def test_any_byte_changed_gives_an_answer(where: int, byte: int) -> None:
    body = bytearray(cbor_body(QT))
    body[where] = byte
    decoded(bytes(body))


def test_a_library_without_metadata_says_so(compile_library: Compile) -> None:
    plugin = Plugin(compile_library("int x;", "libplain.so"))
    assert plugin.metadata is None
    assert (plugin.iid, plugin.class_name, plugin.debug, plugin.qt_version, dict(plugin.data)) == (
        None, None, None, None, {}
    )  # fmt: skip
    assert plugin.problems[0].what == "no plugin metadata in any note or section"


def test_what_is_no_plugin_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(MalformedImage):
        Plugin(tmp_path / "text")
    with pytest.raises(Unreadable):
        Plugin(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"iid": "other"}, "it must implement the host's interface"),
        ({"qt_version": (5, 15)}, "it must be built for the host's Qt"),
        ({"qt_version": (6, 4)}, "it must be built for the host's Qt"),
    ],
)
def test_a_plugin_for_another_host_is_refused(wanted: dict[str, Any], refusal: str, compile_library: Compile) -> None:
    plugin = Plugin(compile_library(note_source(cbor_body(QT)), "libqtnote.so"))
    with pytest.raises(NotVerified, match=refusal):
        plugin.check(**wanted)
    plugin.check(iid="org.example.Iface/1", qt_version=(6, 8))


def test_ambiguous_metadata_is_refused(compile_library: Compile) -> None:
    body = raw_map((2, text("a")), (2, text("b")))
    plugin = Plugin(compile_library(note_source(body), "libtwice.so"))
    with pytest.raises(NotVerified, match="its metadata must be sound"):
        plugin.check()


def test_a_folder_becomes_an_index_by_interface(own_plugin: Path, compile_library: Compile, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    (folder / "sub").mkdir(parents=True)
    for source, name in (
        (own_plugin, "b.so"),
        (compile_library(note_source(cbor_body(QT)), "libqtnote.so"), "sub/a.so"),
        (compile_library("int x;", "libplain.so"), "plain.so"),
    ):
        (folder / name).write_bytes(source.read_bytes())
    (folder / "readme.txt").write_text("not a plugin")
    (folder / "broken.so").write_bytes(b"\x7fELF")
    found = catalog(folder)
    assert found.interfaces == ("org.example.Codec/2", "org.example.Iface/1")
    assert [Path(p.path).name for p in found.implementing("org.example.Iface/1")] == ["a.so"]
    assert [Path(p).name for p in found.libraries] == ["plain.so"]
    assert [Path(r.path).name for r in found.rejected] == ["broken.so"]
    assert [Path(p.path).name for p in catalog(folder, recursive=False).plugins] == ["b.so"]


def test_a_file_that_changed_is_read_again(own_plugin: Path, compile_library: Compile, tmp_path: Path) -> None:
    target = tmp_path / "x.so"
    target.write_bytes(own_plugin.read_bytes())
    assert catalog(tmp_path).interfaces == ("org.example.Codec/2",)
    target.write_bytes(compile_library(note_source(cbor_body(QT)), "libqtnote.so").read_bytes())
    assert catalog(tmp_path).interfaces == ("org.example.Iface/1",)


def test_struct_layout_of_the_note_is_what_the_header_promises(own_plugin: Path) -> None:
    content = own_plugin.read_bytes()
    at = content.index(b"Loadstone\0") - 12
    assert struct.unpack_from("<III", content, at) == (10, len(OWN) + 1, 1)
