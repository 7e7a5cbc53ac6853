"""Texts that look like a secret are refused and never shown; ids, references and templates pass.

No secret stands here: each is a public beginning and letters drawn at random, put together when the tests run.
"""

from __future__ import annotations

import base64
import json
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ecs_dag_schema import token_shapes
from airflow_ecs_dag_schema.secret_texts import (
    SecretTextError,
    masked,
    refuse_secret,
    refuse_secret_words,
    secret_problem,
    secret_words_problem,
)

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
BASE32 = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
URL_SAFE = ALNUM + "-_"
_DRAW = random.Random(20191204)  # noqa: S311 - letters for a table, no secret


def drawn(length: int, letters: str = ALNUM) -> str:
    """Return a text that no one has as a secret; its last characters are no part of any word here."""
    return "".join(_DRAW.choices(letters, k=length))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


WORD = "hunter" + "2"
JWT = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded({'sub': '1234567890'})}.{drawn(43, URL_SAFE)}"
BASIC = base64.b64encode(f"admin:{WORD}".encode()).decode()

TOKENS = {
    # name: (public letters, the rest)
    "an AWS access key id": ("AKIA", drawn(16, BASE32)),
    "an AWS access key id of a session": ("ASIA", drawn(16, BASE32)),
    "an AWS session token": ("IQoJb3JpZ2lu", drawn(300, BASE64)),
    "an AWS session token of old": ("FwoGZXIvYXdz", drawn(300, BASE64)),
    "a presigned address of S3": (f"https://b.s3.amazonaws.com/k?X-Amz-Date=2026{'&X-Amz-Signature'}=", drawn(64, HEX)),
    "a presigned address of Google": ("https://storage.googleapis.com/b/k?X-Goog-Signature=", drawn(256, HEX)),
    "an RSA key": ("-----BEGIN RSA PRIVATE KEY-----\n", drawn(200, BASE64)),
    "a PKCS 8 key": ("-----BEGIN PRIVATE KEY-----\n", drawn(200, BASE64)),
    "an encrypted key": ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", drawn(200, BASE64)),
    "an OpenSSH key": ("-----BEGIN OPENSSH PRIVATE KEY-----\n", drawn(200, BASE64)),
    "a PGP key": ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", drawn(200, BASE64)),
    "a key in one line of JSON": (r'{"k": "-----BEGIN EC PRIVATE KEY-----\n', drawn(100, BASE64)),
    "an RSA key in base64": ("LS0tLS1CRUdJTiBSU0Eg", drawn(200, BASE64)),
    "a PuTTY key": ("PuTTY-User-Key-File-3: ssh-ed25519\n", drawn(100, BASE64)),
    "an age key": ("AGE-SECRET-KEY-1", drawn(58, UPPER)),
    "a GitHub token": ("ghp_", drawn(36)),
    "a GitHub token of OAuth": ("gho_", drawn(36)),
    "a GitHub token of a server": ("ghs_", drawn(36)),
    "a GitHub token for one repository": ("github_pat_", f"{drawn(22)}_{drawn(59)}"),
    "a GitLab token": ("glpat-", drawn(20, URL_SAFE)),
    "a GitLab token of a runner": ("glrt-", drawn(20, URL_SAFE)),
    "an npm token": ("npm_", drawn(36)),
    "a PyPI token": ("pypi-AgEIcHlwaS5vcmc", drawn(120, URL_SAFE)),
    "a RubyGems key": ("rubygems_", drawn(48, HEX)),
    "a Docker Hub token": ("dckr_pat_", drawn(27, URL_SAFE)),
    "a Slack token of a bot": ("xoxb-", f"{drawn(12, string.digits)}-{drawn(13, string.digits)}-{drawn(24)}"),
    "a Slack token of a user": ("xoxp-", f"{drawn(12, string.digits)}-{drawn(24)}"),
    "a Slack token of an app": ("xapp-", f"1-A{drawn(10, UPPER)}-{drawn(13, string.digits)}-{drawn(64, HEX)}"),
    "a Slack webhook": ("https://hooks.slack.com/services/", f"T{drawn(8, UPPER)}/B{drawn(8, UPPER)}/{drawn(24)}"),
    "a Discord webhook": ("https://discord.com/api/webhooks/", f"{drawn(18, string.digits)}/{drawn(68, URL_SAFE)}"),
    "a Teams webhook": (
        "https://example.webhook.office.com/webhookb2/",
        f"{drawn(8, HEX)}-1111-4222-8333-{drawn(12, HEX)}@{drawn(36, HEX)}/{drawn(32, HEX)}",
    ),
    "a SendGrid key": ("SG.", f"{drawn(22, URL_SAFE)}.{drawn(43, URL_SAFE)}"),
    "a Stripe key": ("sk_live_", drawn(24)),
    "a Stripe key for tests": ("sk_test_", drawn(24)),
    "a Stripe key with limits": ("rk_live_", drawn(24)),
    "a Stripe webhook secret": ("whsec_", drawn(32)),
    "a Square token": ("sq0atp-", drawn(22, URL_SAFE)),
    "a Shopify token": ("shpat_", drawn(32, HEX)),
    "a Google API key": ("AIza", drawn(35, URL_SAFE)),
    "a Google OAuth token": ("ya29.", drawn(60, URL_SAFE)),
    "a Google client secret": ("GOCSPX-", drawn(28, URL_SAFE)),
    "an Azure storage key": (
        "DefaultEndpointsProtocol=https;AccountName=store;AccountKey=",
        f"{drawn(86, BASE64)}==",
    ),
    "an Azure bus key": ("Endpoint=sb://bus.example.com/;SharedAccessKeyName=Root;SharedAccessKey=", drawn(43, BASE64)),
    "an Azure shared access signature": ("https://s.example.com/c?sv=2026-01-01&sig=", f"{drawn(43, ALNUM)}%3D"),
    "an Azure client secret": ("abc8Q~", drawn(34, URL_SAFE)),
    "an Alibaba access key id": ("LTAI", drawn(20)),
    "a DigitalOcean token": ("dop_v1_", drawn(64, HEX)),
    "a Databricks token": ("dapi", drawn(32, HEX)),
    "a Vault token": ("hvs.", drawn(90, URL_SAFE)),
    "a Doppler token": ("dp.pt.", drawn(43)),
    "a Pulumi token": ("pul-", drawn(40, HEX)),
    "a Tailscale key": ("tskey-auth-", f"{drawn(12)}-{drawn(32)}"),
    "a Grafana token": ("glsa_", f"{drawn(32)}_{drawn(8, HEX)}"),
    "a New Relic key": ("NRAK-", drawn(27, UPPER)),
    "a Dynatrace token": ("dt0c01.", f"{drawn(24, UPPER)}.{drawn(64, UPPER)}"),
    "a Sentry token": ("sntryu_", drawn(64, HEX)),
    "a Supabase key": ("sbp_", drawn(40, HEX)),
    "a PlanetScale password": ("pscale_pw_", drawn(43, URL_SAFE)),
    "an Atlassian token": ("ATATT3xFfGF0", drawn(180, URL_SAFE)),
    "a Linear key": ("lin_api_", drawn(40)),
    "a Notion token": ("ntn_", drawn(46)),
    "a Postman key": ("PMAK-", f"{drawn(24, HEX)}-{drawn(34, HEX)}"),
    "an OpenAI key": ("sk-proj-", drawn(80)),
    "an OpenAI key of old": ("sk-", drawn(48)),
    "an Anthropic key": ("sk-ant-api03-", drawn(90, URL_SAFE)),
    "an OpenRouter key": ("sk-or-v1-", drawn(64, HEX)),
    "a Hugging Face token": ("hf_", drawn(34)),
    "a Groq key": ("gsk_", drawn(52)),
    "a Replicate token": ("r8_", drawn(37)),
    "a JSON Web Token": ("", JWT),
}
"""By their shape alone."""

