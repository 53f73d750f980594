"""How a column is declared: type, titles, descriptions and rules in one place."""

from typing import Any, get_args

import pandera.pandas as pa

_TYPES = {"string": str, "number": float, "integer": "Int64", "boolean": bool}


def column(
    kind: str,
    title: tuple[str, str],
    description: tuple[str, str],
    *checks: pa.Check,
    nullable: bool = False,
    blank: bool = False,
    unit: str = "",
    optional: bool = False,
    family: str = "",
) -> pa.Column:
    """Declare a column.

    Parameters
    ----------
    kind : {"string", "number", "integer", "boolean"}
        Table Schema type.
    title, description : tuple of str
        English, Chinese.
    *checks : pandera.pandas.Check
        Rules; each carries the message of its breach.
    nullable : bool
        Whether a number may be missing.
    blank : bool
        Whether a text may be empty. An empty text is an empty string, never a missing value.
    unit : str
        Code of the unit, a key of the group ``unit`` in ``wording.toml``; empty where there is none.
    optional : bool
        Whether the table may lack the column.
    family : str
        For a family of columns, declared under a regular expression: the name the dictionary prints.

    Returns
    -------
    pandera.pandas.Column
    """
    rules = list(checks)
    if kind == "string" and not blank:
        rules.append(pa.Check.str_length(min_value=1, error="must not be empty"))
    return pa.Column(
        _TYPES[kind],
        rules,
        nullable=nullable,
        required=not optional,
        regex=bool(family),
        title=title[0],
        description=description[0],
        metadata={
            "type": kind,
            "title_zh": title[1],
            "description_zh": description[1],
            "required": not (nullable or blank),
            "unit": unit,
            "family": family,
        },
    )


def one_of(choices: Any, *, blank: bool = False) -> pa.Check:
    """Return the rule that a text is one of a `Literal`'s values.

    Parameters
    ----------
    choices : typing.Literal
    blank : bool
        Whether the empty text is allowed too.

    Returns
    -------
    pandera.pandas.Check
    """
    allowed = [*get_args(choices), *([""] if blank else [])]
    return pa.Check.isin(allowed, error=f"must be one of {allowed}")
