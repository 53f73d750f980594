"""The rows of the index: reports of a grid with their main estimate and its place in a small forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

from reform_analysis.estimates import SCALES
from reform_analysis.grid_labels import both_labels
from reform_analysis.jobs import JobRecord
from reform_analysis.wording import LANGUAGES, say

WIDTH, MARGIN = 176.0, 6.0
RATIOS = ("rate_ratio", "odds_ratio")
STANDINGS = ("planned", "late", "explored", "rehearsal", "")
MOST = 1e3  # an interval beyond a ratio of a thousand (or a thousandth) runs off the plot


@dataclass(frozen=True)
class Row:
    """One report in the index.

    Parameters
    ----------
    record : JobRecord
    folder : str
        The run's.
    estimate : float or None
        The first one recorded as ``main``.
    mark : dict or None
        Places in the forest plot.
    kind : int or None
        Which of the forest plots.
    """

    record: JobRecord
    folder: str
    estimate: float | None
    mark: dict[str, Any] | None
    kind: int | None

    @property
    def shown(self) -> str:
        """The estimate in two decimals.

        Returns
        -------
        str
        """
        return "–" if self.estimate is None else _number(self.estimate)


def grid(found: Sequence[tuple[str, JobRecord]], *, keys: Sequence[str]) -> dict[str, Any]:
    """Return what the index shows of a grid: rows (failures first), choices of the filters, and a caption.

    Estimates of one scale and level share a forest plot; others have one of their own.

    Parameters
    ----------
    found : sequence of (folder, JobRecord)
    keys : sequence of str

    Returns
    -------
    dict
        ``rows``, ``planned`` (whether an analysis plan is spoken of), ``grid_keys``, ``choices``, ``failed``,
        ``caption``, ``scales`` (heads of the forest plots).
    """
    mains = [_main(record) for _, record in found]
    kinds = sorted({_kind(main) for main in mains if main is not None}, key=_rank)
    scales = [_scale([main for main in mains if main and _kind(main) == kind]) for kind in kinds]
    rows = [
        _row(record, folder, main, kinds=kinds, scales=scales)
        for (folder, record), main in zip(found, mains, strict=True)
    ]
    rows.sort(key=lambda row: row.record.status != "failed")
    return {
        "rows": rows,
        "planned": any(record.standing for _, record in found),
        "grid_keys": list(keys),
        "choices": _choices([record for _, record in found], keys),
        "failed": sum(record.status == "failed" for _, record in found),
        "caption": _caption(kinds),
        "scales": _heads(kinds),
    }


def _kind(main: dict[str, Any]) -> tuple[str, float]:
    return str(main["scale"]), float(main["ci_level"])


def _rank(kind: tuple[str, float]) -> tuple[int, float]:
    return [str(scale) for scale in SCALES].index(kind[0]), -kind[1]


def _row(
    record: JobRecord,
    folder: str,
    main: dict[str, Any] | None,
    *,
    kinds: list[tuple[str, float]],
    scales: list[tuple[str, float, float]],
) -> Row:
    if main is None:
        return Row(record, folder, None, None, None)
    kind = kinds.index(_kind(main))
    return Row(record, folder, float(main["estimate"]), _mark(main, scales[kind]), kind)


def _both(key: str, **values: Any) -> str:
    return " / ".join(dict.fromkeys(say(key, language, **values) for language in LANGUAGES))


def _caption(kinds: list[tuple[str, float]]) -> str:
    if len(kinds) != 1:
        return _both("index.forest_mixed" if kinds else "index.forest_none")
    return _both("index.forest", level=f"{100 * kinds[0][1]:g}%")


def _heads(kinds: list[tuple[str, float]]) -> list[str]:
    if len(kinds) < 2:
        return [_both("index.interval")]
    return [f"{_both(f'journal.scale_{scale}')} ({100 * level:g}%)" for scale, level in kinds]


def _main(record: JobRecord) -> dict[str, Any] | None:
    rows = [row for row in record.estimates if row["name"] == "main" and row["estimate"] is not None]
    return rows[0] if rows else None


def _choices(records: Sequence[JobRecord], keys: Sequence[str]) -> list[dict[str, Any]]:
    status = sorted({str(record.status) for record in records})
    words = {"ok": _both("index.complete"), "failed": _both("index.failed")}
    notebooks = sorted({record.notebook for record in records})
    choices: list[dict[str, Any]] = [
        {"label": _both("index.status"), "column": 0, "options": status, "labels": words},
        {"label": _both("index.notebook"), "column": 2, "options": notebooks},
    ]
    for column, key in enumerate(keys, start=3):
        values = [record.keys.get(key, "") for record in records]
        choices.append({"label": both_labels(key), "column": column, "options": list(dict.fromkeys(values))})
    standings = [record.standing for record in records]
    if any(standings):  # after the keys, where the table has the column
        options = sorted(set(standings), key=STANDINGS.index)
        labels = {name: _both(f"plan.{name}_label") for name in options if name}
        choice = {"label": _both("plan.label"), "column": 3 + len(keys), "options": options, "labels": labels}
        choices.append(choice)
    return choices


def _position(value: float, scale: str) -> float:
    if scale not in RATIOS:
        return value
    return log(min(max(value, 1 / MOST), MOST))


def _scale(mains: Sequence[dict[str, Any]]) -> tuple[str, float, float]:
    kind = str(mains[0]["scale"])
    null = 1.0 if kind in RATIOS else 0.0
    ends = [
        main[name] for main in mains for name in ("estimate", "ci_low", "ci_high") if main[name] is not None
    ]
    places = [_position(float(value), kind) for value in (*ends, null) if isfinite(float(value))]
    return kind, min(places), max(places)


def _number(value: float) -> str:
    return f"{value:.2f}".replace("inf", "∞")


def _mark(main: dict[str, Any], scale: tuple[str, float, float]) -> dict[str, Any]:
    kind, low, high = scale
    width = (high - low) or 1.0

    def at(value: float | None) -> float | None:
        if value is None:
            return None
        place = MARGIN + (WIDTH - 2 * MARGIN) * (_position(float(value), kind) - low) / width
        return round(min(max(place, -WIDTH), 2 * WIDTH), 1)  # an end without bound runs off the plot

    ends = at(main["ci_low"]), at(main["ci_high"])
    whole = None not in ends
    text = _number(main["estimate"])
    if whole:
        text += f" ({_number(main['ci_low'])}, {_number(main['ci_high'])})"
    null = at(1.0 if kind in RATIOS else 0.0)
    return {
        "at": at(main["estimate"]),
        "low": ends[0] if whole else None,
        "high": ends[1],
        "null": null,
        "text": text,
    }
