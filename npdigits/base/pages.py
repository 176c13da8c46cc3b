"""A self-contained HTML page: a template, and the parts put into it.

Everything is in the file, and its content-security policy forbids it to fetch or run anything else. What comes from
runs is data, which the page's scripts put in as text, never as notation.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def page_of(template: str, style: str, scripts: Mapping[str, str], content: Any) -> str:
    """Return a page.

    Args:
        template: with {{policy}}, {{style}}, {{content}}, and each script's name likewise.
        style, scripts: what is put in, and nothing else is allowed by the policy.
        content: what the scripts show; put in as JSON.
    """
    allowed = " ".join(map(_hash, scripts.values()))
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    policy = f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    parts = {
        **scripts,
        "policy": policy,
        "style": style,
        # Inside a script element nothing but "<" can be read as notation.
        "content": text.replace("<", "\\u003c"),
    }
    before, *pieces = template.split("{{")
    for piece in pieces:
        name, _, after = piece.partition("}}")
        before += parts[name] + after
    return before


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
