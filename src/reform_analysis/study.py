"""The plan made from a study file: which reports of which notebooks, with which parameters.

Everything is checked here before anything runs, and all faults come in one error.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reform_analysis import grid, resources
from reform_analysis.estimates import ReportError
from reform_analysis.messages import message
from reform_analysis.notebook_source import Source, read_source
from reform_analysis.parameters import read_value
from reform_analysis.plan_record import PlanState, read_state
from reform_analysis.storage import digest, name_faults, report_stems
from reform_analysis.study_file import Study, listing, located, nearest, read_study
from reform_analysis.wording import LANGUAGES


@dataclass(frozen=True)
class Planned:
    """One report of a plan.

    Parameters
    ----------
    source : Source
        With the values of this report.
    keys : dict of str to str
        Its place in the grid, language included.
    stem : str
        Its files' name without ending.
    """

    source: Source
    keys: dict[str, str]
    stem: str


@dataclass(frozen=True)
class Plan:
    """What will be rendered, checked.

    Parameters
    ----------
    title : str or None
    folder : Path
        Where the kernels run: the study file's folder, else the current directory.
    languages : tuple of str
    sources : tuple of Source
        The notebooks, with the values that all reports share.
    keys : tuple of str
        Of the grid, ``language`` among them.
    reports : tuple of Planned
        In the order of rendering.
    deadline : float
        Seconds for one report.
    analysis : PlanState or None
        The analysis plan; None for a study without one.
    file : str
        Name of the study file; empty for the packaged notebooks.
    file_sha256 : str
    """

    title: str | None
    folder: Path
    languages: tuple[str, ...]
    sources: tuple[Source, ...]
    keys: tuple[str, ...]
    reports: tuple["Planned", ...]
    deadline: float
    analysis: PlanState | None = None
    file: str = ""
    file_sha256: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """All values set, over all notebooks.

        Returns
        -------
        dict
        """
        return {name: value for source in self.sources for name, value in source.settings.items()}


def _locate(study: Study, folder: Path, faults: list[str]) -> list[Path]:
    packaged = resources.notebook_paths()
    paths = []
    for entry in study.notebooks or list(packaged):
        if entry.endswith(".ipynb"):
            paths.append(folder / entry)
        elif entry in packaged:
            paths.append(packaged[entry])
        else:
            faults.append(
                message(
                    "refused.no_packaged", at=("notebooks",), entry=entry, nearest=nearest(entry, packaged)
                )
            )
    return paths


def _keep(paths: list[Path], only: Sequence[str], faults: list[str]) -> list[Path]:
    if not only:
        return paths
    names = [path.stem for path in paths]
    unknown = [part for part in only if not any(name.startswith(part) for name in names)]
    faults += [message("refused.only", part=part, nearest=nearest(part, names)) for part in unknown]
    return [path for path in paths if path.stem.startswith(tuple(only))]


def _read_all(paths: list[Path], faults: list[str]) -> list[Source]:
    names = [path.stem.casefold() for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [message("refused.same_notebooks", name=name) for name in twice]
    sources = []
    for path in paths:
        try:
            sources.append(read_source(path))
        except ReportError as fault:
            faults.append(message("refused.notebook", path=path, fault=fault))
    return sources


def _ordered(sources: list[Source], faults: list[str]) -> list[Source]:
    """The notebooks in the order asked for, but each one before those that its metadata names.

    A notebook's metadata may hold ``{"reform_analysis": {"before": ["04_pilot_effect"]}}``: names of
    notebooks that quote what it computes. Where the plan lacks them nothing changes.
    """
    found: list[Source] = []
    for source in sources:
        _place(source, sources, found, (), faults)
    return found


def _place(
    source: Source, sources: list[Source], found: list[Source], waiting: tuple[str, ...], faults: list[str]
) -> None:
    """Append a notebook to those found, after the ones that ask to run before it."""
    if source.name in waiting:
        faults.append(message("refused.one_another", notebooks=waiting))
        return
    for other in sources:
        if source.name in _before(other):
            _place(other, sources, found, (*waiting, source.name), faults)
    if source not in found:
        found.append(source)


def _before(source: Source) -> list[str]:
    asked = source.notebook.metadata.get("reform_analysis", {}).get("before", [])
    return [str(name) for name in asked]


def _set_values(source: Source, parameters: Mapping[str, Any], faults: list[str]) -> Source:
    settings = {}
    for name in sorted(parameters.keys() & source.declared.keys() - {"language"}):
        try:
            settings[name] = read_value(parameters[name], source.declared[name])
        except ReportError as fault:
            faults.append(
                message(
                    "refused.parameter", at=("parameters", name), name=name, notebook=source.name, fault=fault
                )
            )
    return replace(source, settings=settings)


def _check_study(study: Study, sources: list[Source], left: list[Path], faults: list[str]) -> None:
    """A key of the study file may be meant for a notebook that `only` leaves out."""
    unread: list[str] = []
    others = _read_all(left, unread)
    if not unread:
        _check_names(study.values(), [*sources, *others], faults)


def _check_names(parameters: Mapping[str, Any], sources: list[Source], faults: list[str]) -> None:
    declared = {name for source in sources for name in source.declared} - {"language"}
    for name in parameters:
        if name == "language":
            faults.append(message("refused.parameter_language"))
        elif name not in declared:
            near = nearest(name, declared)
            faults.append(message("refused.no_parameter", at=("parameters", name), name=name, nearest=near))


def make_plan(
    path: str | Path | None = None,
    *,
    only: Sequence[str] = (),
    languages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    where: Mapping[str, str] | None = None,
) -> Plan:
    """Check everything that can be checked before a kernel starts.

    Notebooks run in the order of the study file, the packaged ones in that of their numbers; but one whose
    metadata names others under ``reform_analysis``, ``before``, runs before these, so that what could have
    been found is computed before what was.

    Parameters
    ----------
    path : str or Path, optional
        The study file; without it, the packaged notebooks in both languages.
    only : sequence of str
        Keep the notebooks whose names begin with one of these.
    languages : sequence of {"zh", "en"}, optional
        Instead of the study's.
    parameters : mapping, optional
        Added to the study's, and before them.
    where : mapping of str to str, optional
        Keep the reports that have these values of the grid's keys.

    Returns
    -------
    Plan

    Raises
    ------
    ReportError
        Listing all faults: unknown notebooks, languages, parameters, values of the wrong type.
    """
    study = Study() if path is None else read_study(path)
    folder = Path.cwd() if path is None else Path(path).resolve().parent
    wanted = list(dict.fromkeys(study.languages if languages is None else languages))
    values = study.values() | dict(parameters or {})
    keys = grid.keys(study)
    faults = _unsuited(study, wanted, parameters or {}, keys)
    sources = _sources(study, folder, only, parameters or {}, faults)
    faults += _missing_data([values], folder)
    if not (sources and wanted) and not faults:
        faults.append(message("refused.nothing_to_render"))
    analysis = _analysis(study, folder, faults)
    cells: list[dict[str, str]] = []
    if not faults:
        cells = grid.combinations(study, folder=folder, languages=wanted, parameters=values, faults=faults)
    kept = grid.filtered(cells, where or {}, names=keys, faults=faults) if cells else []
    reports = _reports(sources, cells, kept, values, faults)
    faults += _missing_data([report.source.settings for report in reports], folder)
    sources = [_set_values(source, values, faults) for source in sources]
    faults += name_faults([report.stem for report in reports])
    if not (reports or faults):
        faults.append(message("refused.grid_empty"))
    if faults:
        told = located(dict.fromkeys(faults), path, besides=parameters or ())
        raise listing(message("refused.nothing_rendered"), told)
    return Plan(
        study.title,
        folder,
        tuple(wanted),
        tuple(sources),
        keys,
        tuple(reports),
        study.deadline,
        analysis,
        "" if path is None else Path(path).name,
        "" if path is None else digest(Path(path)),
    )


def _unsuited(
    study: Study, wanted: Sequence[str], parameters: Mapping[str, Any], keys: Sequence[str]
) -> list[str]:
    """Languages that there are not, and values of parameters that the grid sets."""
    given = study.parameters.keys() | parameters.keys()
    return [
        *(
            message("refused.language", code=code, nearest=nearest(code, LANGUAGES))
            for code in wanted
            if code not in LANGUAGES
        ),
        *(
            message("refused.key_of_grid", at=("parameters", name), name=name)
            for name in keys
            if name in given and name != "language"
        ),
    ]


def _missing_data(settings: Iterable[Mapping[str, Any]], folder: Path) -> list[str]:
    named = dict.fromkeys(str(values.get("data") or "") for values in settings)
    return [
        message("refused.data_file", at=("data",), data=data, folder=folder)
        for data in named
        if data and not (folder / data).is_file()
    ]


def _sources(
    study: Study, folder: Path, only: Sequence[str], parameters: Mapping[str, Any], faults: list[str]
) -> list[Source]:
    """The notebooks that are kept, in their order; whether study and parameters suit them."""
    every = _locate(study, folder, faults)
    paths = _keep(every, only, faults)
    sources = _read_all(paths, faults)
    if len(sources) == len(paths):  # an unread notebook may well declare the rest
        _check_study(study, sources, [path for path in every if path not in paths], faults)
        _check_names(parameters, sources, faults)
    return _ordered(sources, faults)


def _analysis(study: Study, folder: Path, faults: list[str]) -> PlanState | None:
    """The analysis plan that a study names; what is wrong with it joins the other faults."""
    if study.plan is None:
        return None
    try:
        return read_state(folder / study.plan)
    except ReportError as fault:
        faults.append(fault.args[0])
        return None


def _reports(
    sources: list[Source],
    cells: list[dict[str, str]],
    kept: list[dict[str, str]],
    values: Mapping[str, Any],
    faults: list[str],
) -> list[Planned]:
    """The reports that are kept; their names are those that they have among all."""
    every = [
        (source.name, tuple(value for name, value in cell.items() if name != "language"), cell["language"])
        for source in sources
        for cell in cells
    ]
    stems = dict(zip(every, report_stems(every), strict=True))
    reports = []
    for source in sources:
        undeclared = {name for cell in cells for name in cell} - source.declared.keys()
        faults += [
            message(
                "refused.no_grid_key", notebook=source.name, name=name, nearest=nearest(name, source.declared)
            )
            for name in sorted(undeclared)
        ]
        for cell in [] if undeclared else kept:
            parts = tuple(value for name, value in cell.items() if name != "language")
            stem = stems[source.name, parts, cell["language"]]
            reports.append(Planned(_set_values(source, {**values, **cell}, faults), cell, stem))
    return reports
