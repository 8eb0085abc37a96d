"""Read the YAML text of a description: plain values only, within limits."""

from __future__ import annotations

import re
from typing import Any

from napari_sr.zoo.limits import RefusedError, first_line

DEEPEST = 40
"""Largest number of nested lists and tables."""
MOST_VALUES = 100_000
"""Largest number of values, where each reference (YAML anchor) counts like what it stands for."""
_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$")
"""Numbers of YAML 1.2, such as 1e-06, which PyYAML takes for a text."""


def read_yaml(content: bytes) -> dict[str, Any]:
    """Return the table that a YAML text contains.

    Parameters
    ----------
    content : bytes
        The text, in UTF-8; its size must have been checked.

    Raises
    ------
    RefusedError
        If it is not valid YAML, contains objects of Python, too many or deeply nested values, or
        values that contain themselves, or is not a table.
    """
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # its types are not published
        """A loader that counts what references stand for: few bytes could be billions of values."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > DEEPEST:
                raise RefusedError(f"has a description nested more than {DEEPEST} times")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def get_single_node(self) -> Any:
            node = super().get_single_node()
            if _values(node, {}) > MOST_VALUES:
                raise RefusedError(f"has a description of more than {MOST_VALUES:,} values")
            return node

    Plain.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    try:
        found = yaml.load(content.decode("utf-8"), Plain)  # based on the safe loader
    except RefusedError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise RefusedError(f"has a description that is not YAML ({first_line(error)})") from error
    if not isinstance(found, dict):
        raise RefusedError(f"has a description that is a {type(found).__name__}, not a table")
    return found


def _values(node: Any, known: dict[int, int]) -> int:
    """Return the number of values that a node stands for; refuse one that contains itself."""
    if id(node) in known:
        if not known[id(node)]:
            raise RefusedError("has a description with a value that contains itself")
        return known[id(node)]
    known[id(node)] = 0
    inner = node.value if node is not None and isinstance(node.value, list) else []
    parts = (part for one in inner for part in (one if isinstance(one, tuple) else (one,)))
    known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]
