"""Subscription filters: the documented expression language over message attributes.

    filter     := term (AND term)* | term (OR term)*        AND and OR are mixed only with parentheses
    term       := [NOT | -] primary
    primary    := ( filter ) | attributes:KEY | attributes.KEY = "v" | attributes.KEY != "v"
                | hasPrefix(attributes.KEY, "p")
    KEY        := letters, digits, hyphens and underscores, or a string literal

`attributes.k != "v"` also holds for a message without k, as with the real service.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from infra.local.pubsub.errors import InvalidArgumentError

Attributes = Mapping[str, str]
Filter = Callable[[Attributes], bool]

MAX_FILTER_BYTES = 256

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<symbol>!=|[=:.,()])
      | (?P<minus>-(?=\s*(?:attributes|hasPrefix|\()))
      | (?P<word>[\w-]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_LITERAL_ESCAPES = "\\\"'`?"


def parse(text: str) -> Filter:
    """Turn a filter expression into a predicate over attributes; an empty one admits everything.

    Raises InvalidArgumentError that says what was expected and where.
    """
    if len(text.encode()) > MAX_FILTER_BYTES:
        raise InvalidArgumentError(f"A filter may have {MAX_FILTER_BYTES} bytes, this one is longer.")
    if not text.strip():
        return lambda attributes: True
    return _Parser(text).parse()


class _Token(NamedTuple):
    kind: str  # string, symbol, minus, word or end
    text: str
    position: int


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0

    def parse(self) -> Filter:
        result = self._expression()
        if self._peek().kind != "end":
            raise self._expected("AND, OR or the end of the filter")
        return result

    def _expression(self) -> Filter:
        terms = [self._term()]
        operator = ""
        while self._peek().kind == "word" and self._peek().text in ("AND", "OR"):
            if operator and self._peek().text != operator:
                raise self._expected("parentheses where AND and OR are combined")
            operator = self._take().text
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        if operator == "AND":
            return lambda attributes: all(term(attributes) for term in terms)
        return lambda attributes: any(term(attributes) for term in terms)

    def _term(self) -> Filter:
        token = self._peek()
        if token.kind == "minus" or (token.kind == "word" and token.text == "NOT"):
            self._take()
            inner = self._primary()
            return lambda attributes: not inner(attributes)
        return self._primary()

    def _primary(self) -> Filter:
        token = self._peek()
        if token.kind == "symbol" and token.text == "(":
            self._take()
            inner = self._expression()
            self._symbol(")")
            return inner
        if token.kind == "word" and token.text == "hasPrefix":
            return self._has_prefix()
        if token.kind == "word" and token.text == "attributes":
            return self._comparison()
        raise self._expected("attributes, hasPrefix, NOT or '('")

    def _has_prefix(self) -> Filter:
        self._take()
        self._symbol("(")
        self._word("attributes")
        self._symbol(".")
        key = self._key()
        self._symbol(",")
        prefix = self._string()
        self._symbol(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    def _comparison(self) -> Filter:
        self._take()
        if self._is_symbol(":"):
            self._take()
            present = self._key()
            return lambda attributes: present in attributes
        if not self._is_symbol("."):
            raise self._expected("':' or '.' after attributes")
        self._take()
        key = self._key()
        if self._is_symbol("="):
            self._take()
            equal = self._string()
            return lambda attributes: attributes.get(key) == equal
        if self._is_symbol("!="):
            self._take()
            unequal = self._string()
            return lambda attributes: attributes.get(key) != unequal
        raise self._expected("'=' or '!='")

    def _key(self) -> str:
        token = self._peek()
        if token.kind == "string":
            return self._string()
        if token.kind == "word":
            return self._take().text
        raise self._expected("an attribute key")

    def _string(self) -> str:
        if self._peek().kind != "string":
            raise self._expected("a string in double quotes")
        token = self._take()
        return _ESCAPE.sub(lambda match: _unescape(match, token.position), token.text[1:-1])

    def _word(self, text: str) -> None:
        if self._peek().kind != "word" or self._peek().text != text:
            raise self._expected(text)
        self._take()

    def _symbol(self, text: str) -> None:
        if not self._is_symbol(text):
            raise self._expected(f"'{text}'")
        self._take()

    def _is_symbol(self, text: str) -> bool:
        return self._peek().kind == "symbol" and self._peek().text == text

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _expected(self, what: str) -> InvalidArgumentError:
        token = self._peek()
        found = "the end" if token.kind == "end" else repr(token.text)
        return InvalidArgumentError(
            f"The filter is not valid at position {token.position}: expected {what}, found {found}."
        )


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            at = end - len(text[position:end].lstrip())
            raise InvalidArgumentError(f"The filter is not valid at position {at}: found {text[at:]!r}.")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    tokens.append(_Token("end", "", end))
    return tokens


def _unescape(match: re.Match[str], position: int) -> str:
    code = match[1]
    if code[0] in "uUx" and len(code) > 1:
        value = int(code[1:], 16)
    elif code.isdigit() and len(code) == 3:
        value = int(code, 8)
    elif code in _PLAIN_ESCAPES:
        return _PLAIN_ESCAPES[code]
    elif code in _LITERAL_ESCAPES:
        return code
    else:
        raise InvalidArgumentError(
            f"The filter's string at position {position} has an unknown escape \\{code}."
        )
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise InvalidArgumentError(
            f"The filter's string at position {position} names no character: \\{code}."
        )
    return chr(value)
