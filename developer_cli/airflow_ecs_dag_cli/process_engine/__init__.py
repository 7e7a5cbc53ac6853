"""Run ECS containers as host processes, where a developer has no Docker or Podman.

The process engine answers, on a Unix socket, the part of the Docker Engine API that an AWS emulator needs
for ECS. A "container" is the ENTRYPOINT and command of an image asset, started in the asset's folder.

There is no isolation: a container runs as the user who started the engine, sees that user's files and the
machine's network, and nothing of the Dockerfile but ENTRYPOINT, CMD, ENV, ARG, WORKDIR and SHELL has an
effect. What a container does not get is the developer's environment: no variable of it is passed on, and
`HOME` is an empty folder, so that no AWS profile of the developer's is found by accident.

Start it with `python -m airflow_ecs_dag_cli.process_engine --socket PATH --images PATH`.
"""
