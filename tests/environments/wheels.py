"""Tiny wheels, a shelf that wants one, and an index with a password: small real things for uv."""

from __future__ import annotations

import base64
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, summary: str = "tiny") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(zipfile.ZipInfo(file), text)
    return path


def write_environment(shelf: Path, name: str, *requirements: str, more: str = "") -> Path:
    path = shelf / "environments" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(f'"{requirement}"' for requirement in requirements)
    text = f'framework = "numpy"\npython = "3.11"\nsummary = "tiny"\nrequirements = [{listed}]\n{more}'
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def guarded_index(wheel: Path, user: str, password: str) -> Iterator[int]:
    """A package index on localhost that answers only with the right password; yields its port."""
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    project = wheel.name.split("-")[0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = self.answer()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def answer(self) -> tuple[int, str, bytes]:
            if self.headers.get("Authorization") != expected:
                return 401, "text/plain", b"who are you?"
            if self.path == f"/simple/{project}/":
                return 200, "text/html", f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
            if self.path == f"/files/{wheel.name}":
                return 200, "application/octet-stream", wheel.read_bytes()
            return 404, "text/plain", b""

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
