"""The Python code blocks of the README and the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code and where it stands."""

    page: Path
    line: int
    source: str

    def __str__(self) -> str:
        return f"{self.page.stem}_{self.line}"

    @property
    def is_test(self) -> bool:
        """Whether pytest is to run it."""
        return re.search(r"^(async )?def test_", self.source, re.MULTILINE) is not None


def blocks() -> list[Block]:
    """Return every block, page by page."""
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, found[2])
        for page in PAGES
        for text in [page.read_text()]
        for found in _BLOCK.finditer(text)
    ]
