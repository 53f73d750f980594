"""What is found wrong with a replication pack, said in Chinese or English."""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from reform_analysis.wording import say


@dataclass(frozen=True)
class Difference:
    """A difference.

    Parameters
    ----------
    key : str
        Of its sentence: ``pack.<key>`` in the catalogue.
    values : dict
        The sentence's fields.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return it in words.

        Parameters
        ----------
        language : {"zh", "en"}

        Returns
        -------
        str
            One line; names and texts of the pack's maker move no cursor and colour nothing.
        """
        return say(
            f"pack.{self.key}", language, **{name: plain(value) for name, value in self.values.items()}
        )


def plain(value: Any) -> Any:
    """Return a text on one line and without characters that steer a terminal; other values as they are.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Examples
    --------
    >>> plain("a\\x1b[31mb\\nc")
    'a�[31mb�c'
    """
    if not isinstance(value, str):
        return value
    return "".join("\ufffd" if unicodedata.category(char).startswith("C") else char for char in value)
