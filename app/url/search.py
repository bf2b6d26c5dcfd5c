"""`$search` expressions: words, phrases, NOT, AND, OR, and the incomplete search string.

AND, OR and NOT are operators only where one can stand and are words elsewhere; they need blanks around them.
URL Conventions 4.01 §5.1.8; ABNF searchExpr.
"""

from __future__ import annotations

import re

from app.url.lexer import STRING, Reader
from app.url.nodes import Search, SearchAnd, SearchNot, SearchOr, SearchPrefix, SearchTerm

_STRING = re.compile(STRING).match
_PHRASE = re.compile(r'"([^"]++)"').match
_WORD = re.compile(r"[^\s\"();'][^\s\"();]*+").match
_WORD_WITH_SEMICOLON = re.compile(r"[^\s\"()'][^\s\"()]*+").match
_GAP = re.compile(r"[ \t]++").match
# An operator is followed by a blank and something that is not the end of the group.
_OPERATOR = re.compile(r"(AND|OR|NOT)[ \t]++(?![);\s]|\Z)").match
_WORDS_OUTSIDE_QUOTES = re.compile(r"(?:\"|%22).*?(?:\"|%22)|^ *+(?:'|%27).*")


def literal_semicolon(raw: str) -> bool:
    """Whether a raw `$search` value has an unescaped semicolon outside quotes, which the grammar refuses."""
    return ";" in raw and ";" in _WORDS_OUTSIDE_QUOTES.sub("", raw)


class SearchReader(Reader):
    """The rules of `$search`."""

    __slots__ = ()

    def search(self, *, semicolon: bool = False) -> Search:
        """A search expression or an incomplete search string; with `semicolon` words may contain one."""
        self.blanks()
        incomplete = _STRING(self.text, self.position)
        if incomplete is not None:
            self.position = incomplete.end()
            return SearchPrefix(incomplete[0][1:-1].replace("''", "'"))
        return self._alternatives(semicolon)

    def _alternatives(self, semicolon: bool) -> Search:
        self.nest()
        operands = [self._conjunction(semicolon)]
        while self._operator("OR"):
            operands.append(self._conjunction(semicolon))
        self.level -= 1
        return operands[0] if len(operands) == 1 else SearchOr(tuple(operands))

    def _conjunction(self, semicolon: bool) -> Search:
        operands = [self._negation(semicolon)]
        while True:
            before = self.position
            gap = _GAP(self.text, before)
            if gap is None:
                break
            found = _OPERATOR(self.text, gap.end())
            if found is not None and found[1] == "OR":
                break
            self.position = found.end() if found is not None and found[1] == "AND" else gap.end()
            if self.peek() in ("", ")", ";"):
                self.position = before
                break
            operands.append(self._negation(semicolon))
        return operands[0] if len(operands) == 1 else SearchAnd(tuple(operands))

    def _operator(self, word: str) -> bool:
        gap = _GAP(self.text, self.position)
        found = gap and _OPERATOR(self.text, gap.end())
        if found and found[1] == word:
            self.position = found.end()
            return True
        return False

    def _negation(self, semicolon: bool) -> Search:
        found = _OPERATOR(self.text, self.position)
        if found is None or found[1] != "NOT":
            return self._term(semicolon)
        self.position = found.end()
        self.nest()
        operand = self._negation(semicolon)
        self.level -= 1
        return SearchNot(operand)

    def _term(self, semicolon: bool) -> Search:
        self.count("terms in a search")
        if self.take("("):
            self.blanks()
            inner = self._alternatives(semicolon)
            self.blanks()
            self.expect(")")
            return inner
        found = _PHRASE(self.text, self.position)
        if found is not None:
            self.position = found.end()
            return SearchTerm(found[1], True)
        found = (_WORD_WITH_SEMICOLON if semicolon else _WORD)(self.text, self.position)
        if found is None:
            self.fail("a word, a phrase in double quotes or '('")
        self.position = found.end()
        return SearchTerm(found[0])
