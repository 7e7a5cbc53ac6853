"""IAM's evaluation of a request, by two simulators that are not ours and don't know each other.

- The emulator's (ministack): it decides what AWS API calls of local runs may do, where that is switched on.
- iam-simulate, a Node.js library. It also knows which condition keys and resources each action has: a key that an
  action doesn't have is not in the request, whatever a test says, and a condition on it denies, as in AWS.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ministack.core.iam_evaluator import (  # type: ignore[import-untyped] # it ships no types
    EvalContext,
    evaluate,
    evaluate_trust_policy,
    parse_policy_document,
    validate_policy_document,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
PACKAGE = "@cloud-copilot/iam-simulate"
Result = Literal["Allowed", "ImplicitlyDenied", "ExplicitlyDenied", "error"]


@dataclass(frozen=True)
class Verdict:
    """What a simulator said of one request: `ignored` are the context keys that the action doesn't have."""

    result: Result
    errors: Any = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One call of an API, with the policies that count: the caller's, and the trust of the role that is called for."""

    principal: str
    policies: tuple[dict[str, Any], ...]
    action: str
    resource: str
    account: str
    context: dict[str, str]
    trust: dict[str, Any] | None = None

    def simulation(self) -> dict[str, Any]:
        simulation: dict[str, Any] = {
            "request": {
                "principal": self.principal,
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": self.account},
                "contextVariables": self.context,
            },
            "identityPolicies": [
                {"name": f"policy-{index}", "policy": policy} for index, policy in enumerate(self.policies)
            ],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }
        return simulation if self.trust is None else simulation | {"resourcePolicy": self.trust}


def emulators_verdicts(requests: list[Request]) -> list[Verdict]:
    """Return the emulator's verdict on each request."""
    return [_emulators_verdict(request) for request in requests]


def _emulators_verdict(request: Request) -> Verdict:
    account = request.principal.split(":")[4]
    context = EvalContext(
        principal_arn=request.principal,
        principal_type="AssumedRole" if ":assumed-role/" in request.principal else "User",
        principal_account=account,
        action=request.action,
        resource_arn=request.resource,
        region="eu-west-1",
        service_context={key.lower(): value for key, value in request.context.items()},
    )
    if errors := [error for policy in request.policies if (error := validate_policy_document(policy))]:
        return Verdict("error", errors)
    decision = evaluate(context, [parse_policy_document(policy) for policy in request.policies]).decision
    result: Mapping[str, Result] = {"Allow": "Allowed", "Deny": "ExplicitlyDenied", "ImplicitDeny": "ImplicitlyDenied"}
    trusted = request.account == account if request.trust is None else _trusts(request.trust, request, context)
    return Verdict(result[decision] if trusted or decision == "Deny" else "ImplicitlyDenied")


def _trusts(trust: dict[str, Any], request: Request, context: EvalContext) -> bool:
    return bool(evaluate_trust_policy(trust, request.principal, context))


def iam_simulates_verdicts(requests: list[Request]) -> list[Verdict]:
    """Return iam-simulate's verdict on each request; one process for all."""
    answer = _ask({"simulations": [request.simulation() for request in requests], "actions": []})
    return [Verdict(each["result"], each["errors"], tuple(each["ignoredContextKeys"])) for each in answer["verdicts"]]


def known_actions(actions: list[str]) -> dict[str, dict[str, Any]]:
    """Return what IAM knows of each action: its `resourceTypes`, its `conditionKeys`, whether only `*` will do."""
    known: dict[str, dict[str, Any]] = _ask({"simulations": [], "actions": actions})["known"]
    return known


def iam_simulate_is_missing() -> str | None:
    """Why iam-simulate cannot be asked here; None when it can."""
    roots = [folder / "node_modules" / PACKAGE for folder in (HERE, *HERE.parents)]
    if not any(root.exists() for root in roots):
        return f"{PACKAGE} is not installed: run `make node_modules/.installed`"
    return None


SIMULATORS: Mapping[str, Callable[[list[Request]], list[Verdict]]] = {
    "emulator": emulators_verdicts,
    "iam-simulate": iam_simulates_verdicts,
}


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [os.environ["JSII_NODE"], HERE / "iam_simulate.mjs"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
