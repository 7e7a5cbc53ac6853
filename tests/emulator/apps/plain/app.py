"""A stack with one Fargate task definition; its context makes it change, warn or fail on purpose."""

from pathlib import Path

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct, IValidation

IMAGE = str(Path(__file__).parent / "image")


@jsii.implements(IValidation)
class Refusal:
    """A construct validation that always has something to say."""

    def validate(self) -> list[str]:
        return ["the validation refuses this"]


class Plain(cdk.Stack):
    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "Plain")
        task_definition = ecs.FargateTaskDefinition(self, "Task", family="plain")
        task_definition.add_container(
            "main",
            image=ecs.ContainerImage.from_asset(IMAGE, build_args={"NAME": "plain"}, target="runner"),
            docker_labels={"greeting": self.node.get_context("greeting")},
            logging=ecs.LogDriver.aws_logs(stream_prefix="plain"),
        )
        s3_assets.Asset(self, "Folder", path=IMAGE)
        cdk.CfnOutput(self, "Arn", value=task_definition.task_definition_arn)
        self._misbehave(task_definition, self.node.try_get_context("misbehave"))

    def _misbehave(self, task_definition: ecs.FargateTaskDefinition, how: str | None) -> None:
        if how == "deployment":  # it waits one second for a signal that nobody sends
            handle = cdk.CfnWaitConditionHandle(self, "Handle")
            condition = cdk.CfnWaitCondition(self, "NeverSignalled", handle=handle.ref, timeout="1", count=1)
            condition.node.add_dependency(task_definition)
        elif how == "annotation":
            cdk.Annotations.of(task_definition).add_error("the annotation refuses this")
        elif how == "warning":
            cdk.Annotations.of(task_definition).add_warning_v2("test:doubt", "the annotation doubts this")
        elif how == "validation":
            self.node.add_validation(Refusal())
        elif how == "exception":
            raise ValueError("the author's own words")


app = cdk.App()
if app.node.try_get_context("misbehave") == "silence":
    raise SystemExit(0)
Plain(app)
app.synth()
