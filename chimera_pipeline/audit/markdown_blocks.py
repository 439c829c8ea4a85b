"""Markdown to blocks, over the syntax tree of markdown-it-py.

A fence tagged md or markdown is read as part of the report; other code, comments and front matter are left out. Tables
whose header is glued to the line before, which no GFM parser sees, are found as well.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from chimera_pipeline.audit.blocks import Block, ScopeStack, Table

_DELIMITER = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_GLUED = re.compile(r"^(\s*[^|\s][^|]*?[^|\s])\s+(\|.*\|)\s*$")
_MAX_DEPTH = 4


@lru_cache(maxsize=1)
def _parser() -> Any:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.core.ruler.disable(["inline", "text_join"])  # passages and cells are read as they are written
    return parser


def blocks(text: str) -> list[Block]:
    """The blocks of a Markdown report in reading order."""
    reader = _Reader()
    reader.read(text, 1, (), 0)
    return reader.blocks


def _unglue(text: str) -> tuple[str, list[int]]:
    """`text` with glued table headers on lines of their own, and the original line of each line."""
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    out, origin = [], []
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        glued = _GLUED.match(line) if "|" in below and _DELIMITER.match(below) else None
        if glued and glued.group(2).count("|") > 2:
            out += [glued.group(1), "", glued.group(2)]
            origin += [number, number, number]
            continue
        out.append(line)
        origin.append(number)
        after_row = _DELIMITER.match(line) or (out[-2:-1] and "|" in line and line.strip().endswith("|"))
        if after_row and below.strip() and "|" not in below and line.strip().startswith("|"):
            out.append("")
            origin.append(number)
    return "\n".join(out), origin


def _front_matter(text: str) -> str:
    if not text.startswith("---\n"):
        return text
    end = text.find("\n---", 4)
    if end < 0 or not re.match(r"(?:[\w-]+:.*\n?|\s.*\n?|\n)*\Z", text[4:end]):
        return text
    head = text[: end + 4]
    return "\n" * head.count("\n") + text[end + 4 :]


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._paragraph = 0

    def read(self, text: str, line: int, outer: tuple[str, ...], depth: int) -> None:
        """Add the blocks of `text`, whose first line is `line` of the report."""
        text, origin = _unglue(_front_matter(text))
        tokens = _parser().parse(text)
        scope = ScopeStack(outer)
        item_open: list[int] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            at = line + origin[min(token.map[0], len(origin) - 1)] if token.map else line
            if token.type == "heading_open":
                content = tokens[index + 1].content
                level = int(token.tag[1])
                scope.heading(level, content)
                self._add(content, at, scope.current()[:-1], heading=True)
                index += 2
            elif token.type == "list_item_open":
                item_open.append(len(scope.items))
            elif token.type == "list_item_close":
                del scope.items[item_open.pop() :]
            elif token.type in {"bullet_list_close", "ordered_list_close"} and not item_open:
                scope.close_lead()
            elif token.type == "table_open":
                index = self._table(tokens, index, line, origin, scope)
                scope.close_lead()
            elif token.type == "inline":
                self._passage(token.content, at, scope, in_item=bool(item_open))
            elif token.type == "fence" and depth < _MAX_DEPTH:
                tag = token.info.strip().split(" ", 1)[0].lower().strip("{}.")
                if tag in {"md", "markdown"}:
                    self.read(token.content, at + 1, scope.current(), depth + 1)
            elif token.type == "html_block":
                self._html(token.content, at, scope)
            index += 1

    def _add(self, text: str, line: int, scope: tuple[str, ...], *, heading: bool = False) -> None:
        self._paragraph += 1
        self.blocks.append(Block(text, line, scope, self._paragraph, heading=heading))

    def _passage(self, content: str, line: int, scope: ScopeStack, *, in_item: bool) -> None:
        self._add(content, line, scope.current())
        if in_item:
            scope.items.append(content)
        else:
            for piece in content.split("\n"):
                scope.passage(piece)

    def _html(self, content: str, line: int, scope: ScopeStack) -> None:
        from chimera_pipeline.audit import html_blocks

        for block in html_blocks.blocks(content, line=line, outer=scope.current()):
            self._paragraph += 1
            self.blocks.append(
                Block(block.text, block.line, block.scope, self._paragraph, block.table, block.cells, block.heading)
            )

    def _table(self, tokens: list[Any], index: int, line: int, origin: list[int], scope: ScopeStack) -> int:
        header: tuple[str, ...] = ()
        cells: list[str] = []
        in_head = True
        at, under = line, scope.current()
        self._paragraph += 1
        while tokens[index].type != "table_close":
            token = tokens[index]
            if token.type == "tbody_open":
                in_head = False
            elif token.type == "tr_open":
                cells = []
                at = line + origin[min(token.map[0], len(origin) - 1)] if token.map else at
            elif token.type == "inline":
                cells.append(token.content)
            elif token.type == "tr_close" and in_head:
                header = tuple(cells)
            elif token.type == "tr_close":
                text = "| " + " | ".join(cells) + " |"
                self.blocks.append(Block(text, at, under, self._paragraph, Table(header), tuple(cells)))
            index += 1
        return index