NAMED = {
    # name: (before, the secret, after)
    "a variable": ("PASSWORD=", WORD, ""),
    "a variable of a database": ("DB_PASSWORD=", WORD, ""),
    "PostgreSQL's variable": ("PGPASSWORD=", WORD, ""),
    "MySQL's variable": ("MYSQL_PWD=", WORD, ""),
    "an AWS secret key": ("AWS_SECRET_ACCESS_KEY=", drawn(40, BASE64), ""),
    "an AWS secret key in JSON": ('{"SecretAccessKey": "', drawn(40, BASE64), '"}'),
    "an AWS secret key in a profile": ("aws_secret_access_key = ", drawn(40, BASE64), "\nregion = eu-west-1"),
    "an option": ("--password=", WORD, ""),
    "an option and its text": ("load --password ", WORD, " --to s3://b/k"),
    "an option of a database": ("--db-password=", WORD, ""),
    "an option in quotes": ('--password="', WORD, '"'),
    "a property": ("-Dspring.datasource.password=", WORD, ""),
    "an API key": ("--api-key=", drawn(12), ""),
    "an API key in an address": ("https://example.com/v1?format=csv&api_key=", drawn(12), ""),
    "a token": ("--token=", drawn(20) + "a1b2", ""),
    "a token of access": ("access_token=", drawn(12), ""),
    "a client's secret": ("client_secret=", drawn(12), ""),
    "a secret": ("SECRET=", drawn(20) + "a1b2", ""),
    "YAML": ("user: etl\npassword: ", WORD, "\nhost: db"),
    "JSON": ('{"user": "etl", "password": "', WORD, '"}'),
    "JSON in JSON": ('"{\\"password\\": \\"', WORD, '\\"}"'),
    "a connection string": ("Server=db;Uid=etl;Pwd=", WORD, ";Database=sales"),
    "a JDBC address": ("jdbc:postgresql://db/sales?user=etl&password=", WORD, "&ssl=true"),
    "an address of a database": ("postgresql://etl:", WORD, "@db.example.com:5432/sales"),
    "an address without a user": ("redis://:", WORD, "@cache.example.com:6379/0"),
    "an address of a proxy": ("http_proxy=http://etl:", WORD, "@proxy.example.com:8080"),
    "an address of a repository": ("git+https://oauth2:", drawn(20), "@git.example.com/team/etl.git"),
    "a basic header": ("Authorization: Basic ", BASIC, ""),
    "a basic header without its name": ("Basic ", BASIC, ""),
    "a bearer header": ("curl -H 'Authorization: Bearer ", drawn(40) + "a1", "' https://example.com"),
    "a bearer header without its name": ("Bearer ", drawn(40) + "a1", ""),
    "a header with a key": ('-H "X-Api-Key: ', drawn(12), '"'),
    "a header of GitLab": ("--header=PRIVATE-TOKEN: ", drawn(12), ""),
    "curl's user": ("curl -u etl:", WORD, " https://example.com"),
    "curl's proxy user": ("/usr/bin/curl --proxy-user etl:", WORD, " https://example.com"),
    "sshpass": ("sshpass -p ", WORD, " ssh etl@host"),
    "a shell's export": ("export PASSWORD=", WORD, " && load"),
    "after a reference": ("--password=$DB_PASSWORD --api-key=", drawn(12), ""),
    "around a template": ("--password=", WORD, "{{ ds }}"),
    "behind a switch": ("--no-password --client-secret=", drawn(12), ""),
}
"""By the name or the place that they are given in."""

