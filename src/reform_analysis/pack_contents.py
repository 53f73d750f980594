"""What ``pack.json`` says of a replication pack: every member with its SHA-256, and what each one is."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from reform_analysis.estimates import DataError
from reform_analysis.manifest import Manifest

Checked = TypeVar("Checked", bound=BaseModel)
SCHEMA = Path(str(files("reform_analysis"))) / "templates" / "pack.schema.json"
CONTENTS = "pack.json"
README = "README.md"
OUTPUTS = "outputs.csv"
MANIFEST = "results/manifest.json"
ESTIMATES = ("results/estimates.parquet", "results/estimates.csv")


class Member(BaseModel):
    """A file of the pack."""

    model_config = ConfigDict(extra="forbid")
    path: str
    sha256: str
    bytes: int


class Input(BaseModel):
    """A data file: where the run read it, and where the pack holds it (null: its hash alone travels)."""

    model_config = ConfigDict(extra="forbid")
    read_as: str
    member: str | None
    sha256: str
    kind: Literal["synthetic", "published", "own", "undeclared"]


class Notebook(BaseModel):
    """A notebook's source; `packaged` if it came with reform-analysis."""

    model_config = ConfigDict(extra="forbid")
    name: str
    member: str
    packaged: bool


class Pack(BaseModel):
    """A replication pack."""

    model_config = ConfigDict(extra="forbid")
    schema_version: Literal[1] = 1
    title: str | None
    version: str
    synthetic: bool
    study: str | None
    inputs: list[Input]
    notebooks: list[Notebook]
    members: list[Member]


def read_contents(content: bytes) -> Pack:
    """Read ``pack.json``.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    Pack

    Raises
    ------
    DataError
        If it breaks the schema.
    """
    try:
        return _parsed(Pack, content, CONTENTS)
    except DataError as broken:
        reason = str(broken).removeprefix(f"{CONTENTS}: ")
        raise DataError(
            f"{CONTENTS} is not as `pack` wrote it ({reason}); get the archive again from where "
            "it was published."
        ) from None


def read_manifest(content: bytes) -> Manifest:
    """Read a run's ``manifest.json``.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    Manifest

    Raises
    ------
    DataError
        If it breaks the schema.
    """
    return _parsed(Manifest, content, "manifest.json")


def _parsed(model: type[Checked], content: bytes, name: str) -> Checked:
    try:
        return model.model_validate_json(content)
    except ValidationError as broken:
        fault = broken.errors()[0]
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise DataError(f"{name}: {place}: {fault['msg']}") from None


def dump(pack: Pack) -> bytes:
    """Return the bytes of ``pack.json``.

    Parameters
    ----------
    pack : Pack

    Returns
    -------
    bytes
    """
    return (json.dumps(pack.model_dump(), indent=2, ensure_ascii=False) + "\n").encode()


def schema() -> dict[str, Any]:
    """Return the JSON schema of ``pack.json``; the package carries it as ``pack.schema.json``.

    Returns
    -------
    dict
    """
    return Pack.model_json_schema()
