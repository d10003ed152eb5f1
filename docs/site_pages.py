"""What MkDocs calls while it builds the site: generated pages, files from outside docs/, links."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# pages that live elsewhere in the repository, and keep their place on the site
ELSEWHERE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    "benchmarks/results/*",
    "kernels/README.md",
)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages and those from elsewhere."""
    from mkdocs.structure.files import File

    sys.path.insert(0, str(ROOT / "docs"))
    import api_reference
    import command_reference
    import settings_reference

    generated = {
        "settings.md": settings_reference.reference_page(),
        "commands.md": command_reference.reference_page(),
        "api.md": api_reference.reference_page(),
    }
    for name, text in generated.items():
        files.append(File.generated(config, name, content=text))
    for pattern in ELSEWHERE:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links between files of the repository lead to the pages of the site.

    A link to a file that has no page becomes its name.
    """
    on_site = {file.src_uri for file in files}
    here = page.file.src_uri
    in_repository = here if is_elsewhere(here) else f"docs/{here}"

    def replaced(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository), target))
        uri = path.removeprefix("docs/")
        if path == "README.md":
            uri = "index.md"
        if uri not in on_site:
            return text if "`" in text else f"`{path}`"
        relative = posixpath.relpath(uri, posixpath.dirname(here) or ".")
        return f"[{text}]({relative}{anchor})"

    return LINK.sub(replaced, markdown)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Show footnotes of docstrings, written ``[1]_`` and ``.. [1]``, as [1]."""
    return re.sub(r"(?:\.\. )?(\[\d+\])_?", r"\1", html) if page.file.src_uri == "api.md" else html


def is_elsewhere(uri: str) -> bool:
    """Say whether a page comes from outside docs/."""
    return any(Path(uri).match(pattern) for pattern in ELSEWHERE)
