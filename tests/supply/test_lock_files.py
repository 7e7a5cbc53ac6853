"""The lock files hold every package once and for all: exact version, hashes, no host to fetch it from."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
LOCK_FILES = sorted((REPOSITORY / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
ENTRY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][a-z0-9.!+]*)(?P<marker> ; [^\\\n]+)?"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)


def entries(text: str) -> list[re.Match[str]]:
    """Return the entries of a lock file; whatever is neither entry nor comment fails."""
    found = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        lines = "\n".join(line for line in block.splitlines() if not line.lstrip().startswith("#"))
        if lines:
            match = ENTRY.fullmatch(lines)
            assert match is not None, f"not a pinned and hashed package: {lines[:200]}"
            found.append(match)
    return found


def test_there_are_lock_files_and_each_has_its_source() -> None:
    assert {path.name for path in LOCK_FILES} >= {"dev.txt", "uv.txt"}


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: path.name)
def test_each_package_is_pinned_and_hashed(path: Path) -> None:
    found = entries(path.read_text(encoding="utf-8"))
    assert found
    twice = {each["name"] for each in found if not each["marker"] and sum(e["name"] == each["name"] for e in found) > 1}
    assert twice == set()


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: path.name)
def test_no_lock_file_names_a_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert re.search(r"--(?:index-url|extra-index-url|find-links|trusted-host)|^-[ie] | @ ", text, re.MULTILINE) is None


@pytest.mark.parametrize(
    "text",
    [
        "jinja2>=3.1",
        "jinja2==3.1.6",
        "jinja2==3.1.6 \\\n    --hash=md5:0123456789abcdef0123456789abcdef",
        "jinja2 @ https://example.com/jinja2.whl",
        "--index-url https://example.com/simple",
        "jinja2==3.1.6 \\\n    --hash=sha256:" + "0" * 64 + "\n-e .",
    ],
)
def test_what_is_not_locked_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError, match="not a pinned and hashed package"):
        entries(text)


def wanted() -> list[Requirement]:
    """Return what the project asks for: for itself, for each extra, for its development and its build."""
    project: dict[str, Any] = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
        PROJECT["build-system"]["requires"],
    ]
    requirements = [Requirement(text) for each in lists for text in each if isinstance(text, str)]
    return [each for each in requirements if each.name != project["name"]]


def test_the_lock_file_agrees_with_what_the_project_asks_for() -> None:
    locked: dict[str, list[Version]] = {}
    for each in entries((REPOSITORY / "requirements" / "dev.txt").read_text(encoding="utf-8")):
        locked.setdefault(canonicalize_name(each["name"]), []).append(Version(each["version"]))
    unmet = [
        str(each)
        for each in wanted()
        if not any(each.specifier.contains(version) for version in locked.get(canonicalize_name(each.name), []))
    ]
    assert unmet == [], "call make lock"


def test_no_requirement_names_a_place() -> None:
    assert [str(each) for each in wanted() if each.url] == []
    assert "index" not in PROJECT.get("tool", {}).get("uv", {})


def test_each_npm_package_is_pinned_and_hashed_and_names_no_host() -> None:
    lock = json.loads((REPOSITORY / "package-lock.json").read_text(encoding="utf-8"))
    packages: dict[str, dict[str, Any]] = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    for name, each in packages.items():
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?", each["version"]), name
        algorithm, _, digest = each["integrity"].partition("-")
        assert (algorithm, len(base64.b64decode(digest, validate=True))) == ("sha512", 64), name
        assert not {"resolved", "link", "hasInstallScript"} & each.keys(), name
    assert "://" not in json.dumps(lock)


def test_the_npm_lock_file_agrees_with_what_the_project_asks_for() -> None:
    asked = json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((REPOSITORY / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["devDependencies"] == asked["devDependencies"]
    for name, version in asked["devDependencies"].items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert (REPOSITORY / ".npmrc").read_text(encoding="utf-8").split() == ["omit-lockfile-registry-resolved=true"]


def test_no_command_of_the_project_chooses_a_registry_or_skips_a_check() -> None:
    files = [REPOSITORY / "Makefile", *(path for path in (REPOSITORY / ".ci").iterdir() if path.is_file())]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert (
            re.search(r"index-url|trusted-host|--registry|PIP_INDEX|UV_INDEX|UV_INSECURE|strict-ssl", text) is None
        ), path
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"pip (?:install|sync)", line)]
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--no-deps" in line, line
    assert "npm install" not in makefile
    assert "npm ci" in makefile
