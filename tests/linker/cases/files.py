"""Candidates that cannot be used: what is passed over, and what ends the search."""

from __future__ import annotations

import struct

from tests.linker.workshop import NOBODY, Question, Workshop, case

SCRIPT = b"/* GNU ld script */\nGROUP ( /lib/x86_64-linux-gnu/libc.so.6 AS_NEEDED ( /lib64/ld-linux-x86-64.so.2 ) )\n"


def _bad_then_good(w: Workshop, bad: bytes) -> Question:
    """A bad libb.so in the first folder, a good one in the second."""
    w.library("two/libb.so")
    w.file("one/libb.so", bad)
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def a_text_file_ends_the_search(w: Workshop) -> Question:
    return _bad_then_good(w, b"this is not a library, it is a sentence that goes on for more than a header\n")


@case
def a_short_text_file_is_too_short(w: Workshop) -> Question:
    return _bad_then_good(w, b"short\n")


@case
def an_empty_file_ends_the_search(w: Workshop) -> Question:
    return _bad_then_good(w, b"")


@case
def a_linker_script_opened(w: Workshop) -> Question:
    w.file("libx.so", SCRIPT)
    return w.ask("libx.so")


@case
def a_web_page_opened(w: Workshop) -> Question:
    w.file("libx.so", b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body></body></html>\n")
    return w.ask("libx.so")


@case
def an_lfs_pointer_opened(w: Workshop) -> Question:
    w.file("libx.so", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n")
    return w.ask("libx.so")


@case
def a_static_archive_opened(w: Workshop) -> Question:
    w.file("libx.a", b"!<arch>\n" + b" " * 80)
    return w.ask("libx.a")


@case
def an_object_file_opened(w: Workshop) -> Question:
    w.library("x.o", "int f(void){return 1;}", "-c", "-r", program=True)
    return w.ask("x.o")


@case
def a_windows_library_opened(w: Workshop) -> Question:
    w.file("x.dll", b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200))
    return w.ask("x.dll")


@case
def a_macos_library_opened(w: Workshop) -> Question:
    w.file("x.dylib", struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 6, 0, 0, 0, 0) + bytes(200))
    return w.ask("x.dylib")


@case
def a_directory_opened(w: Workshop) -> Question:
    w.folder_of("libx.so")
    return w.ask("libx.so")