LOOK_ALIKES = {
    # templates and references
    "a template": "--password={{ ds }}",
    "a template as an option's text": "--password {{ ds }}",
    "a template in an address": "postgresql://etl:{{ run_id }}@db/sales",
    "a template with a text in it": "{{ logical_date.strftime('%Y-%m-%d') }}",
    "two templates": "--token={{ ds_nodash }}{{ try_number }}",
    "a CDK token": "--password=${Token[TOKEN.123]}",
    "a CDK token in an address": "postgresql://etl:${Token[TOKEN.123]}@db/sales",
    "a shell's variable": "--password=$DB_PASSWORD",
    "a shell's variable in braces": 'PGPASSWORD="${DB_PASSWORD}" psql',
    "a shell's command": "--password=$(cat /run/secrets/db)",
    "a variable in an address": "postgresql://etl:$DB_PASSWORD@db/sales",
    "the ARN of a secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-a1b2c3",
    "an option with the ARN of a secret": "--secret=arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3",
    "an option with the ARN of a password": "--db-password=arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db",
    "the name of a secret": "--secret=prod/sales/db",
    "the name of a secret with its year": "--secret prod-db-credentials-2026",
    "the id of a secret": "--secret-id=prod/sales/db",
    "a key of a secret": "SECRET_NAME=prod/db:password::",
    "a file with a password": "--password-file=/run/secrets/db",
    "a file as a password": "--password=/run/secrets/db",
    "a file with a key": "--private-key=./keys/service.pem",
    "a reference of a password safe": "--password=op://team/db/password",
    "a parameter": "API_KEY=ssm:/prod/api-key",
    "a masked password": "--password=********",
    "a place for a password": "--password=<password>",
    "a format": "postgresql://{user}:{password}@{host}/sales",
    "a masked address": "postgresql://etl:***@db/sales",
    # names
    "a switch": "--no-password sales",
    "another switch": "--skip-api-key-check --use-password true",
    "a password from a pipe": "docker login --username etl --password-stdin",
    "a word about passwords": "the password is kept in Secrets Manager, see the wiki",
    "a rule about passwords": "Reset password: see the wiki of the team",
    "how to give a password": "Run it with --password from the team's safe",
    "a comparison": "if password == expected",
    "a number of tokens": "--max-tokens=4096 --token-count 12",
    "a token of a page": "--next-token=AAMAAQAAAEhQSk",
    "ECS's client token": "--client-token 0123456789abcdef0123456789abcdef",
    "a tokenizer": "--tokenizer=bert-base-uncased-2026",
    "a small token": "--token=latest",
    "a partition's key": "--partition-key=customer_id --sort-key=20260131",
    "a key of S3": "key=raw/2026/01/31/sales-0001.parquet",
    "a KMS key": "--kms-key-id=1234abcd-12ab-34cd-56ef-1234567890ab",
    "a primary key": "--primary-key=id",
    "a table of passwords": "--table=password_resets",
    "passes": "--passes=3 two_pass=1",
    "a secretary": "--role=secretary --author=tokenov",
    "user and group": "docker run -u 1000:1000 image",
    # ids, hashes and digests
    "a git commit": "3f786850e387550fdab836ed7e6dc881de23001b",
    "a short commit": "911b573",
    "an MD5": "d41d8cd98f00b204e9800998ecf8427e",
    "a SHA-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "a digest in base64": "sha384-K3d02L17IwmAuiBWNuX1DzYhKUs9GrKYI7bZnGJfJ1bKz9ymXFxfudBOL3rUb8JA",
    "a UUID": "123e4567-e89b-12d3-a456-426614174000",
    "a ULID": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "an image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sales/etl:2026.01.31-3f78685",
    "an image by its digest": "docker://python:3.11@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "an asset": "cdk-hnb659fds-container-assets-123456789012-eu-west-1:3f786850e387550fdab836ed7e6dc881de23001b",
    "a subnet": "subnet-0a1b2c3d4e5f60718",
    "a security group": "sg-0a1b2c3d4e5f60718",
    "a role's id": "AROAIOSFODNN7EXAMPLEQ",
    "a user's id": "AIDAIOSFODNN7EXAMPLEQ",
    "a word of an access key id": "AKIAPROJECT",
    "an ECS task": "arn:aws:ecs:eu-west-1:123456789012:task/sales/0123456789abcdef0123456789abcdef",
    "a task definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/etl-password-reset:7",
    "a role": "arn:aws:iam::123456789012:role/SalesStack-EtlTaskRole3F786850-1Q2W3E4R5T6Y7",
    "a certificate": "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAKHHIG",
    "a public key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
    "a key that may be public": "pk_live_0123456789abcdefghijklmn",
    # places
    "an S3 path": "s3://sales-raw/year=2026/month=01/part-00000-3f786850e387550fdab836ed7e6dc881de23001b.snappy.parquet",
    "an address": "https://example.com:8443/a:b@c?date=2026-01-31",
    "an address with a user": "ssh://git@git.example.com:22/team/etl.git",
    "a Slack page": "https://example.slack.com/archives/C0123456789/p1234567890123456",
    "a mail address": "team+sales@example.com",
    "a DynamoDB stream": "arn:aws:dynamodb:eu-west-1:123456789012:table/tokens/stream/2026-01-31T00:00:00.000",
    "a moment": "2026-01-31T03:00:00+00:00",
    "a log stream": "ecs/main/0123456789abcdef0123456789abcdef",
    # words that begin as a token does
    "a disk": "disk-3f786850e387550fdab836ed7e6dc881de23001b",
    "a task": "task-proj-2026-sales-by-region-and-month",
    "a package": "npm_config_cache=/tmp/npm --hf_home=/models",
    "eyJ": "eyJustaword.second.third",
    "base64 of JSON": encoded({"date": "2026-01-31", "tables": ["sales"]}),
    "base64 of JSON, in three parts": f"{encoded({'typ': 'x', 'kid': 1})}.{encoded({'b': 2})}.{encoded({'c': 3})}",
    "a basic training": "Basic training of bearers, bearer certificates-and-bonds-of-all",
    "nothing": "",
    "code": "import sys; [print(row) for row in sys.stdin if 'key' in row]",
}
"""What jobs are given day by day."""


