"""What system tests share: the wheel, a user who may write nothing there, LibreOffice, Chromium."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib import get_data_path
from playwright.sync_api import Browser, Page, sync_playwright

from reform_analysis import resources

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PLAIN = {"PATH": "/usr/bin:/bin", "LANG": "C"}  # no HOME, and a locale that knows no Chinese
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# 宋体 and Times New Roman are rarely installed here: fonts at hand stand in under their names.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>{chinese}</dir><dir>{latin}</dir><cachedir>{cache}</cachedir>
<match target="pattern"><test name="family"><string>宋体</string></test>
<edit name="family" mode="assign" binding="strong"><string>Noto Serif SC</string></edit></match>
<match target="pattern"><test name="family"><string>Times New Roman</string></test>
<edit name="family" mode="assign" binding="strong"><string>{font}</string></edit></match>
</fontconfig>
"""


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, outside the checkout."""

    environment: Path
    folder: Path  # which the user owns

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def command(self) -> Path:
        return self.environment / "bin" / "reform-analysis"

    def run(self, *command: object, cwd: Path) -> str:
        """Run as whoever runs the tests, but with no other package on the path; the printed text."""
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return _run(command, cwd=cwd, env=env)

    def as_user(self, *command: object, cwd: Path, expected: int = 0) -> str:
        """Run as a user who cannot write to the environment, without HOME, under LANG=C."""
        return _run([*_unprivileged(), *command], cwd=cwd, env=PLAIN, expected=expected)

    def give(self, *paths: Path) -> None:
        """Make the user the owner."""
        for path in paths if os.geteuid() == 0 else ():
            os.chown(path, NOBODY, NOBODY)


def _run(command: object, *, cwd: Path, env: dict[str, str] | None = None, expected: int = 0) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + (done.stderr if expected else "")


def _unprivileged() -> list[str]:
    """The command that gives up root; the interpreter of the tests may lie where only root may read."""
    if os.geteuid() != 0:
        return []
    may_read = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    closed = any(
        not folder.stat().st_mode & 0o001 for folder in Path(os.path.realpath(sys.executable)).parents
    )
    return [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        *(may_read if closed else []),
    ]


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    # pytest's own folders are closed to other users.
    place = Path(tempfile.mkdtemp(prefix="reform 改革 "))
    place.chmod(0o755)
    try:
        found = Installed(place / "环境 with spaces", place / "用户 of it")
        found.folder.mkdir()
        found.give(found.folder)
        _install(found, place)
        if os.geteuid() != 0:
            _run(["chmod", "-R", "a-w", found.environment], cwd=place)
        yield found
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(place)], check=False)
        shutil.rmtree(place)


def _install(found: Installed, place: Path) -> None:
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", place / "dist", ROOT], cwd=place)
    (wheel,) = (place / "dist").glob("*.whl")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    versions = re.sub(r" \\\n(    --hash=\S+( \\)?\n)+", "\n", lock)
    (place / "constraints.txt").write_text(versions, encoding="utf-8")
    _run([sys.executable, "-m", "venv", found.environment], cwd=place)
    pip = [found.python, "-m", "pip", "install", "--quiet", "--constraint", place / "constraints.txt"]
    _run([*pip, wheel], cwd=place)


@pytest.fixture
def converted() -> Callable[..., Path]:
    """The function that turns a document into a PDF, by a LibreOffice with a profile of its own."""
    return _converted


def _converted(document: Path, folder: Path, font: str = "STIXGeneral") -> Path:
    (folder / "fonts.conf").write_text(
        FONTS.format(
            chinese=resources.font_path().parent,
            latin=f"{get_data_path()}/fonts/ttf",
            cache=folder / "cache",
            font=font,
        ),
        encoding="utf-8",
    )
    command = [
        "soffice",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(document),
    ]
    environment = {**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=300)
    return folder / f"{document.stem}.pdf"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a file: while it is open, nothing else can run an event loop in the process."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing; install it (apt-get install chromium), .ci/run does.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def tab(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """A tab that notes requests that leave the page or fail, dialogs, and what the console says."""
    tab = browser.new_page()
    tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(r.url))
    tab.on("requestfailed", lambda request: complaints.append(f"not found: {request.url}"))
    tab.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield tab
    tab.close()


@pytest.fixture
def serious() -> Callable[[Page], list[str]]:
    """The function that lists what axe-core finds serious or critical on a page."""
    return _serious


def _serious(tab: Page) -> list[str]:
    """Faults, each with its first place."""
    # Preloading would fetch the style sheets once more, which a browser refuses for files.
    found = Axe().run(tab, options={"preload": False}).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
