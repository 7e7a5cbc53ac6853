"""With what a task fails, one class for each thing to do about it, so that Airflow's retry policies tell them apart.

None of them is an ``AirflowFailException``: Airflow asks no retry policy about those, and whether an image that can't
be pulled is tried again is the platform's to say.
"""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException


class EcsTaskFailedError(AirflowException):
    """The container did not do its work; the message says why."""


class EcsExitCodeError(EcsTaskFailedError):
    """The container ended by itself, and its exit code says that it failed.

    Attributes:
        exit_code: Of the container.
    """

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class EcsStartError(EcsTaskFailedError):
    """The container never ran."""


class EcsImageError(EcsStartError):
    """Its image can't be pulled."""


class EcsSecretError(EcsStartError):
    """A secret or a parameter that it is to have can't be read."""


class EcsLogDriverError(EcsStartError):
    """Its log driver can't start: mostly, the log group is not there."""


class EcsCommandError(EcsTaskFailedError):
    """Its command, or one that this calls, can't be run: the image has no such file, or it is none that can be run."""


class EcsOutOfMemoryError(EcsTaskFailedError):
    """It was killed for want of memory."""


class EcsHealthCheckError(EcsTaskFailedError):
    """It was stopped because its health check failed."""


class EcsSidecarError(EcsTaskFailedError):
    """Another essential container ended before it, so ECS stopped it."""


class EcsInterruptedError(EcsTaskFailedError):
    """AWS took away what it ran on: a Spot interruption, the end of the host, maintenance. It is nobody's fault."""


class EcsTaskStoppedError(EcsTaskFailedError):
    """Somebody called StopTask: a person, a program, or Airflow itself."""


class EcsTaskLostError(AirflowException):
    """How the container ended can't be told any more."""


class EcsCapacityError(AirflowException):
    """ECS had no room for the ECS task, or took no more calls, for as long as was waited; the container never ran."""
