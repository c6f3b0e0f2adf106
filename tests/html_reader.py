"""Reads our pages as a browser would, and stricter."""

from __future__ import annotations

from html.parser import HTMLParser

_WITHOUT_END = frozenset({"meta", "img", "br", "input", "link"})


class Reader(HTMLParser):
    """Collects the tags, and what they refer to, and complains of tags that do not match.

    Attributes:
        open: tags without their end so far.
        tags: all of them.
        references: what the page would load or lead to.
        attributes: of every tag, as a dictionary, in the order of `tags`.
        text: everything between the tags.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        if tag not in _WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def having(self, attribute: str) -> list[dict[str, str | None]]:
        """The attributes of the tags that have this one."""
        return [attributes for attributes in self.attributes if attribute in attributes]
