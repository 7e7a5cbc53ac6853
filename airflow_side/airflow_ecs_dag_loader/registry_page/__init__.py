"""The page "ECS registry" in Airflow's UI: what each bundle of ECS DAGs found, and what became of it.

The DAG processor writes a report to Airflow's database (:mod:`reporter`); the API server shows it (:mod:`page_app`).
That needs no AWS rights there, and no disk of the DAG processor's.
"""
