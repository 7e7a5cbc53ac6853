"""A synthesized app in the local AWS: its images where the engine finds them, its stacks as CloudFormation has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.container_engine import build_images, write_images
from airflow_ecs_dag_cli.stack_deployment import deploy, destroy

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, ImageAsset
    from airflow_ecs_dag_cli.container_engine import ContainerEngine
    from airflow_ecs_dag_cli.local_aws import LocalAws
    from airflow_ecs_dag_cli.stack_deployment import ResourceEvent
    from airflow_ecs_dag_cli.terminal import Step, Terminal


class ProjectDeployment:
    """Puts an app into the local AWS, as often as it changes.

    Args:
        aws: The local AWS.
        terminal: Where to say what is going on.
        engine: What builds and runs the images; ``None`` for the process engine.
        images_file: The file that tells the process engine which folder each image is built from.
    """

    def __init__(self, aws: LocalAws, terminal: Terminal, *, engine: ContainerEngine | None, images_file: Path) -> None:
        self._aws = aws
        self._terminal = terminal
        self._engine = engine
        self._images_file = images_file
        self._images: dict[str, ImageAsset] = {}
        self._stacks: list[str] = []

    def provide_images(self, assembly: CloudAssembly) -> None:
        """Build the app's images, or say where their sources are; those of before stay, for what still runs.

        Raises:
            EngineError: An image could not be built.
        """
        images = assembly.images
        self._images |= {image.uri: image for image in images}
        if self._engine is None:
            write_images(self._images.values(), self._images_file)
            return
        with self._terminal.step(f"images built by {self._engine.kind} {self._engine.version}") as step:
            build_images(self._engine, images, on_line=step.progress)
            step.done(f"{len(images)} image(s)")

    def deploy(self, assembly: CloudAssembly) -> None:
        """Deploy the app's stacks; those that it had before and has no more are destroyed afterwards.

        Raises:
            DeploymentError: CloudFormation refused a stack, or rolled it back: it is as it was.
        """
        for each in assembly.stacks:
            with self._terminal.step(f"stack {each.name} deployed by CloudFormation") as step:
                if each.name not in self._stacks:
                    self._stacks.append(each.name)
                result = deploy(self._aws, each, on_event=partial(_show_event, step))
                step.done("changed" if result.changed else "nothing to change")
        names = {each.name for each in assembly.stacks}
        for name in reversed([each for each in self._stacks if each not in names]):
            with self._terminal.step(f"stack {name}, which the app has no more, destroyed") as step:
                destroy(self._aws, name, on_event=partial(_show_event, step))
            self._stacks.remove(name)


def _show_event(step: Step, event: ResourceEvent) -> None:
    step.progress(f"{event.logical_id} {event.status}")
