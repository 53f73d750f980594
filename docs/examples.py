"""Run what the pages show, and compare or write what it prints.

    python docs/examples.py            list the pages whose output is out of step; exit 1 if there is any
    python docs/examples.py --write    write the output into the pages

A page is run from top to bottom in an empty folder. ``pycon`` blocks share their names, ``console`` blocks
run ``reform-analysis``, and a block of code with a file's name as its caption is written to that file. What
differs from run to run is replaced: the run's folder by ``<run>``, seconds and megabytes by ``<n>``, times by
``<time>``, the hash of a replication pack by ``<sha256>``.
"""

import doctest
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from reform_analysis.cli import main as command

HERE = Path(__file__).parent
BLOCK = re.compile(
    r"^```(?P<kind>pycon|console|\{code-block\}) ?(?P<language>\w*)\n(?P<body>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
VARYING = {
    r"\b\d{8}-\d{6}\b": "<run>",
    r"\b\d+\.\d s$": "<n> s",
    r"\b\d+\.\d 秒$": "<n> 秒",
    r"\b[-\d]{10} [:\d]{8} UTC": "<time> UTC",
    r"\b\d+\.\d MB\b": "<n> MB",
    r"(?<=the pack )[0-9a-f]{64}|(?<=本包的SHA-256 )[0-9a-f]{64}": "<sha256>",
    r"\b[0-9a-f]{64}(?=; publish|；请随文章)": "<sha256>",
}


class _Recorder(doctest.DocTestRunner):
    """Keeps what each example printed."""

    def __init__(self) -> None:
        super().__init__(verbose=False)
        self.got: list[str] = []

    def report_start(self, *_: Any) -> None:
        pass

    def report_success(self, _out: Any, _test: Any, _example: Any, got: str) -> None:
        self.got.append(got)

    def report_failure(self, _out: Any, _test: Any, _example: Any, got: str) -> None:
        self.got.append(got)

    def report_unexpected_exception(self, _out: Any, _test: Any, _example: Any, exc_info: Any) -> None:
        raise exc_info[1]


def pages() -> list[Path]:
    """The pages that show code, in order.

    Returns
    -------
    list of Path
    """
    found = [path for path in sorted(HERE.rglob("*.md")) if "generated" not in path.parts]
    return [path for path in found if re.search("^```(pycon|console)", path.read_text("utf-8"), re.MULTILINE)]


def rerun(text: str) -> str:
    """Return a page with the output of its blocks as it is now.

    Parameters
    ----------
    text : str
        Markdown.

    Returns
    -------
    str
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    with _empty_folder():
        return BLOCK.sub(lambda block: _rerun_block(block, names), text)


@contextmanager
def _empty_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _rerun_block(block: re.Match[str], names: dict[str, Any]) -> str:
    kind, body = block["kind"], block["body"]
    if kind == "pycon":
        return f"```pycon\n{_python(body, names)}```"
    if kind == "console":
        return f"```console\n{_shell(body)}```"
    if caption := re.match(r":caption: (\S+)\n\n", body):
        Path(caption[1]).write_text(body[caption.end() :], encoding="utf-8")
    return block[0]


def _python(body: str, names: dict[str, Any]) -> str:
    examples = doctest.DocTestParser().get_examples(body)
    recorder = _Recorder()
    test = doctest.DocTest(examples, names, "page", None, 0, body)
    recorder.run(test, out=lambda _: None, clear_globs=False)
    names.update(test.globs)
    shown = []
    for example, got in zip(examples, recorder.got, strict=True):
        first, *rest = example.source.rstrip("\n").split("\n")
        shown += [f">>> {first}", *[f"... {line}".rstrip() for line in rest]]
        shown += [line.rstrip() for line in got.splitlines()]
    return "\n".join(shown) + "\n"


def _shell(body: str) -> str:
    shown = []
    for line in re.findall(r"^\$ .+$", body, flags=re.MULTILINE):
        program, *arguments = line[2:].split()
        if program != "reform-analysis":
            raise ValueError(f"a console block runs reform-analysis alone, got {line!r}; use a sh block.")
        result = CliRunner().invoke(command, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        output = result.output
        for varying, constant in VARYING.items():
            output = re.sub(varying, constant, output, flags=re.MULTILINE)
        shown.append(f"{line}\n{output}")
    return "".join(shown)


def main(arguments: list[str]) -> int:
    outdated = []
    for page in [HERE / name for name in arguments if name != "--write"] or pages():
        text = page.read_text(encoding="utf-8")
        now = rerun(text)
        if now != text and "--write" in arguments:
            page.write_text(now, encoding="utf-8", newline="\n")
        elif now != text:
            outdated.append(str(page.relative_to(HERE)))
    if outdated:
        print(f"out of step: {outdated}; run: python docs/examples.py --write", file=sys.stderr)
    return bool(outdated)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