def public_letters(text: str) -> str:
    return text if len(text) <= 4 else text[:4]


def assert_not_shown(secret: str, *texts: str) -> None:
    """No five characters of the secret in a row may be shown, nor all of it."""
    for text in texts:
        assert secret not in text
        assert not any(secret[start : start + 5] in text for start in range(len(secret) - 4)), (secret, text)


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("around", ["{}", "--option={}", "--option {} more", '{{"a": "{}"}}', "({}),", "\n{}\n"])
def test_a_token_is_known_by_its_shape(name: str, around: str) -> None:
    public, rest = TOKENS[name]
    text = around.format(public + rest)
    problem = secret_problem(text)
    assert problem is not None
    assert "ecs.Secret" in problem
    assert_not_shown(rest, problem, masked(text))
    with pytest.raises(SecretTextError) as raised:
        refuse_secret(text)
    assert str(raised.value) == problem
    assert raised.value.shown == masked(text)
    shown = raised.value.shown.partition("...")[0]
    assert len(shown) <= 4
    assert shown in public + rest


@pytest.mark.parametrize("name", NAMED)
def test_a_secret_is_known_by_its_name_or_place(name: str) -> None:
    before, secret, after = NAMED[name]
    problem = secret_problem(before + secret + after)
    assert problem is not None
    assert_not_shown(secret, problem, masked(before + secret + after))


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_only_resembles_a_secret_passes(name: str) -> None:
    text = LOOK_ALIKES[name]
    assert secret_problem(text) is None
    assert refuse_secret(text) == text
    assert masked(text) == text
    assert secret_words_problem(text.split()) is None


