"""Dynamic string tokens, above all what a privileged program does with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadstone.linker.tokens import TokenValues, expand, has_token, stray_tokens

VALUES = TokenValues(origin="/opt/app/bin", platform="x86_64", lib="lib64")
SECURE = TokenValues(origin="/usr/lib/app", secure=True, trusted=("/lib", "/usr/lib"))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("/plain", "/plain"),
        ("$ORIGIN", "/opt/app/bin"),
        ("${ORIGIN}x", "/opt/app/binx"),
        ("$ORIGIN.d", "/opt/app/bin.d"),
        ("$ORIGINx", "$ORIGINx"),
        ("$ORIGIN_", "$ORIGIN_"),
        ("$ORIGIN9", "$ORIGIN9"),
        ("/x/$LIB/$PLATFORM", "/x/lib64/x86_64"),
        ("$", "$"),
        ("$$ORIGIN", "$/opt/app/bin"),
        ("${ORIGIN", "${ORIGIN"),
        ("${LIB", "${LIB"),
    ],
)
def test_tokens_are_expanded(text: str, expanded: str) -> None:
    assert expand(text, VALUES) == expanded


def test_a_token_without_a_value_voids_the_element() -> None:
    assert expand("$ORIGIN/x", TokenValues()) is None


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$ORIGIN/../app", "/usr/lib/app/../app"),
        ("$ORIGIN", "/usr/lib/app"),
        ("$ORIGIN/../../../tmp", None),
        ("/x$ORIGIN", None),
        ("$ORIGIN.d", None),
        ("/plain", "/plain"),
    ],
)
def test_a_privileged_program_expands_origin_only_into_trusted_directories(text: str, expanded: str | None) -> None:
    assert expand(text, SECURE) == expanded


def test_a_trusted_directory_may_be_written_with_a_final_slash() -> None:
    values = TokenValues(origin="/usr/lib/app", secure=True, trusted=("/usr/lib/",))
    assert expand("$ORIGIN", values) == "/usr/lib/app"
    assert expand("$ORIGIN/../../libx", values) is None


def test_strays_are_named() -> None:
    assert stray_tokens("$ORIGINAL:$HOME/$LIB:$") == ("$ORIGINAL", "$HOME", "$")


@given(st.text(alphabet="$ORIGNLIBPATFM{}/_x9", max_size=40))
def test_expansion_leaves_text_without_tokens_alone(text: str) -> None:
    if not has_token(text):
        assert expand(text, VALUES) == text
