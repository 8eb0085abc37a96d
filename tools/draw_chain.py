"""Draw the figure in docs/chain.md: python tools/draw_chain.py > docs/images/chain.svg."""

from __future__ import annotations

import sys

WIDTH, HEIGHT = 960, 640
INK, GRID, SEEN, MADE, HALO = "#222", "#c8ccd4", "#bcd7f5", "#1f5fa8", "#fbe3b5"
CELL = 14


def text(x: float, y: float, words: str, *, size: int = 13, anchor: str = "middle") -> str:
    """Return one line of text."""
    weight = "bold" if size > 14 else "normal"
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{INK}">{words}</text>'
    )


def box(x: float, y: float, width: float, height: float, fill: str, edge: str = INK) -> str:
    """Return a rectangle."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}" stroke="{edge}"/>'
    )


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a straight arrow."""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" stroke-width="1.5" '
        'marker-end="url(#head)"/>'
    )


def plane(x: float, y: float, rows: int, columns: int, fill: dict[tuple[int, int], str]) -> str:
    """Return a plane of pixels, with some pixels coloured."""
    return "".join(
        box(x + CELL * j, y + CELL * i, CELL, CELL, fill.get((i, j), "white"), GRID)
        for i in range(rows)
        for j in range(columns)
    )


def square(top: int, left: int, side: int, colour: str) -> dict[tuple[int, int], str]:
    """Return the pixels of a square in one colour."""
    return {(top + i, left + j): colour for i in range(side) for j in range(side)}


def links() -> str:
    """Return four panels, one per type of link: an output (dark) and its inputs (light)."""
    names = ("Step", "GlobalStats", "PooledGrid", "ChunkedAttention")
    notes = (
        ("a square of 2 radius + 1", "pixels around it"),
        ("the whole plane;", "one value per channel"),
        ("a square of reach pixels;", "squares are pitch pixels apart"),
        ("all pixels of its chunk,", "in row-major order"),
    )
    chunk = {(i, j): SEEN for i in range(9) for j in range(9) if 20 <= 9 * i + j < 47}
    seen = (
        square(2, 2, 5, SEEN),
        square(0, 0, 9, SEEN),
        square(0, 2, 5, SEEN),
        chunk,
    )
    result = (
        plane(0, 0, 9, 9, {(4, 4): MADE}),
        plane(56, 56, 1, 1, {(0, 0): MADE}),
        plane(42, 42, 3, 3, {(0, 1): MADE}),
        plane(0, 0, 9, 9, {(3, 6): MADE}),
    )
    drawn = []
    for index, name in enumerate(names):
        x = 30 + 238 * index
        drawn += [text(x + 94, 66, name, size=16), plane(x + 31, 80, 9, 9, seen[index])]
        drawn += [arrow(x + 94, 210, x + 94, 232), *(
            text(x + 94, 384 + 17 * line, words) for line, words in enumerate(notes[index])
        )]  # fmt: skip
        drawn.append(f'<g transform="translate({x + 31} 238)">{result[index]}</g>')
    return "".join(drawn)


def tile(x: float, y: float, caption: str) -> str:
    """Return a plane that is computed tile by tile, with one tile and its halo."""
    tiles = [
        box(x + 50 * column, y + 33 * row, 50, 33, "none", GRID)
        for row in range(3)
        for column in range(3)
    ]
    halo, kept = box(x + 40, y + 23, 70, 53, HALO, "none"), box(x + 50, y + 33, 50, 33, SEEN)
    edge = box(x, y, 150, 99, "none")
    return "".join([halo, kept, *tiles, edge, text(x + 75, y + 120, caption)])


def stages() -> str:
    """Return the second row: two stages of tiles, and the value that is computed in between."""
    y = 476
    value = [box(345, y + 30, 270, 40, "#e5f0dc"), text(480, y + 55, "value of the whole plane")]
    return "".join(
        [
            text(30, 442, "Tile by tile, with the same result", size=16, anchor="start"),
            tile(60, y, "stage 1: steps, tile by tile"),
            arrow(216, y + 50, 338, y + 50),
            text(277, y + 42, "each tile adds"),
            text(277, y + 68, "its share"),
            *value,
            arrow(622, y + 50, 744, y + 50),
            text(683, y + 42, "every tile uses"),
            text(683, y + 68, "the same value"),
            tile(750, y, "stage 2: steps, tile by tile"),
            box(345, y + 96, 14, 14, SEEN),
            text(366, y + 108, "the part of a tile that is kept", anchor="start"),
            box(345, y + 118, 14, 14, HALO),
            text(366, y + 130, "halo: read and computed, then cropped", anchor="start"),
        ]
    )


def main() -> None:
    """Write the figure to standard output."""
    head = (
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker>'
    )
    sys.stdout.write(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="Helvetica, Arial, sans-serif"><defs>{head}</defs>'
        + box(0, 0, WIDTH, HEIGHT, "white", "none")
        + text(30, 34, "What one output (dark) depends on (light)", size=16, anchor="start")
        + links()
        + stages()
        + "</svg>\n"
    )


if __name__ == "__main__":
    main()
