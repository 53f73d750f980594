"""A run: its reports and what they recorded, and the index page of all runs of a folder."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from reform_analysis import index_rows, pages
from reform_analysis.headlines import FIELDS, csv_bytes
from reform_analysis.jobs import JobRecord
from reform_analysis.plan_manifest import unreported
from reform_analysis.storage import turn, write


@dataclass(frozen=True)
class RunResult:
    """A run: its folder and its reports.

    Parameters
    ----------
    folder : Path
    title : str or None
    started : datetime
        UTC.
    version : str
        Of reform-analysis.
    languages : tuple of str
    parameters : dict
        The values set, of the declared types.
    records : tuple of JobRecord
        In the order of the plan.
    keys : tuple of str
        Of the grid.
    batch : str
        The same for all shards of one batch: of equal notebooks, parameters, data and versions. Empty for a
        run that is no shard.
    shard : str or None
        "i/n".
    planned : int
        Reports that the run was to make.
    total : int
        Reports of all shards together.
    interrupted : bool
        It was stopped before its end.
    stopped_by_user : bool
        By Ctrl-C.
    hypotheses : tuple of str
        Of the analysis plan that was frozen last.
    unexplained : tuple of str
        Differences of the present plan from the frozen one that nothing explains.
    unwritten : tuple of str
        Files about the whole run that could not be written, with the reason.
    """

    folder: Path
    title: str | None
    started: datetime
    version: str
    languages: tuple[str, ...]
    parameters: dict[str, Any]
    records: tuple[JobRecord, ...] = ()
    keys: tuple[str, ...] = ()
    batch: str = ""
    shard: str | None = None
    planned: int = 0
    total: int = 0
    interrupted: bool = False
    stopped_by_user: bool = False
    hypotheses: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[JobRecord, ...]:
        """The reports that failed.

        Returns
        -------
        tuple of JobRecord
        """
        return tuple(record for record in self.records if record.status == "failed")

    @property
    def complete(self) -> bool:
        """Whether every planned report was rendered, and well, and the run's own files were written.

        Returns
        -------
        bool
        """
        return not (self.failed or self.interrupted or self.unwritten)

    def estimates(self) -> pd.DataFrame:
        """Return what the reports recorded: one row a report, name and term.

        Returns
        -------
        DataFrame
            The columns of `headlines.record` after notebook, the grid's keys, and html.
        """
        return _table([(done.html, done) for done in self.records], keys=self.keys)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables of estimates, as seen from the run's folder; those of all shards after its own.

        Returns
        -------
        tuple of str
            Empty where nothing was recorded.
        """
        if not any(done.estimates for done in self.records):
            return ()
        stems = ["estimates", *([f"../{_merged_stem(self.batch)}"] if self.shard else [])]
        return tuple(f"{stem}.{kind}" for stem in stems for kind in ("parquet", "csv"))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a report, with the fields of `JobRecord` as columns.

        Returns
        -------
        DataFrame
        """
        columns = list(JobRecord.__dataclass_fields__)
        return pd.DataFrame([asdict(record) for record in self.records], columns=columns)


RUN = TypeAdapter(RunResult)


def _table(found: Sequence[tuple[str, JobRecord]], *, keys: Sequence[str]) -> pd.DataFrame:
    """One row a report, name and term; each report with the path of its page."""
    rows = [
        {"notebook": done.notebook, **done.keys, "html": html, **row}
        for html, done in found
        for row in done.estimates
    ]
    return pd.DataFrame(rows, columns=["notebook", *(keys or ("language",)), "html", *FIELDS])


def _merged_stem(batch: str) -> str:
    return f"estimates-{batch}"


def write_tables(table: pd.DataFrame, folder: Path, stem: str = "estimates") -> None:
    """Write estimates as ``.parquet`` and ``.csv``; nothing where there are none.

    Parameters
    ----------
    table : DataFrame
        As `RunResult.estimates` returns it.
    folder : Path
    stem : str
        The files' name without ending.
    """
    if len(table):
        packed = BytesIO()
        table.to_parquet(packed, index=False)
        write(folder / f"{stem}.parquet", packed.getvalue())
        write(folder / f"{stem}.csv", csv_bytes(table))


def write_index(out: str | Path) -> Path:
    """Rewrite ``index.html`` from every ``run.json`` below `out`, newest run first.

    Shards of one batch stand together, each report once, from the newest run; so do their estimates, in
    ``estimates-<batch>.parquet`` and ``.csv`` beside the index. A ``run.json`` that cannot be read stands in
    the index as such.

    Parameters
    ----------
    out : str or Path
        The folder that holds the runs.

    Returns
    -------
    Path
        Of the index.

    Raises
    ------
    TimeoutError
        If another process is at it for more than a minute.
    """
    place = Path(out)
    with turn(
        place / "index.lock"
    ):  # a shard that ends meanwhile would be left out by the one that writes last
        runs = _all_runs(place)
        for item in runs:
            if "merged" in item:
                write_tables(item["merged"], place, _merged_stem(item["batch"]))
        write(place / "index.html", pages.index(runs).encode())
    return place / "index.html"


def _all_runs(out: Path) -> list[dict[str, Any]]:
    found = [_read_run(path) for path in out.glob("*/run.json")]
    runs = _merge_shards(sorted(found, key=lambda run: _age(run["folder"]), reverse=True))
    newest = next((item for item in runs if "rows" in item), None)
    if newest:
        newest["newest"] = True
    return runs


def _age(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,12}", folder))


def _read_run(path: Path) -> dict[str, Any]:
    folder = path.parent.name
    try:
        run = RUN.validate_python({**json.loads(path.read_bytes()), "folder": folder})
    except (OSError, ValueError, TypeError) as broken:
        return {"folder": folder, "broken": str(broken).splitlines()[0]}
    missing = unreported(run.hypotheses, run.records)
    tables = [f"{folder}/{name}" for name in run.tables if (path.parent / name).is_file()]
    found = {"folder": folder, "run": run, "reports": _by_notebook(run.records), "newest": False}
    found |= {"missing": run.planned - len(run.records), "missing_shards": []}
    return {**found, "unreported": missing, "tables": tables}


def _merge_shards(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs, with the shards of one batch in the place of the newest, and rows where there is a grid."""
    shown: list[dict[str, Any]] = []
    shards: dict[str, dict[str, tuple[str, JobRecord]]] = {}
    present: dict[str, set[str]] = {}
    for item in runs:
        run = item.get("run")
        if run is None or not (run.shard or set(run.keys) - {"language"}):
            shown.append(item)
            continue
        batch = run.batch if run.shard else item["folder"]
        if batch not in shards:
            shown.append({**item, "batch": batch})
        present.setdefault(batch, set()).add(run.shard or "")
        merged = shards.setdefault(batch, {})
        for record in run.records:
            merged.setdefault(record.stem, (item["folder"], record))
    for item in shown:
        if "batch" in item:
            reports = sorted(shards[item["batch"]].values(), key=lambda pair: pair[1].stem)
            item.update(index_rows.grid(reports, keys=item["run"].keys))
            if item["run"].shard:
                paged = [(f"{folder}/{done.html}" if done.html else "", done) for folder, done in reports]
                item["merged"] = _table(paged, keys=item["run"].keys)
                stem = _merged_stem(item["batch"]) if len(item["merged"]) else ""
                item["tables"] = [f"{stem}.{kind}" for kind in ("parquet", "csv") if stem]
                item["missing"] = item["run"].total - len(reports)
                item["missing_shards"] = _absent(present[item["batch"]])
            item["unreported"] = unreported(item["run"].hypotheses, [record for _, record in reports])
    return shown


def _absent(shards: set[str]) -> list[str]:
    """Shards i/n of which there is no run; none is named where a batch was divided in several ways."""
    totals = {shard.partition("/")[2] for shard in shards}
    every = [f"{number}/{total}" for total in totals for number in range(1, int(total) + 1)]
    return [shard for shard in every if shard not in shards] if len(totals) == 1 else []


def _by_notebook(records: Sequence[JobRecord]) -> dict[str, list[JobRecord]]:
    names = dict.fromkeys(record.notebook for record in records)
    return {name: [record for record in records if record.notebook == name] for name in names}


def newest_run(folder: str | Path) -> Path:
    """Return the newest run of a folder of reports; a run's own folder stays what it is.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
    """
    place = Path(folder)
    runs = [] if (place / "manifest.json").exists() else sorted(place.glob("*/manifest.json"))
    return max(runs, key=lambda path: (path.stat().st_mtime_ns, path)).parent if runs else place