def test_the_tables_are_long_enough() -> None:
    assert len(TOKENS) >= 60
    assert len(NAMED) >= 30
    assert len(LOOK_ALIKES) >= 60


def test_the_shortest_token_is_found() -> None:
    assert secret_problem("xoxb-" + drawn(10)) is not None
    assert secret_problem("xoxb-" + drawn(9)) is None


def test_each_shape_is_in_the_table() -> None:
    kinds = {shape.what for shape in token_shapes._SHAPES}
    found = {token.what for public, rest in TOKENS.values() if (token := token_shapes.find_token(public + rest))}
    assert kinds <= found


@pytest.mark.parametrize(
    "words",
    [
        ["load", "--password", WORD],
        ["load", "--db-password", WORD, "--to", "s3://b/k"],
        ["load", "-password", WORD],
        ["load", "--api-key", "abc"],
        ["load", "--API_KEY", "abc"],
        ["load", "--token", drawn(20) + "a1b2"],
        ["docker", "run", "-e", f"PASSWORD={WORD}"],
        ["/usr/bin/curl", "-u", f"etl:{WORD}", "https://example.com"],
        ["sshpass", "-p", WORD, "ssh", "host"],
        ["sh", "-c", f"load --password {WORD}"],
        ["ghp_" + drawn(36)],
    ],
)
def test_a_secret_is_known_by_the_word_before_it(words: list[str]) -> None:
    problem = secret_words_problem(words)
    assert problem is not None
    assert WORD not in problem
    if all(secret_problem(word) is None for word in words):
        with pytest.raises(SecretTextError, match="looks like a secret"):
            refuse_secret_words(words)


