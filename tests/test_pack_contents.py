"""pack.json: the stored schema is the model's, and what breaks it is refused with its place."""

import json

import pytest

from reform_analysis import pack_contents
from reform_analysis.estimates import DataError


def test_the_schema_in_the_package_is_that_of_the_model() -> None:
    assert json.loads(pack_contents.SCHEMA.read_text(encoding="utf-8")) == pack_contents.schema()


def test_what_is_written_is_read_again() -> None:
    member = pack_contents.Member(path="结果.csv", sha256="0" * 64, bytes=1)
    pack = pack_contents.Pack(
        title="题", version="1", synthetic=True, study=None, inputs=[], notebooks=[], members=[member]
    )
    assert pack_contents.read_contents(pack_contents.dump(pack)) == pack


@pytest.mark.parametrize("content", [b"{}", b"no json", b"[]", b'{"members": [1]}'])
def test_what_breaks_the_schema_is_refused(content: bytes) -> None:
    with pytest.raises(
        DataError, match=r"pack\.json is not as `pack` wrote it \(.+\); get the archive again"
    ):
        pack_contents.read_contents(content)
