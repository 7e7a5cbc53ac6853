"""Task groups and labels on arrows: what `TaskGroup` and `EdgeLabel` make of flows."""

from __future__ import annotations

import pytest

from airflow_ecs_dag import DagDefinitionError, EcsTask, EdgeLabel, Flow, TaskGroup
from airflow_ecs_dag_schema.dag import GroupSpec
from construct.defined import defined, refused


def arrows(tasks: object) -> set[str]:
    return {f"{before}-{task.task_id}" for task in defined(tasks).tasks for before in task.upstream}


def labels(tasks: object) -> set[tuple[str, str, str]]:
    return {(edge.upstream, task.task_id, edge.label) for task in defined(tasks).tasks for edge in task.edge_labels}


@pytest.fixture
def four() -> tuple[EcsTask, EcsTask, EcsTask, EcsTask]:
    return EcsTask("a"), EcsTask("b"), EcsTask("c"), EcsTask("d")


Four = tuple[EcsTask, EcsTask, EcsTask, EcsTask]


class TestGroups:
    def test_ids_begin_with_the_groups(self, four: Four) -> None:
        a, b, c, d = four
        flow = a >> TaskGroup("load", [b, TaskGroup("deep", c)]) >> d
        assert arrows(flow) == {"a-load.b", "a-load.deep.c", "load.b-d", "load.deep.c-d"}
        assert isinstance(flow, Flow)

    def test_what_is_before_and_after_is_joined_to_the_ends(self, four: Four) -> None:
        a, b, c, d = four
        inner = TaskGroup("g", [a >> b, b >> c])
        assert arrows(d >> inner) == {"d-g.a", "g.a-g.b", "g.b-g.c"}
        assert arrows(inner >> d) == {"g.c-d", "g.a-g.b", "g.b-g.c"}
        assert arrows([d] >> inner) == arrows(inner << d) == arrows(d >> inner)

    def test_a_teardown_holds_nothing_up(self, four: Four) -> None:
        make, work, drop = EcsTask("make", is_setup=True), four[0], EcsTask("drop", is_teardown=True)
        group = TaskGroup("g", [make >> work >> drop, make >> drop])
        assert arrows(group >> four[1]) == {"g.make-g.a", "g.a-g.drop", "g.make-g.drop", "g.a-b"}

    def test_a_task_of_a_group_is_used_as_it_is(self, four: Four) -> None:
        a, b, c, d = four
        group = TaskGroup("g", a >> b)
        assert arrows([group >> c, a >> d]) == {"g.a-g.b", "g.b-c", "g.a-d"}
        outer = TaskGroup("o", group)
        assert arrows([outer, group >> c]) == {"o.g.a-o.g.b", "o.g.b-c"}

    def test_what_a_group_says_of_itself(self, four: Four) -> None:
        a, b, c, _ = four
        flow = TaskGroup("x", [TaskGroup("y", a, tooltip="Why"), b], display_name="X") >> TaskGroup("z", c)
        assert defined(flow).groups == (
            GroupSpec(group_id="x", display_name="X"),
            GroupSpec(group_id="x.y", tooltip="Why"),
        )

    def test_the_command_of_a_task_is_its_own_id(self, four: Four) -> None:
        (task,) = defined(TaskGroup("g", four[0])).tasks
        assert (task.task_id, getattr(task, "container_command", None)) == ("g.a", ("a",))

    def test_one_id_in_two_groups(self) -> None:
        flow = TaskGroup("g", EcsTask("a")) >> TaskGroup("h", EcsTask("a"))
        assert arrows(flow) == {"g.a-h.a"}
        assert refused([flow, TaskGroup("g", EcsTask("b"))]) == {
            "tasks": "two task groups have this id: rename one, or make the group once and use that value twice"
        }

    def test_one_task_in_two_groups(self, four: Four) -> None:
        a = four[0]
        assert refused([TaskGroup("g", a), TaskGroup("h", a)]) == {
            "tasks.a": "this task is in two groups, g and h: keep it in one of them"
        }

    def test_namesakes_within_a_group(self) -> None:
        found = refused(TaskGroup("g", [EcsTask("a"), EcsTask("a", retries=1)]))
        assert found.keys() == {"tasks.g.a"}
        assert found["tasks.g.a"].count("test_task_groups.py:") == 2

    def test_a_group_and_a_task_of_one_id(self, four: Four) -> None:
        assert "a task group has this id" in refused([EcsTask("g"), TaskGroup("g", four[0])])["tasks.g"]

    def test_dots_are_for_groups(self) -> None:
        assert "put the task into a TaskGroup" in refused(EcsTask("g.a"))["tasks.g.a.task_id"]
        with pytest.raises(DagDefinitionError, match="put a group into another one"):
            TaskGroup("g.h", EcsTask("a"))

    @pytest.mark.parametrize("wrong", ["a", None, [], ["a"], 3])
    def test_a_group_of_something_else(self, wrong: object) -> None:
        with pytest.raises(DagDefinitionError, match="tasks: expected a task such as"):
            TaskGroup("g", wrong)  # type: ignore[arg-type]
        with pytest.raises(DagDefinitionError, match="group_id: expected a text"):
            TaskGroup(3, EcsTask("a"))  # type: ignore[arg-type]

    def test_problems_have_the_authors_names(self, four: Four) -> None:
        wrong = EcsTask("w", retries=101, skip_on_exit_code=[256], ecs_tags={"aws:x": ""}, container="no way")
        found = refused(TaskGroup("g", four[0] >> wrong))
        assert found.keys() == {"tasks.g.w.retries", "tasks.g.w.skip_on_exit_code.0", "tasks.g.w.ecs_tags.0.key"}

    def test_groups_are_values(self, four: Four) -> None:
        a, b, _, _ = four
        parts = [a, b]
        group = TaskGroup("g", parts)
        parts.append(four[2])
        assert len(group.as_flow().tasks) == 2
        assert group == TaskGroup("g", (a, b))
        assert len({group, TaskGroup("g", (a, b))}) == 1


