"""A place in a list of tokens, and the steps a recursive descent takes from there."""

from __future__ import annotations

from collections.abc import Sequence

from loadstone.headers.tokens import Token, closing_brackets

__all__ = ["Refused", "TokenCursor"]


class Refused(ValueError):
    """What cannot be taken, and the token where that was seen (None at the end of the text)."""

    def __init__(self, reason: str, token: Token | None, *, advice: str = "") -> None:
        super().__init__(reason)
        self.token = token
        self.advice = advice


class TokenCursor:
    """Tokens and the ``position`` of the next one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.position: int = 0
        self._closing: dict[int, int] | None = None

    def peek(self, ahead: int = 0) -> str:
        """The text of a token that comes, empty at the end."""
        at = self.position + ahead
        return self.tokens[at].text if at < len(self.tokens) else ""

    def kind(self) -> str:
        """The kind of the next token, empty at the end."""
        return self.tokens[self.position].kind if self.position < len(self.tokens) else ""

    def here(self) -> Token | None:
        """The next token, or the last one at the end."""
        at = min(self.position, len(self.tokens) - 1)
        return self.tokens[at] if at >= 0 else None

    def take(self, text: str) -> bool:
        """Take the next token if it is this one."""
        if self.peek() != text:
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        """Take the next token, which must be this one."""
        if not self.take(text):
            raise self.unexpected()

    def unexpected(self, advice: str = "") -> Refused:
        """The error for a token that does not belong here."""
        at_end = self.position >= len(self.tokens)
        return Refused(
            "it ends too early" if at_end else f"it cannot be understood before {self.peek()}",
            self.here(),
            advice=advice,
        )

    def skip_balanced(self) -> None:
        """Take an opening bracket and everything up to the one that closes it."""
        if self._closing is None:
            self._closing = closing_brackets(self.tokens)
        self.position = self._closing.get(self.position, len(self.tokens)) + 1
        if self.position > len(self.tokens):
            self.position = len(self.tokens)
            raise self.unexpected()
