"""Read the YAML text of a description: plain values only, within limits."""

from __future__ import annotations

import re
from typing import Any

from napari_sr.zoo.limits import RefusedError, first_line

DEEPEST = 40
"""Largest number of nested lists and tables."""
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
        If it is not valid YAML, contains objects of Python, references (anchors), duplicate keys or
        deeply nested values, or is not a table.
    """
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # its types are not published
        """A loader without references, whose few bytes could stand for billions of values."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                raise RefusedError("has a description with references (YAML anchors)")
            self.depth += 1
            if self.depth > DEEPEST:
                raise RefusedError(f"has a description nested more than {DEEPEST} times")
            node = super().compose_node(parent, index)
            self.depth -= 1
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