class TestEdgeLabels:
    def test_between_two_tasks(self, four: Four) -> None:
        a, b, _, _ = four
        words = {("a", "b", "if ok")}
        assert labels(a >> EdgeLabel("if ok") >> b) == words
        assert labels(b << EdgeLabel("if ok") << a) == words
        assert labels(a >> (EdgeLabel("if ok") >> b)) == words
        assert labels([a] >> EdgeLabel("if ok") >> b) == words
        assert labels([b] << EdgeLabel("if ok") << a) == words

    def test_on_some_arrows_of_a_list(self, four: Four) -> None:
        a, b, c, d = four
        flow = a >> [EdgeLabel("full") >> b, EdgeLabel("part") >> c, d]
        assert labels(flow) == {("a", "b", "full"), ("a", "c", "part")}
        assert labels([a >> EdgeLabel("x"), b] >> c) == {("a", "c", "x")}

    def test_on_each_arrow_to_a_group(self, four: Four) -> None:
        a, b, c, _ = four
        assert labels(a >> EdgeLabel("x") >> TaskGroup("g", [b, c])) == {("a", "g.b", "x"), ("a", "g.c", "x")}

    def test_a_label_with_no_arrow(self, four: Four) -> None:
        a, b, c, _ = four
        for loose in (a >> EdgeLabel("x"), EdgeLabel("x") >> a, [a, b >> EdgeLabel("x")]):
            assert "a label is on no arrow" in refused(loose)["tasks"]
        with pytest.raises(DagDefinitionError, match="a label is on no arrow"):
            TaskGroup("g", a >> b >> EdgeLabel("x")) >> c

    def test_two_labels_on_one_arrow(self, four: Four) -> None:
        a, b, _, _ = four
        with pytest.raises(DagDefinitionError, match="two labels follow each other"):
            a >> EdgeLabel("x") >> (EdgeLabel("y") >> b)
        with pytest.raises(DagDefinitionError, match="two labels follow each other"):
            a >> EdgeLabel("x") >> EdgeLabel("y")
        both = refused([a >> EdgeLabel("x") >> b, a >> EdgeLabel("y") >> b])
        assert both == {"tasks.b": "the arrow from a has two labels, 'x' and 'y': keep one of them"}
        assert labels([a >> EdgeLabel("x") >> b, a >> b]) == {("a", "b", "x")}

    def test_a_label_is_a_text(self) -> None:
        for wrong in ("", None, 3):
            with pytest.raises(DagDefinitionError, match="expected a text such as 'if new'"):
                EdgeLabel(wrong)  # type: ignore[arg-type]

    def test_arrows_are_still_not_mixed(self, four: Four) -> None:
        a, b, c, _ = four
        with pytest.raises(DagDefinitionError, match="mixes >> and <<"):
            a >> b << EdgeLabel("x") << c
