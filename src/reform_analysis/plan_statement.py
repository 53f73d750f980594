"""What was there when a plan was frozen, in words."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from reform_analysis.messages import Message, message


class DataAtFreeze(BaseModel):
    """A data file that the study named when the plan was frozen; no hash where it did not exist."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    sha256: str | None


def statement(
    *, study: str | None, data: Sequence[DataAtFreeze], rendered: Sequence[str], reports: str
) -> Message:
    """Return what was there when a plan was frozen, in words.

    Parameters
    ----------
    study : str or None
    data : sequence of DataAtFreeze
    rendered : sequence of str
    reports : str
        All as of `Version`.

    Returns
    -------
    Message
    """
    if study is None:
        files = message("plan.statement_no_study")
    elif not data:
        files = message("plan.statement_no_data", study=study)
    else:
        files = message("plan.statement_data", study=study, files=tuple(map(_at_freeze, data)))
    runs = (
        message("plan.statement_runs", reports=reports, runs=tuple(rendered))
        if rendered
        else message("plan.statement_no_runs", reports=reports)
    )
    return message("plan.statement_whole", files=files, runs=runs)


def _at_freeze(file: DataAtFreeze) -> Message:
    if file.sha256:
        return message("plan.statement_there", path=file.path, sha256=file.sha256)
    return message("plan.statement_not_there", path=file.path)
