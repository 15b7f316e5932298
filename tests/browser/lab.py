"""A real JupyterLab on a loopback port, and a notebook in it as a test drives it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import psutil

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "portfolio"
TOOLS = ("bandit", "ruff", "skylos", "detect_secrets", "oxlint", "node ")
_START_SECONDS = 60
_CLASSES = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
_QUIET = {"fetchNews": "false", "checkForUpdates": False}
_FIND = "const panel = [...jupyterapp.shell.widgets('main')].find(w => w.context && w.context.path === path);"


class Lab:
    """One server with Jupyter folders of its own, so that nothing of the user's is read or written."""

    def __init__(self, folder: Path, program: str = "jupyterlab") -> None:
        """Make it; `program` is `jupyterlab`, or `notebook` for Notebook 7."""
        self._program = program
        self.notebooks = folder / "notebooks"
        self._folder = folder
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._server = None

    def start(self) -> None:
        self.notebooks.mkdir(parents=True)
        self._write_settings()
        arguments = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self._port,
            "ServerApp.port_retries": 0,
            "ServerApp.open_browser": False,
            "ServerApp.root_dir": self.notebooks,
            "ServerApp.disable_check_xsrf": True,  # so that the test may end the kernels
            "IdentityProvider.token": "",
            f"{_CLASSES[self._program]}.expose_app_in_browser": True,
        }
        command = [
            sys.executable,
            "-m",
            self._program,
            *(f"--{key}={value}" for key, value in arguments.items()),
        ]
        with (self._folder / "lab.log").open("wb") as log:
            self._server = subprocess.Popen(
                [*command, "--allow-root"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "JupyterLab answers", _START_SECONDS)

    def stop(self) -> None:
        """End the kernels, then the server's whole process group."""
        if self._server is None:
            return
        with contextlib.suppress(OSError):
            for kernel in self._api("kernels"):
                self._api(f"kernels/{kernel['id']}", method="DELETE")
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(10)
                break

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells; return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, self.notebooks / name)
        return name

    def _environment(self) -> dict[str, str]:
        names = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        own = {variable: str(self._folder / name) for variable, name in names.items()}
        return {**os.environ, **own, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

    def _write_settings(self) -> None:
        folder = self._folder / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True)
        (folder / "notification.jupyterlab-settings").write_text(json.dumps(_QUIET))

    def _answers(self) -> bool:
        if self._server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended:\n{(self._folder / 'lab.log').read_text()[-3000:]}")
        try:
            return bool(self._api("status"))
        except OSError:
            return False

    def _api(self, path: str, method: str = "GET"):
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


class Notebook:
    """A notebook that is open in the page."""

    def __init__(self, page, path: str) -> None:
        self.page, self.path = page, path

    def open(self) -> None:
        self.page.evaluate(
            "path => { jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'}); }",
            self.path,
        )
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until it is on the page and its kernel is idle."""
        self._wait(
            "panel && panel.context.isReady && panel.sessionContext.session?.kernel?.status === 'idle'"
        )

    def close(self) -> None:
        """End its kernel and its tab."""
        self._do("await panel.context.save(); await panel.sessionContext.shutdown(); panel.dispose();")

    def reload(self) -> None:
        """Save it, load the whole page anew, and come back to it; the kernel goes on."""
        self._do("await panel.context.save();")
        self.page.reload()
        wait_for_lab(self.page)
        self.open()

    def start(self, index: int) -> None:
        """Start a cell and return at once."""
        self._do("jupyterapp.shell.activateById(panel.id);")
        self._wait("jupyterapp.shell.currentWidget === panel")
        self._do(
            "panel.content.activeCellIndex = arg; panel.content.deselectAll();"
            " jupyterapp.commands.execute('notebook:run-cell');",
            index,
        )

    def run(self, index: int) -> str:
        """Run a cell, and return the text of its outputs."""
        self.start(index)
        self.wait_for(index)
        return self.text(index)

    def wait_for(self, index: int) -> None:
        """Wait until a cell has ended."""
        self._wait(
            "panel.content.widgets[arg].model.executionCount !== null"
            " && panel.content.widgets[arg].model.executionState !== 'running'",
            index,
        )

    def is_running(self, index: int) -> bool:
        return self._do("return panel.content.widgets[arg].model.executionState === 'running';", index)

    def restart(self) -> None:
        """Restart the kernel and wait until it is idle again."""
        self._do("await panel.sessionContext.session.kernel.restart();")
        self._wait("panel.sessionContext.session?.kernel?.status === 'idle'")

    def save(self) -> None:
        self._do("await panel.context.save();")

    def interrupt(self, index: int) -> None:
        """Interrupt the kernel and wait until the cell that it ran has ended."""
        self._do("await panel.sessionContext.session.kernel.interrupt();")
        self.wait_for(index)

    def text(self, index: int) -> str:
        outputs = self._do("return panel.content.widgets[arg].model.outputs.toJSON();", index)
        return "\n".join(_output_text(output) for output in outputs)

    def output(self, index: int):
        """Return the locator of a cell's output area."""
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={index}").locator(
            ".jp-Cell-outputWrapper"
        )

    def _do(self, body: str, arg=None):
        return self.page.evaluate(f"async ([path, arg]) => {{ {_FIND} {body} }}", [self.path, arg])

    def _wait(self, condition: str, arg=None) -> None:
        self.page.wait_for_function(
            f"([path, arg]) => {{ {_FIND} return {condition}; }}", arg=[self.path, arg], timeout=60_000
        )


def wait_for_lab(page) -> None:
    page.wait_for_function("window.jupyterapp && window.jupyterapp.shell", timeout=60_000)
    page.wait_for_function("jupyterapp.restored.then(() => true)", timeout=60_000)


def wait_until(condition, what: str, seconds: float) -> None:
    """Look at `condition` until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s it does not hold that {what}")
        time.sleep(0.05)


def start_busy_cell(book, index: int) -> None:
    """Start a cell that keeps the kernel busy, and return when it does."""
    book.start(index)
    wait_until(lambda: book.is_running(index), "the cell is busy", 10)


def many_apps(folder: Path, count: int) -> str:
    """Write a portfolio of one model with copies of one app; return its path."""
    for number in range(1, count + 1):
        shutil.copytree(SAMPLE / "atlas-4" / "app1", folder / "copies" / f"app{number}")
    return str(folder)


def tools_of(kernel: int) -> list[str]:
    """Return the command lines of what runs below a kernel, but for batchnb's own processes."""
    found = []
    for process in psutil.Process(kernel).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found.append(" ".join(process.cmdline()))
    return [command for command in found if any(tool in command for tool in TOOLS)]


def assert_quiet(page) -> None:
    """Nothing was asked of other computers, and nothing failed in the page."""
    complaints = [text for text in page.complaints if "Canceled future" not in text]  # of a restarted kernel
    if page.blocked or complaints:
        raise AssertionError(f"asked of other computers: {page.blocked}; failed in the page: {complaints}")


def _output_text(output: dict) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return str(output["data"].get("text/plain", ""))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