@case
def a_directory_ends_the_search(w: Workshop) -> Question:
    w.library("two/libb.so")
    w.folder_of("one/libb.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def a_file_that_is_not_there(w: Workshop) -> Question:
    return w.ask("liba.so")


@case
def a_folder_that_is_not_there(w: Workshop) -> Question:
    return w.ask("none/liba.so")


@case
def a_file_below_a_file(w: Workshop) -> Question:
    w.file("file", b"x")
    return w.ask("file/liba.so")


@case
def a_dangling_link(w: Workshop) -> Question:
    w.link("liba.so", "gone.so")
    return w.ask("liba.so")


@case
def a_link_to_itself(w: Workshop) -> Question:
    w.link("liba.so", "liba.so")
    return w.ask("liba.so")


@case
def a_link_to_itself_ends_its_list_only(w: Workshop) -> Question:
    w.library("two/libz.so.1")
    w.link("one/libz.so.1", "libz.so.1")
    w.library("liba.so", needs=["two/libz.so.1"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def a_dangling_link_is_passed_over(w: Workshop) -> Question:
    w.library("two/libb.so")
    w.link("one/libb.so", "gone.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def a_needed_name_longer_than_a_name_may_be(w: Workshop) -> Question:
    w.library("libb.so", soname="x" * 300)
    w.library("liba.so", needs=["libb.so"], runpath=f"{w.path('one')}:{w.path('.')}")
    return w.ask("liba.so")


@case
def an_unreadable_file(w: Workshop) -> Question:
    w.library("liba.so")
    w.open_to_all()
    (w.folder / "liba.so").chmod(0o600)
    return w.ask("liba.so", uid=NOBODY, order_matters=False)


@case
def an_unreadable_file_is_passed_over(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("two/libb.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    w.open_to_all()
    (w.folder / "one/libb.so").chmod(0o600)
    return w.ask("liba.so", uid=NOBODY, order_matters=False)


@case
def an_unreadable_dependency(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    w.open_to_all()
    (w.folder / "one/libb.so").chmod(0o600)
    return w.ask("liba.so", uid=NOBODY, order_matters=False)


@case
def a_folder_that_may_not_be_entered(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    w.open_to_all()
    (w.folder / "one").chmod(0o600)
    return w.ask("liba.so", uid=NOBODY, order_matters=False)


@case
def thirty_two_bits_is_passed_over(w: Workshop) -> Question:
    w.library("one/libb.so", "", "-m32")
    w.library("two/libb.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def thirty_two_bits_and_nothing_else(w: Workshop) -> Question:
    w.library("one/libb.so", "", "-m32")
    w.library("two/libb.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=w.path("one"))
    return w.ask("liba.so")


@case
def thirty_two_bits_opened(w: Workshop) -> Question:
    w.library("liba.so", "", "-m32")
    return w.ask("liba.so")


@case
def another_machine_is_passed_over(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.patch("one/libb.so", 18, b"\xb7\0")
    w.library("two/libb.so")
    w.library("liba.so", needs=["two/libb.so"], runpath=f"{w.path('one')}:{w.path('two')}")
    return w.ask("liba.so")


@case
def another_machine_opened(w: Workshop) -> Question:
    w.library("liba.so")
    w.patch("liba.so", 18, b"\xb7\0")
    return w.ask("liba.so")


@case
def another_machine_and_nothing_else(w: Workshop) -> Question:
    w.library("one/libb.so")
    w.library("liba.so", needs=["one/libb.so"], runpath=w.path("one"))
    w.patch("one/libb.so", 18, b"\xb7\0")
    return w.ask("liba.so")


def _patched(w: Workshop, offset: int, data: bytes) -> Question:
    w.library("liba.so")
    w.patch("liba.so", offset, data)
    return w.ask("liba.so")


@case
def the_other_byte_order(w: Workshop) -> Question:
    return _patched(w, 5, b"\2")


@case
def an_unknown_byte_order(w: Workshop) -> Question:
    return _patched(w, 5, b"\7")


@case
def an_unknown_class(w: Workshop) -> Question:
    return _patched(w, 4, b"\7")


@case
def an_unknown_identification_version(w: Workshop) -> Question:
    return _patched(w, 6, b"\2")


@case
def the_abi_of_freebsd(w: Workshop) -> Question:
    return _patched(w, 7, b"\x09")


@case
def the_abi_of_gnu(w: Workshop) -> Question:
    return _patched(w, 7, b"\x03")


@case
def an_abi_version_gnu_knows(w: Workshop) -> Question:
    return _patched(w, 7, b"\x03\x01")


@case
def the_last_abi_version_gnu_knows(w: Workshop) -> Question:
    return _patched(w, 7, b"\x03\x03")


@case
def an_abi_version_gnu_does_not_know(w: Workshop) -> Question:
    return _patched(w, 7, b"\x03\x04")


@case
def an_abi_version_without_gnu(w: Workshop) -> Question:
    return _patched(w, 8, b"\x01")


@case
def padding_that_is_not_zero(w: Workshop) -> Question:
    return _patched(w, 12, b"\x01")


@case
def an_unknown_version(w: Workshop) -> Question:
    return _patched(w, 20, b"\x02")


@case
def a_core_file_by_its_type(w: Workshop) -> Question:
    return _patched(w, 16, b"\x04")


@case
def a_program_header_size_that_is_wrong(w: Workshop) -> Question:
    return _patched(w, 54, b"\x20")


@case
def program_headers_beyond_the_file(w: Workshop) -> Question:
    return _patched(w, 32, struct.pack("<Q", 1 << 30))


@case
def sections_play_no_part(w: Workshop) -> Question:
    return _patched(w, 40, struct.pack("<Q", 1 << 40))


@case
def a_header_and_nothing_more(w: Workshop) -> Question:
    w.library("whole.so")
    w.file("liba.so", (w.folder / "whole.so").read_bytes()[:64])
    return w.ask("liba.so")


@case
def half_a_header(w: Workshop) -> Question:
    w.library("whole.so")
    w.file("liba.so", (w.folder / "whole.so").read_bytes()[:40])
    return w.ask("liba.so")
