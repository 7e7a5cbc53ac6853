"""What a policy means for the DAGs of a source together: prefix, places, who keeps what, and the audit log."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.admission import MOST_ERRORS, Admitted, Refused, Verdict, admit
from airflow_ecs_dag_loader.audit import changes
from airflow_ecs_dag_loader.definition import Definition
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.snapshot import Snapshot, publish
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import Policy
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAILY = {
    "dag__schedule__kind": "delta_trigger",
    "dag__schedule__every": "P1D",
    "dag__start_date": "2026-01-01T00:00:00+00:00",
    "dag__catchup": "true",
}


class Source:
    """A source from scan to scan."""

    def __init__(self, folder: Path, source: RegistrySource = SOURCE) -> None:
        self._folder = folder
        self._source = source

    def scan(self, definitions: Iterable[Definition], **policy: Any) -> tuple[list[str], list[str]]:
        """Return the dag ids admitted, and the lines of the audit log."""
        shuffled = list(definitions)
        random.Random(len(shuffled)).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        before = Snapshot.read(self._folder)
        self.verdicts: list[Verdict] = admit(
            shuffled, source=self._source, owners=before.owners, policy=Policy(**policy), now=NOW
        )
        publish(self._folder, registry=Registry(), verdicts=self.verdicts, source=self._source)
        after = Snapshot.read(self._folder)
        lines = [
            " ".join([change.event, change.family_key.rpartition("/")[2], *change.judgement.broken])
            for change in changes(before.judgements, after.judgements)
        ]
        return sorted(each.spec.dag_id for each in self.verdicts if isinstance(each, Admitted)), lines

    def refusal(self, family: str) -> Refused:
        (verdict,) = [each for each in self.verdicts if each.definition.parsed_arn.family == family]
        assert isinstance(verdict, Refused)
        return verdict


def test_a_dag_without_the_prefix_of_its_source_is_refused_whatever_the_mode(tmp_path: Path) -> None:
    source = Source(tmp_path, RegistrySource(cluster="shared", dag_id_prefix="a."))
    admitted, lines = source.scan([found("a", dag_labels("a.one")), found("b", dag_labels("ab"))], mode="warn")
    assert admitted == ["a.one"]
    assert lines == ["dag admitted a", "dag refused b dag-id.source-prefix @ airflow.dag.dag_id"]
    assert (
        "airflow.dag.dag_id: [dag-id.source-prefix] the dag ids of this account and region begin with a. in this "
        "Airflow: name the DAG a.ab or the like (got 'ab')"
    ) in source.refusal("b").reason


def test_those_that_have_a_place_keep_it(tmp_path: Path) -> None:
    source = Source(tmp_path)
    assert source.scan([found("c"), found("d")], max_dags=2)[0] == ["c", "d"]
    admitted, lines = source.scan([found("a"), found("c"), found("d"), found("e")], max_dags=2)
    assert admitted == ["c", "d"]
    assert lines == [f"dag refused {name} source.too-many-dags @ airflow.dag.dag_id" for name in "ae"]
    assert source.scan([found("a"), found("c"), found("d"), found("e")], max_dags=2) == (["c", "d"], [])
    assert source.scan([found("a"), found("d"), found("e")], max_dags=2)[0] == ["a", "d"]


def test_a_dag_keeps_its_place_while_its_author_mends_it(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.scan([found("d")], max_dags=1)
    broken = found("d", dag_labels("d", tasks__build__retries="x"), revision=2)
    admitted, lines = source.scan([found("a"), broken], max_dags=1)
    assert admitted == []
    assert lines == [
        "dag refused a source.too-many-dags @ airflow.dag.dag_id",
        "dag refused d labels.invalid @ airflow.tasks.build.retries",
    ]
    assert source.scan([found("a"), found("d", revision=3)], max_dags=1)[0] == ["d"]


def test_a_source_with_a_cap_has_as_many_errors_at_most(tmp_path: Path) -> None:
    """Each error is a file that Airflow parses, and whoever may register task definitions may register many."""
    source = Source(tmp_path)
    source.scan([found("z")], max_dags=1)
    broken = [found(f"f{number:03}", dag_labels("x", tasks__build__retries="x")) for number in range(130)]
    mended = found("z", dag_labels("z", tasks__build__retries="x"), revision=2)
    source.scan([*broken, mended], max_dags=1)
    assert len(source.verdicts) == MOST_ERRORS + 1
    assert source.refusal("z").keeps == ("z",)
    assert "more task definitions" not in source.refusal("f000").reason
    last = source.refusal("f099").reason
    assert "30 more task definitions of this source are refused" in last
    assert "f100, f101" in last
    assert "f109 and so on" in last
    source.scan([*broken, found("good")], max_dags=120)
    assert len(source.verdicts) == 121
    source.scan([*broken, found("good")])
    assert len(source.verdicts) == 131


def test_a_cap_that_is_lowered_takes_places_in_the_same_order_each_time(tmp_path: Path) -> None:
    source = Source(tmp_path)
    definitions = [found(name) for name in "abcd"]
    source.scan(definitions)
    assert source.scan(definitions, max_dags=2)[0] == ["a", "b"]
    assert source.refusal("c").keeps == ("c",)
    assert source.scan(definitions, max_dags=2) == (["a", "b"], [])
    assert source.scan([*definitions, found("aa")], max_dags=3)[0] == ["a", "b", "c"]
    assert source.scan(definitions, max_dags=0)[0] == []


def test_places_are_only_counted_where_the_policy_warns(tmp_path: Path) -> None:
    admitted, lines = Source(tmp_path).scan([found("a"), found("b")], mode="warn", max_dags=1)
    assert admitted == ["a", "b"]
    assert lines == ["dag admitted a", "dag admitted b source.too-many-dags @ airflow.dag.dag_id"]


def test_a_dag_id_that_another_has_takes_no_place(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.scan([found("b", dag_labels("same"))])
    admitted, lines = source.scan([found("a", dag_labels("same")), found("b", dag_labels("same"))], max_dags=1)
    assert admitted == ["same"]
    assert lines == ["dag refused a dag-id.taken @ airflow.dag.dag_id"]


def test_who_is_refused_by_the_policy_keeps_the_dag_id(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.scan([found("b", dag_labels("same"))])
    admitted, _ = source.scan([found("a", dag_labels("same")), found("b", dag_labels("same"))], owners=["nobody"])
    assert (admitted, source.refusal("b").keeps) == ([], ("same",))
    admitted, _ = source.scan([found("a", dag_labels("same")), found("b", dag_labels("same"))])
    assert admitted == ["same"]
    assert "[dag-id.taken]" in source.refusal("a").reason


def test_a_line_for_each_change_and_none_without_one(tmp_path: Path) -> None:
    source = Source(tmp_path)
    assert source.scan([found("a")])[1] == ["dag admitted a"]
    assert source.scan([found("a")])[1] == []
    assert source.scan([found("a", revision=2)])[1] == ["dag admitted a"]
    assert source.scan([found("a", revision=2)], mode="warn", max_tasks=0)[1] == [
        "dag admitted a size.tasks @ airflow.tasks"
    ]
    assert source.scan([found("a", revision=2)], max_tasks=0)[1] == ["dag refused a size.tasks @ airflow.tasks"]
    assert source.scan([found("a", revision=2)], max_tasks=0)[1] == []
    assert source.scan([])[1] == ["dag left a size.tasks @ airflow.tasks"]


def test_what_there_is_to_make_up_for_is_counted_to_the_deployment(tmp_path: Path) -> None:
    labels = dag_labels("a", **DAILY)
    arn = found("a").arn
    deployed = Definition(arn, labels, "main", found("a").containers, registered_at="2026-01-10T00:00:00+00:00")
    source = Source(tmp_path)
    assert source.scan([deployed], max_catchup_runs=10)[0] == ["a"]
    assert source.scan([deployed], max_catchup_runs=9)[0] == []
    assert source.scan([found("a", labels)], max_catchup_runs=10)[0] == []  # not known when: counted to now
    assert source.scan([found("a", labels)], max_catchup_runs=60)[0] == ["a"]


def test_a_cluster_of_another_place_is_none_of_ours_by_its_name(tmp_path: Path) -> None:
    """Only Airflow knows where a DAG was found, so this is no case of both ends."""
    own, other, elsewhere = (
        found(name, dag_labels(name, ecs__cluster=f"arn:aws:ecs:{place}:cluster/work"))
        for name, place in {
            "own": "eu-west-1:123456789012",
            "other": "eu-west-1:999999999999",
            "elsewhere": "us-east-1:123456789012",
        }.items()
    )
    admitted, lines = Source(tmp_path).scan([own, other, elsewhere], clusters=["work"])
    assert admitted == ["own"]
    assert [line for line in lines if "refused" in line] == [
        "dag refused elsewhere cluster.not-allowed @ airflow.ecs.cluster",
        "dag refused other cluster.not-allowed @ airflow.ecs.cluster",
    ]
    name_of_ours = found("named", dag_labels("named", ecs__cluster="work"))
    arns = {"eu-west-1:123456789012": ["named"], "eu-west-1:999999999999": []}
    for place, expected in arns.items():
        assert Source(tmp_path).scan([name_of_ours], clusters=[f"arn:aws:ecs:{place}:cluster/*"])[0] == expected
