"""Templates of any operator of Airflow's, filled in as those of a project's own tasks are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.template_values import render, template_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2
    from airflow.sdk import Context
    from airflow.sdk.types import Logger


class ProjectedTemplates:
    """Put before an operator's class, makes its templates see plain values of the run, and nothing of Airflow's.

    Airflow's task runner calls :meth:`render_template` for each of the operator's ``template_fields``, mapped or not;
    what an operator renders by itself goes through it, too. No field is ever read from a file.
    """

    template_ext: Sequence[str] = ()
    if TYPE_CHECKING:

        @property
        def log(self) -> Logger:
            """The log of the operator."""

    def render_template(
        self,
        content: Any,  # noqa: ANN401 - as Airflow gives it
        context: Context,
        jinja_env: jinja2.Environment | None = None,  # noqa: ARG002 - Airflow's environment is the one to keep out
        seen_oids: set[int] | None = None,  # noqa: ARG002 - labels hold no circles
    ) -> Any:  # noqa: ANN401
        """Return ``content`` with the templates in its texts filled in; what is no text, list or dict stays as it is.

        Raises:
            ValueError: A template is not on the allow-list, or has no value in this run.
        """
        try:
            return _rendered(content, self._projected(context))
        except Exception:
            # Airflow's page folds what a task logs before it is executed: not so the reason why it never will be.
            self.log.info("::endgroup::")
            raise

    def _projected(self, context: Context) -> Mapping[str, Any]:
        return template_values(context)


def _rendered(content: object, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the type it was
    match content:
        case str():
            return render(content, values)
        case list():
            return [_rendered(each, values) for each in content]
        case tuple():
            return tuple(_rendered(each, values) for each in content)
        case dict():
            return {name: _rendered(each, values) for name, each in content.items()}
        case _:
            return content