@pytest.mark.parametrize(
    "words",
    [
        ["load", "--password", "{{ ds }}"],
        ["load", "--password", "$DB_PASSWORD"],
        ["load", "--password", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-a1b2c3"],
        ["load", "--password", "${Token[TOKEN.5]}"],
        ["load", "--password", "--quiet"],
        ["load", "--no-password", WORD],
        ["load", "--password-file", "secrets.txt"],
        ["load", "--secret", "prod/sales/db"],
        ["load", "--token-count", "12"],
        ["load", "password", WORD],
        ["docker", "run", "-u", "1000:1000", "image"],
        ["curl", "-u", "etl:$PASSWORD", "https://example.com"],
        ["mkdir", "-p", "password"],
        ["load", "--password"],
        [],
    ],
)
def test_words_without_a_secret_pass(words: list[str]) -> None:
    assert secret_words_problem(words) is None
    assert refuse_secret_words(words) is words


def test_a_name_makes_a_secret_of_any_text_but_a_reference() -> None:
    assert secret_problem(WORD) is None
    assert secret_problem(WORD, name="DB_PASSWORD") is not None
    assert secret_problem("-" + WORD, name="apiKey") is not None
    assert secret_problem("two words", name="password") is not None
    assert masked(WORD, name="password") == "... (7 characters, not shown)"
    assert secret_problem("", name="password") is None
    assert secret_problem("{{ ds }}", name="PASSWORD") is None
    assert secret_problem("/run/secrets/db", name="PASSWORD") is None
    assert secret_problem("/run/secrets/db", name="PASSWORD_FILE") is None
    assert secret_problem(WORD, name="USER") is None


def test_a_message_says_what_how_long_and_what_to_do() -> None:
    token = "ghp_" + drawn(36)
    assert secret_problem(token) == (
        "this looks like a secret (a GitHub token), and whoever may describe the task definition reads its labels: "
        "replace it, keep the new one in Secrets Manager or SSM and give it to the container as ecs.Secret in its "
        "secrets; what Airflow itself needs belongs in an Airflow connection; a reference to it, such as its ARN, may "
        "stand here"
    )
    assert masked(token) == "ghp_... (40 characters, not shown)"


hexes = st.text(HEX, min_size=1, max_size=128)
parts = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=30)
digits = st.text(string.digits, min_size=12, max_size=12)
IDS = st.one_of(
    hexes,
    st.uuids().map(str),
    hexes.map("sha256:{}".format),
    st.builds("s3://{}/{}/{}.parquet".format, parts, parts, hexes),
    st.builds("arn:aws:secretsmanager:eu-west-1:{}:secret:{}-{}".format, digits, parts, hexes),
    st.builds("{}.dkr.ecr.eu-west-1.amazonaws.com/{}@sha256:{}".format, digits, parts, hexes),
    st.builds("subnet-{}".format, hexes),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.integers().map(str),
    st.binary(min_size=1, max_size=64).map(lambda data: base64.b64encode(data).decode()),
)


@given(IDS)
def test_no_id_is_taken_for_a_secret(text: str) -> None:
    assert secret_problem(text) is None
    assert secret_problem(f"--input={text}") is None
    assert secret_words_problem(["load", "--input", text]) is None


VOCABULARY = [
    *(shape.letters for shape in token_shapes._SHAPES),
    *(
        "password",
        "secret",
        "token",
        "api_key",
        "pwd",
        "--password ",
        "authorization: ",
        "bearer ",
        "basic ",
        "curl -u ",
    ),
    *("=", ":", ": ", " ", "\n", '"', "'", "\\", "://", "@", "{{", "}}", "${", "-", "--", ".", "/", "eyJ", "Q~", "a1"),
]


@given(st.lists(st.sampled_from(VOCABULARY) | st.text(max_size=10), max_size=40).map("".join))
def test_any_text_has_an_answer_and_its_mask_holds(text: str) -> None:
    problem = secret_problem(text)
    assert (masked(text) == text) is (problem is None)
    assert secret_problem(masked(text)) is None
    assert problem is None or len(problem) < 500


@given(st.text(" \n,;()[]", max_size=20), st.sampled_from(sorted(TOKENS)), st.text(" \n,;()[]", max_size=20))
def test_a_token_is_found_wherever_it_stands(before: str, name: str, after: str) -> None:
    public, rest = TOKENS[name]
    assert secret_problem(f"{before}{public}{rest}{after}") is not None


def cpu_seconds(text: str) -> float:
    """Return the least of three: what the machine does besides only adds."""
    times = []
    for _ in range(3):
        before = time.thread_time()
        secret_problem(text)
        times.append(time.thread_time() - before)
    return min(times)


UNITS = [
    *VOCABULARY,
    *(f" {shape.letters}" for shape in token_shapes._SHAPES),
    *(f"{each} {other}" for each in ("password", "secret=", "--token ") for other in ("=", "a" * 15 + "-", "$x ", '"')),
    *("://a:", "password='\"", "secret=a:", "eyJhbGciOiJI.", "authorization: basic $x ", "bearer " + "a" * 20 + " "),
    *("-" + "a" * 60 + " ", "{{ds", "password=a.", "basic dXNl", "a", "0"),
]


def test_the_time_is_linear_in_the_text() -> None:
    """Eight times the text takes eight times as long, or 64 times where an expression goes back; 30 is between."""
    grown = dict.fromkeys(UNITS, 0.0)
    for unit in UNITS:
        small, large = (cpu_seconds((unit * size)[:size]) for size in (4_000, 32_000))
        grown[unit] = large / small
    assert {unit: factor for unit, factor in grown.items() if factor > 30} == {}
