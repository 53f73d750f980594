"""Tables for journals in the languages of text: HTML, LaTeX, Markdown. Every text of a user is escaped."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Unpack

from reform_analysis.journal_layout import JournalTable, paddings, text_columns
from reform_analysis.journal_tables import Options, Source, prepared
from reform_analysis.new_files import write_new

_HTML_PADS = str.maketrans({"0": "\u2007", ".": "\u2008", "%": "\u2007\u2008"})
_RULE, _THIN = "1.5pt solid", "0.75pt solid"
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\u2212": "$-$",
    "\u2013": "--",
    "\u221e": r"$\infty$",
    "\u2003": r"\quad{}",
    # After the line end of a row these two would be read as its arguments.
    "[": "{[}",
    "*": "{*}",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$^])")


def to_html(
    source: Source, path: str | Path | None = None, *, overwrite: bool = False, **options: Unpack[Options]
) -> str:
    """Return a result as an HTML table with caption, scopes and three rules; written if a path is given.

    Parameters
    ----------
    source : as `journal_tables.journal_table`
    path : str or Path, optional
        File to write, a page of its own in UTF-8.
    overwrite : bool
        Replace a file that is there.
    **options
        As `journal_tables.journal_table`.

    Returns
    -------
    str
        The table alone, its rules set inline, for a page or a mail.

    Raises
    ------
    DataError
        If the file is there already, or an option is wrong.
    DesignError
        If the source cannot be made a table.
    """
    table = prepared(source, options)
    text = _html(table)
    if path is not None:
        page = (
            f'<!DOCTYPE html>\n<html lang="{table.language}"><head><meta charset="utf-8">'
            f"<title>{escape(table.numbered_caption)}</title></head><body>\n{text}</body></html>\n"
        )
        write_new(path, page.encode(), overwrite=overwrite)
    return text


def to_latex(
    source: Source, path: str | Path | None = None, *, overwrite: bool = False, **options: Unpack[Options]
) -> str:
    r"""Return a result as a LaTeX table with the three rules of booktabs; written if a path is given.

    Parameters
    ----------
    source : as `journal_tables.journal_table`
    path : str or Path, optional
        File to write, for ``\input``.
    overwrite : bool
        Replace a file that is there.
    **options
        As `journal_tables.journal_table`; LaTeX numbers the table itself.

    Returns
    -------
    str
        Needs the package booktabs, and ctex for Chinese.

    Raises
    ------
    DataError
        If the file is there already, or an option is wrong.
    DesignError
        If the source cannot be made a table.
    """
    text = _latex(prepared(source, options))
    if path is not None:
        write_new(path, text.encode(), overwrite=overwrite)
    return text


def to_markdown(
    source: Source, path: str | Path | None = None, *, overwrite: bool = False, **options: Unpack[Options]
) -> str:
    """Return a result as a Markdown pipe table between its caption and notes; written if a path is given.

    Parameters
    ----------
    source : as `journal_tables.journal_table`
    path : str or Path, optional
        File to write, UTF-8.
    overwrite : bool
        Replace a file that is there.
    **options
        As `journal_tables.journal_table`.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If the file is there already, or an option is wrong.
    DesignError
        If the source cannot be made a table.
    """
    table = prepared(source, options)
    aside = text_columns(table)
    lines = [[_markdown(cell.text) for cell in row] for row in table.rows]
    rows = [
        [_markdown(head) for head in table.heads],
        [":---" if left else ":---:" for left in aside],
        *lines,
    ]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = "\n\n".join(_markdown(note) for note in table.note_lines)
    text = "\n\n".join([f"**{_markdown(table.numbered_caption)}**", body, *([notes] if notes else [])]) + "\n"
    if path is not None:
        write_new(path, text.encode(), overwrite=overwrite)
    return text


def _html(table: JournalTable) -> str:
    aside, pads = text_columns(table), paddings(table)
    heads = "".join(
        f'<th scope="col" style="{_side(left)}border-bottom:{_THIN}">{_lines(head)}</th>'
        for head, left in zip(table.heads, aside, strict=True)
    )
    rows = []
    for row, pad in zip(table.rows, pads, strict=True):
        cells = [
            f'<td style="{_side(left)}">{before.translate(_HTML_PADS)}{_lines(cell.text)}'
            f"{after.translate(_HTML_PADS)}</td>"
            for cell, (before, after), left in zip(row, pad, aside, strict=True)
        ]
        first = f'<th scope="row" style="{_side(True)}font-weight:normal">{_lines(row[0].text)}</th>'
        rows.append(f"<tr>{first}{''.join(cells[1:])}</tr>")
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.note_lines)
    rules = (
        f"border-collapse:collapse;border-top:{_RULE};border-bottom:{_RULE};font-variant-numeric:tabular-nums"
    )
    return (
        f'<div class="journal-table" lang="{table.language}"><table style="{rules}">\n'
        f"<caption>{escape(table.numbered_caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + f"\n</tbody></table>{notes}</div>\n"
    )


def _side(left: bool) -> str:
    return f"padding:0.1em 0.6em;text-align:{'left' if left else 'center'};"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _latex(table: JournalTable) -> str:
    aside, pads = text_columns(table), paddings(table)
    columns = "".join("l" if left else "c" for left in aside)
    rows = [
        _latex_row(
            f"{_phantom(before)}{_tex(cell.text)}{_phantom(after)}"
            for cell, (before, after) in zip(row, pad, strict=True)
        )
        for row, pad in zip(table.rows, pads, strict=True)
    ]
    notes = "\\par\n".join(_tex(note) for note in table.note_lines)
    below = (
        f"\n\n\\medskip\n\\begin{{minipage}}{{\\linewidth}}\\footnotesize\n{notes}\n\\end{{minipage}}"
        if notes
        else ""
    )
    return (
        "% \\usepackage{booktabs}; Chinese text: \\usepackage[UTF8]{ctex} and XeLaTeX or LuaLaTeX\n"
        "\\begin{table}[htbp]\n\\centering\n"
        "\\setlength{\\heavyrulewidth}{1.5pt}\\setlength{\\lightrulewidth}{0.75pt}\n"
        f"\\caption{{{_tex(table.caption)}}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        + "\n".join(_latex_heads(table.heads))
        + "\n\\midrule\n"
        + "\n".join(rows)
        + f"\n\\bottomrule\n\\end{{tabular}}{below}\n\\end{{table}}\n"
    )


def _latex_heads(heads: tuple[str, ...]) -> list[str]:
    """One line of the table for each line of the heads."""
    parts = [head.split("\n") for head in heads]
    deepest = max(map(len, parts))
    filled = [part + [""] * (deepest - len(part)) for part in parts]
    return [_latex_row(map(_tex, line)) for line in zip(*filled, strict=True)]


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _phantom(pad: str) -> str:
    shown = pad.replace("%", r"\%")
    return f"\\phantom{{{shown}}}" if pad else ""


def _tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in text).replace("\n", " ").replace("\t", " ")


def _markdown(text: str) -> str:
    """Escaped for a cell: no character of the text is markup, and a line break is one."""
    return _MARKDOWN.sub(r"\\\1", escape(text, quote=False)).translate({9: " ", 13: " ", 10: "<br>"})
