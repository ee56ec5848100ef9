"""A portal as a process in the background, with all that belongs to it in one folder."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from beheerportaal import pid_file
from beheerportaal.settings import PortalSettings

START_SECONDS = 15
STOP_SECONDS = 10


class PortalError(Exception):
    """A portal that can't be started or stopped; the text is one sentence for the person who tried."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """The portal whose settings, database, log and process id are in `folder`."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """The settings that it was started with, as JSON."""
        return self.folder / "settings.json"

    @property
    def pid_file(self) -> Path:
        """Locked while it runs."""
        return self.folder / "portal.pid"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "portal.log"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return pid_file.holder(self.pid_file)

    def settings(self) -> PortalSettings | None:
        """What it was started with last; None where it never was, or where that can't be read any more."""
        try:
            return PortalSettings.model_validate_json(self.settings_file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def is_healthy(self) -> bool:
        """Whether it runs, and answers."""
        settings = self.settings()
        return self.pid is not None and settings is not None and _answers(settings.origin)

    def write_settings(self, settings: PortalSettings) -> None:
        """Prepares the folder for a start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(settings.model_dump_json(by_alias=True, indent=2))

    def start(self, settings: PortalSettings) -> bool:
        """Starts it and returns when it answers; False where it ran already, with the same settings.

        One that runs with other settings, an older catalogue for example, is restarted.

        Raises:
            PortalError: where the port is taken, or it isn't ready within `START_SECONDS`.
        """
        if self.settings() == settings and self.is_healthy():
            return False
        self.stop()
        _require_free(settings)
        self.write_settings(settings)
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "beheerportaal.server", str(self.settings_file), "--pid-file", str(self.pid_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # outlives the terminal, and its Ctrl-C
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise PortalError(f"the portal ended at once: {self._last_line()}; see {self.log}")
            if self.pid == process.pid and _answers(settings.origin):
                return True
            time.sleep(0.05)
        process.kill()
        process.wait()
        raise PortalError(f"the portal was not ready within {START_SECONDS} seconds: {self._last_line()}; see {self.log}")

    def stop(self) -> bool:
        """Ends it, first kindly; its data stay. False where it did not run."""
        pid = self.pid
        if pid is None:
            return False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                if self.pid != pid:
                    return True
                time.sleep(0.05)
        raise PortalError(f"process {pid} does not end; end it by hand")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


def _answers(origin: str) -> bool:
    try:
        # Never through a proxy that the environment names: this is loopback.
        answer = httpx.get(f"{origin}/health", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.headers.get("content-type") == "application/json" and answer.json() == {"status": "ok"}


def _require_free(settings: PortalSettings) -> None:
    with socket.socket(settings.family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PortalError(
                f"port {settings.port} of {settings.host} is taken by another program; stop that, or choose another port"
            ) from error
