"""A self-contained HTML page: a template, and the parts put into it.

Everything is in the file; its content-security policy forbids it to fetch or run anything else. Content from runs is
data, which the page's scripts insert as text, never as HTML.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def page_of(template: str, style: str, scripts: Mapping[str, str], content: Any, asks: bool = False) -> str:
    """Return a page.

    Args:
        template: with {{policy}}, {{style}}, {{content}}, and each script's name likewise.
        style, scripts: inserted; the policy allows no others.
        content: the scripts' data, inserted as JSON.
        asks: whether it may ask the server that it comes from.
    """
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    parts = {
        **scripts,
        "policy": policy_of(style, scripts, asks),
        "style": style,
        # Inside a script element "<" is the only character that can begin HTML.
        "content": text.replace("<", "\\u003c"),
    }
    page, *rest = template.split("{{")
    for part in rest:
        name, _, after = part.partition("}}")
        page += parts[name] + after
    return page


def policy_of(style: str, scripts: Mapping[str, str], asks: bool = False) -> str:
    """Return the content-security policy of a page with this style and these scripts."""
    allowed = " ".join(map(_hash, scripts.values()))
    connects = "connect-src 'self'; " * asks
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; {connects}"
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
