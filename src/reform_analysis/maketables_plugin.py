"""The plug-in protocol of maketables: any result can stand in its tables (LaTeX, HTML, Typst).

Names and columns are those that maketables 0.2 asks for. Ratios are handed over as **logarithms**, because
maketables prints estimate and standard error side by side and marks p: on the log they belong together.
"""

from typing import Any

import numpy as np
import pandas as pd

_RATIOS = ("rate_ratio", "odds_ratio")
_SIZES = {"N": "n_obs", "units": "n_units", "clusters": "n_clusters"}
_LABELS = {
    "N": "Observations",
    "units": "Units",
    "clusters": "Clusters",
    "scale": "Scale",
    "level": "Interval level",
    "synthetic": "Data",
}


class MaketablesPlugin:
    """What maketables asks of a result; `Estimates` inherits it."""

    scale: Any
    ci_level: float
    method: str
    synthetic: bool

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates; the heir does.

        Returns
        -------
        DataFrame
        """
        raise NotImplementedError

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        """The estimates as maketables names them: b, se, p and the interval; ratios as logarithms."""
        frame = self.to_frame()
        if self.scale in _RATIOS:
            ends = ["estimate", "ci_low", "ci_high"]
            with np.errstate(divide="ignore"):
                frame[ends] = np.log(frame[ends])
        level = f"{100 * self.ci_level:g}"
        columns = {
            "b": frame["estimate"],
            "se": frame["std_error"],
            "p": frame["p_value"],
            f"ci{level}l": frame["ci_low"],
            f"ci{level}u": frame["ci_high"],
        }
        return pd.DataFrame(columns).rename_axis("Coefficient")

    def __maketables_stat__(self, key: str) -> int | str | None:
        """A line below the estimates; None for what the result does not have."""
        if key in _SIZES:
            size: int | None = getattr(self, _SIZES[key])
            return size
        texts = {
            "scale": self._maketables_scale(),
            "level": f"{100 * self.ci_level:g}%",
            "synthetic": "SYNTHETIC" if self.synthetic else "",
            "se_type": self.method,
        }
        return texts.get(key) or None

    def _maketables_scale(self) -> str:
        """The scale of what is handed over."""
        return f"log {self.scale}" if self.scale in _RATIOS else str(self.scale)

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        """Names of the lines."""
        return dict(_LABELS)

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        """Lines shown unasked: sizes, scale, level, and SYNTHETIC where it holds."""
        return [key for key in _LABELS if self.__maketables_stat__(key) is not None]

    @property
    def __maketables_depvar__(self) -> str:
        """Head of the column: a result does not keep its outcome's name, the scale tells what is in it."""
        return self._maketables_scale().replace("_", " ")

    @property
    def __maketables_fixef_string__(self) -> None:
        """None: the method's name tells the effects."""
        return

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        """How the uncertainty was found."""
        return {"vcov_type": self.method}
