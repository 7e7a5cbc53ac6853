"""The roles of the platform that runs Airflow, and of the accounts where it finds DAGs and runs their tasks.

::

    # the platform's account
    loader = LoaderRole(self, "Loader", assumed_by=processor, assumes=["arn:aws:iam::222222222222:role/airflow-scan"])
    runner = RunnerRole(self, "Runner", assumed_by=worker, assumes=["arn:aws:iam::222222222222:role/airflow-run"])

    # each other account
    RegistryScanRole(self, "Scan", role_name="airflow-scan", trusted=[loader_arn], external_id="orders-7f3a")
    run = TaskRunRole(self, "Run", role_name="airflow-run", trusted=[runner_arn], external_id="orders-7f3a")
    dag.grant_run(run)
"""

from airflow_ecs_dag.platform.airflow_roles import LoaderRole, RunnerRole
from airflow_ecs_dag.platform.source_roles import RegistryScanRole, TaskRunRole
from airflow_ecs_dag.platform.task_access import TaskAccess
from airflow_ecs_dag.platform.wake_up import WakeUpQueue, WakeUpRule

__all__ = ["LoaderRole", "RegistryScanRole", "RunnerRole", "TaskAccess", "TaskRunRole", "WakeUpQueue", "WakeUpRule"]
