"""The folder of a new study: study file, empty workbook, notebooks, plan. Written whole or not at all."""

import os
import shutil
from functools import reduce
from importlib.resources import files
from pathlib import Path
from string import Template

from reform_analysis import schema
from reform_analysis.estimates import DataError, require_choice
from reform_analysis.messages import cause, message
from reform_analysis.resources import notebook_paths
from reform_analysis.unpack import name_faults
from reform_analysis.wording import LANGUAGES, say
from reform_analysis.workbook_template import workbook

REFORMS = {
    "zhejiang": ("01", "02", "03", "04", "05", "06"),
    "blank": ("02", "03", "04", "05", "06"),
}  # reform: the notebooks that its study gets, by number

_FILLED = ("study.yaml", "plan.yaml", "README.md")
_COPIED = {"Makefile": "Makefile", ".gitignore": "gitignore"}


def write_study(folder: str | Path, *, reform: str = "zhejiang", language: str = "en") -> Path:
    """Write the folder of a new study, which can be rendered at once.

    Parameters
    ----------
    folder : str or Path
        New or empty. The folder that it lies in must exist.
    reform : {"zhejiang", "blank"}
        Of a study of the Zhejiang reform, with the notebook on its published totals, or of another reform.
    language : {"zh", "en"}
        Of workbook, study file, plan and README.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        If the folder holds anything, is the current one, cannot be written, or has a name that some system
        forbids. Nothing is left then.
    """
    require_choice("reform", reform, tuple(REFORMS))
    require_choice("language", language, LANGUAGES)
    target = _require_empty(Path(folder))
    contents = study_files(reform=reform, language=language)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        for name, content in contents.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(content)
        if target.is_dir():
            target.rmdir()  # Windows renames nothing onto a folder
        temporary.rename(target)
    except OSError as refused:
        raise DataError(message("refused.folder_system", folder=target, cause=cause(refused))) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def study_files(*, reform: str = "zhejiang", language: str = "en") -> dict[str, bytes]:
    """Return the files of a new study.

    Parameters
    ----------
    reform : {"zhejiang", "blank"}
    language : {"zh", "en"}

    Returns
    -------
    dict of str to bytes
        Path below the study's folder, with forward slashes, to content.
    """
    notebooks = {
        f"notebooks/{path.name}": path.read_bytes()
        for name, path in notebook_paths().items()
        if name.startswith(REFORMS[reform])
    }
    fields = {
        "title": say(f"scaffold.title_{reform}", language),
        "notebooks": "\n".join(f"  - {name}" for name in notebooks),
        "note": say(f"scaffold.note_{reform}", language),
    }
    templates = files("reform_analysis").joinpath("templates", "study")
    texts = {
        name: Template(templates.joinpath(language, name).read_text(encoding="utf-8")).substitute(fields)
        for name in _FILLED
    }
    texts["data/dictionary.md"] = schema.dictionary(schema.PANEL, language=language)
    texts |= {name: templates.joinpath(file).read_text(encoding="utf-8") for name, file in _COPIED.items()}
    filled = {name: text.encode() for name, text in texts.items()}
    return {**filled, "data/panel.xlsx": workbook(language=language), **notebooks}


def _require_empty(folder: Path) -> Path:
    target = folder.resolve()
    if target == Path.cwd():
        raise DataError(message("refused.folder_current", folder=target))
    faults = name_faults(target.name)
    if faults:
        every = reduce(lambda one, other: message("refused.and_it", one=one, other=other), faults)
        raise DataError(message("refused.folder_name", name=target.name, faults=every))
    if not target.parent.is_dir():
        raise DataError(message("refused.folder_parent", folder=target, parent=target.parent))
    if target.exists() and not target.is_dir():
        raise DataError(message("refused.folder_file", folder=target))
    if target.is_dir() and any(target.iterdir()):
        raise DataError(message("refused.folder_full", folder=target))
    return target
