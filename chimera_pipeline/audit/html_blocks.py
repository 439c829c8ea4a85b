"""HTML to the same blocks as Markdown, with the parser of the standard library.

Text of script, style, code and hidden elements is left out; tables, headings and lists keep their meaning.
"""

from __future__ import annotations

from html.parser import HTMLParser

from chimera_pipeline.audit import citations
from chimera_pipeline.audit.blocks import Block, ScopeStack, Table

_SKIPPED = frozenset({"script", "style", "pre", "template", "noscript", "svg", "head", "title", "textarea", "math"})
_BREAKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "aside",
        "nav",
        "blockquote",
        "figure",
        "figcaption",
        "dl",
        "dt",
        "dd",
        "summary",
        "details",
        "ul",
        "ol",
        "body",
        "html",
        "form",
        "address",
        "hr",
    ]
)
_VOID = frozenset(
    ["br", "hr", "img", "input", "meta", "link", "col", "area", "base", "embed", "source", "track", "wbr"]
)


def blocks(text: str, *, line: int = 1, outer: tuple[str, ...] = ()) -> list[Block]:
    """The blocks of an HTML report (or fragment that begins in `line`) in reading order."""
    reader = _Reader(line, outer)
    reader.feed(text)
    reader.close()
    reader.flush()
    return reader.blocks


_ROW_GROUPS = frozenset(["thead", "tbody", "tfoot", "caption", "colgroup"])


class _Reader(HTMLParser):
    def __init__(self, line: int, outer: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._first = line - 1
        self._scope = ScopeStack(outer)
        self._text: list[str] = []
        self._line = line
        self._skip: list[str] = []
        self._paragraph = 0
        self._heading = 0
        self._lists: list[int] = []
        self._row: list[str] | None = None
        self._row_is_head = False
        self._header: tuple[str, ...] = ()
        self._group: tuple[str, ...] = ()
        self._cell: list[str] | None = None
        self._cited: list[str] = []
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        hidden = any(
            name == "hidden" or (name == "style" and "display:none" in (value or "").replace(" ", ""))
            for name, value in attrs
        )
        if tag not in _VOID and (self._skip or tag in _SKIPPED or hidden):
            self._skip.append(tag)
        elif tag == "code":
            self._put("`")
        elif tag == "a":
            self._link = citations.label_of_link(dict(attrs).get("href") or "")
        elif tag == "br":
            self._put("\n" if self._cell is None else " ")
        elif tag in {"td", "th"}:
            self._close_cell()
            self._cell = []
            self._row_is_head = self._row_is_head and tag == "th"
        elif tag in _ROW_GROUPS:
            self._close_row()
        elif tag == "tr":
            self._close_row()  # </td> and </tr> may be left out
            self.flush()
            self._row, self._row_is_head = [], True
            self._line = self._first + self.getpos()[0]
        elif tag == "table":
            self._close_row()
            self.flush()
            self._header, self._group = (), ()
            self._paragraph += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.flush()
            self._heading = int(tag[1])
        elif tag == "li":
            self.flush()
            self._lists.append(len(self._scope.items))
        elif tag in _BREAKS:
            self.flush()

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if self._skip:
            if tag in self._skip:
                while self._skip and self._skip.pop() != tag:
                    pass
        elif tag == "code":
            self._put("`")
        elif tag == "a":
            self._cite()
        elif tag in {"td", "th"}:
            self._close_cell()
        elif tag == "tr" or tag in _ROW_GROUPS:
            self._close_row()
        elif tag == "table":
            self._close_row()
            self.flush()
            self._group = ()
        elif len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.flush()
            self._heading = 0
        elif tag == "li":
            self.flush()
            if self._lists:
                del self._scope.items[self._lists.pop() :]
        elif tag in _BREAKS:
            self.flush()

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self._skip:
            self._put(data)

    def _put(self, data: str) -> None:
        if self._skip:
            return
        if self._cell is not None:
            self._cell.append(data)
            return
        if not self._text and data.strip():
            self._line = self._first + self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
        if self._text or data.strip():
            self._text.append(data)

    def _cite(self) -> None:
        """A link to a fact's label is a mark such as [F12]: behind its text, or in a cell of its own at a row's end."""
        label, self._link = self._link, ""
        if label and self._row is not None:
            self._cited.append(label)
        elif label:
            self._put(f" [{label}]")

    def _close_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._cell).split()))
        self._cell = None

    def _close_row(self) -> None:
        self._close_cell()
        row, self._row = self._row, None
        cited, self._cited = dict.fromkeys(self._cited), []
        if not row:
            return
        if self._row_is_head and not self._header:
            self._header = tuple(row)
            return
        if len(row) == 1 < len(self._header):  # the head of a group of rows is what they stand under
            self._group = (row[0],) if row[0] else ()
            return
        header = self._header or ("",) * len(row)
        if len(cited) == 1 and len(row) == len(header):
            row.append(f"[{next(iter(cited))}]")
            header = (*header, "Source")
        text = "| " + " | ".join(row) + " |"
        self.blocks.append(
            Block(text, self._line, (*self._scope.current(), *self._group), self._paragraph, Table(header), tuple(row))
        )

    def flush(self) -> None:
        """End the present passage."""
        text = "".join(self._text).strip()
        self._text = []
        if not text:
            return
        self._paragraph += 1
        if self._heading:
            self._scope.heading(self._heading, text)
            self.blocks.append(Block(text, self._line, self._scope.current()[:-1], self._paragraph, heading=True))
            return
        self.blocks.append(Block(text, self._line, self._scope.current(), self._paragraph))
        if self._lists:
            self._scope.items.append(text)
        else:
            for piece in text.split("\n"):
                self._scope.passage(piece)
