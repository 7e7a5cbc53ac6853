"""Ask a vulnerability service about each package of the lock files.

::

    python .ci/audit.py [--lock FILE]... [pip-audit's own options, such as --vulnerability-service osv]

Exit status: 0 if nothing is known against any of them, and also, with the reason, if the service can't be reached;
1 if something is known, or if the service does not know some of them; 2 if pip-audit itself failed.
"""
# ruff: noqa: INP001, T201 - a script that prints

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_REQUIREMENTS = Path(__file__).parents[1] / "requirements"
_LOCK_FILES = [_REQUIREMENTS / "dev.txt", _REQUIREMENTS / "uv.txt"]
_UNREACHABLE = (
    "ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "ServiceError", "HTTPError",
    "JSONDecodeError", "Could not connect", "is not redirecting properly", "Max retries exceeded",
)  # fmt: skip
"""What pip-audit writes where the service is not there, is down, or is something else that answers in its place."""
_SECONDS = 900


def audit(lock_files: list[Path], options: list[str]) -> int:
    """Return the exit status, and print the reason."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [
            *(sys.executable, "-m", "pip_audit", "--format=json", f"--output={answer}", "--progress-spinner=off"),
            *("--disable-pip", "--require-hashes", "--desc=off", "--timeout=15"),
            *(f"--requirement={each}" for each in lock_files),
            *options,
        ]
        try:
            run = subprocess.run(  # noqa: S603 - this script's own command
                command, check=False, capture_output=True, text=True, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired:
            return _could_not_run(f"no answer within {_SECONDS} seconds")
        report = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None
    if report is not None:
        return _judge(report)
    lines = run.stderr.strip().splitlines() or ["pip-audit printed nothing"]
    if any(each in run.stderr for each in _UNREACHABLE):
        return _could_not_run(lines[-1])
    print(f"audit: pip-audit failed: {lines[-1]}", file=sys.stderr)
    return 2


def _judge(report: dict[str, Any]) -> int:
    packages = report["dependencies"]
    skipped = [each for each in packages if "skip_reason" in each]
    if packages and len(skipped) == len(packages):
        return _could_not_run(f"the service knows none of the packages: {skipped[0]['skip_reason']}")
    for each in skipped:
        print(f"audit: not audited: {each['name']}: {each['skip_reason']}")
    found = [(each, known) for each in packages for known in each.get("vulns", ())]
    for package, known in found:
        mended = ", ".join(known["fix_versions"]) or "none yet"
        print(f"audit: {package['name']} {package['version']}: {known['id']}; mended in {mended}")
    if not found and not skipped:
        print(f"audit: nothing is known against any of the {len(packages)} locked packages")
        return 0
    print(f"audit: {len(found)} known vulnerabilities, {len(skipped)} packages not audited")
    return 1


def _could_not_run(reason: str) -> int:
    print(f"audit: could not run: {reason}")
    return 0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Ask a vulnerability service about each package of the lock files")
    parser.add_argument("--lock", action="append", type=Path, metavar="FILE", help="a hashed requirements file")
    arguments, options = parser.parse_known_args()
    return audit(arguments.lock or _LOCK_FILES, options)


if __name__ == "__main__":
    sys.exit(main())
