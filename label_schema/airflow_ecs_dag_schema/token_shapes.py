"""Texts that are a secret by their shape alone: keys, tokens and signed addresses whose form is public.

Each shape begins with letters that whoever issues such a secret puts there for it to be found. Nothing is guessed from
how random a text looks: hashes, digests, ids and paths have no such beginning, and pass.

The time is linear in the text: a shape's letters are looked for, and from there a fixed number of characters is read.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = r"(?![A-Za-z0-9])"
_URL_SAFE = r"[A-Za-z0-9_-]"
_SHORTEST = 15
"""Characters of the shortest of the shapes below, a Slack token."""
_LONGEST_JWT_HEADER = 2_000
_MOST_HEADERS = 50


@dataclass(frozen=True)
class Token:
    """A secret found in a text.

    Attributes:
        what: What it is, with its article.
        start: Its first character's place in the text.
        length: Characters that it has at least.
        public: Its first letters, which all secrets of its kind share: at most 4, and safe to show.
    """

    what: str
    start: int
    length: int
    public: str


@dataclass(frozen=True)
class _Shape:
    what: str
    letters: str
    rest: str
    inside: bool
    """Whether it may follow a letter or a digit directly."""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Compiled where the letters are found: that is hardly ever, and there are many shapes."""
        return re.compile(re.escape(self.letters) + self.rest, re.ASCII)

    def tokens(self, text: str) -> Iterator[Token]:
        start = text.find(self.letters)
        while start >= 0:
            if self.inside or start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_"):
                match = self._pattern.match(text, start)
                if match is not None:
                    yield Token(self.what, start, match.end() - start, self.letters[:4])
            start = text.find(self.letters, start + 1)


def _shapes(what: str, letters: str, rest: str, *, inside: bool = False) -> tuple[_Shape, ...]:
    """Return a shape for each of the words in ``letters``, all of which are followed by ``rest``."""
    return tuple(_Shape(what, each, rest, inside) for each in letters.split())


_SHAPES = (
    # AWS
    *_shapes("an AWS access key id", "AKIA ASIA", r"[A-Z2-7]{16}" + _END),
    *_shapes("an AWS session token", "IQoJb3JpZ2lu FwoGZXIvYXdz", r"[A-Za-z0-9+/%]{60}"),
    *_shapes("a presigned address", "X-Amz-Signature=", r"[0-9a-f]{64}" + _END),
    *_shapes("a presigned address", "X-Goog-Signature=", r"[0-9a-f]{64}"),
    # private keys
    *_shapes("a private key", "-----BEGIN", r"(?: [A-Z0-9]{1,20}){0,4} PRIVATE KEY", inside=True),
    *_shapes("a private key", "PuTTY-User-Key-File-", r"[0-9]"),
    *_shapes("a private key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50}"),
    *_shapes(
        "a private key in base64",
        "LS0tLS1CRUdJTiBQUklW LS0tLS1CRUdJTiBSU0Eg LS0tLS1CRUdJTiBFQyBQ LS0tLS1CRUdJTiBPUEVOU1NI LS0tLS1CRUdJTiBFTkNS",
        r"[A-Za-z0-9+/]{20}",
    ),
    # where code and packages are kept
    *_shapes("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36}"),
    *_shapes("a GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{20}"),
    *_shapes(
        "a GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct-",
        rf"{_URL_SAFE}{{20}}",
    ),
    *_shapes("an npm token", "npm_", r"[A-Za-z0-9]{36}" + _END),
    *_shapes("a PyPI token", "pypi-AgE", rf"{_URL_SAFE}{{50}}"),
    *_shapes("a RubyGems key", "rubygems_", r"[0-9a-f]{48}" + _END),
    *_shapes("a Docker Hub token", "dckr_pat_ dckr_oat_", rf"{_URL_SAFE}{{27}}"),
    # messages
    *_shapes("a Slack token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"[A-Za-z0-9-]{10}"),
    *_shapes("a Slack token", "xapp-", r"[0-9]-[A-Z0-9]{8,12}-[0-9]{8}"),
    *_shapes(
        "a Slack webhook",
        "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/",
        r"[A-Z0-9]{6,20}/[A-Za-z0-9]{6,40}/[A-Za-z0-9]",
    ),
    *_shapes(
        "a Discord webhook",
        "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
        rf"[0-9]{{10,25}}/{_URL_SAFE}{{20}}",
    ),
    *_shapes("a Teams webhook", "webhook.office.com/webhookb2/", r"[0-9a-f-]{36}@", inside=True),
    *_shapes("a SendGrid key", "SG.", rf"{_URL_SAFE}{{22}}\.{_URL_SAFE}{{43}}"),
    # payments
    *_shapes("a Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_", r"[A-Za-z0-9]{16}"),
    *_shapes("a Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/]{24}"),
    *_shapes("a Square token", "sq0csp- sq0atp-", rf"{_URL_SAFE}{{22}}"),
    *_shapes("a Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}" + _END),
    # clouds and their tools
    *_shapes("a Google API key", "AIza", rf"{_URL_SAFE}{{35}}(?!{_URL_SAFE})"),
    *_shapes("a Google OAuth token", "ya29.", rf"{_URL_SAFE}{{20}}"),
    *_shapes("a Google OAuth client secret", "GOCSPX-", rf"{_URL_SAFE}{{24}}"),
    *_shapes("an Azure storage key", "AccountKey=", r"[A-Za-z0-9+/]{80}", inside=True),
    *_shapes("an Azure shared access key", "SharedAccessKey=", r"[A-Za-z0-9+/]{40}", inside=True),
    *_shapes("an Azure shared access signature", "&sig= ?sig=", r"(?:[A-Za-z0-9+/]|%[0-9A-Fa-f]{2}){40}", inside=True),
    *_shapes("an Alibaba access key id", "LTAI", r"[A-Za-z0-9]{20}" + _END),
    *_shapes("a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
    *_shapes("a Databricks token", "dapi", r"[0-9a-f]{32}(?:-[0-9])?" + _END),
    *_shapes("a Vault token", "hvs. hvb. hvr.", rf"{_URL_SAFE}{{24}}"),
    *_shapes("a Doppler token", "dp.pt. dp.ct. dp.sa.", r"[A-Za-z0-9]{40}"),
    *_shapes("a Pulumi token", "pul-", r"[0-9a-f]{40}" + _END),
    *_shapes("a Tailscale key", "tskey-auth- tskey-api- tskey-client-", r"[A-Za-z0-9-]{16}"),
    *_shapes("a Grafana token", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    *_shapes("a New Relic key", "NRAK-", r"[A-Z0-9]{27}" + _END),
    *_shapes("a Dynatrace token", "dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{40}"),
    *_shapes("a Sentry token", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_]{40}"),
    *_shapes("a Supabase key", "sbp_", r"[0-9a-f]{40}"),
    *_shapes("a PlanetScale key", "pscale_tkn_ pscale_pw_ pscale_oauth_", rf"{_URL_SAFE}{{30}}"),
    *_shapes("an Atlassian token", "ATATT3x", r"[A-Za-z0-9_=-]{60}"),
    *_shapes("a Linear key", "lin_api_", r"[A-Za-z0-9]{36}"),
    *_shapes("a Notion token", "ntn_", r"[A-Za-z0-9]{40}"),
    *_shapes("a Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    # models
    *_shapes("an Anthropic key", "sk-ant-", rf"[a-z]{{3,8}}[0-9]{{2}}-{_URL_SAFE}{{20}}"),
    *_shapes("an OpenAI key", "sk-proj- sk-svcacct- sk-admin-", rf"{_URL_SAFE}{{20,}}[A-Za-z0-9]"),
    *_shapes("an OpenAI key", "sk-", r"[A-Za-z0-9]{40}"),
    *_shapes("an OpenRouter key", "sk-or-v1-", r"[0-9a-f]{48}"),
    *_shapes("a Hugging Face token", "hf_", r"[A-Za-z0-9]{34}" + _END),
    *_shapes("a Groq key", "gsk_", r"[A-Za-z0-9]{48}"),
    *_shapes("a Replicate token", "r8_", r"[A-Za-z0-9]{37}" + _END),
)
_AZURE_CLIENT_SECRET = re.compile(r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31}", re.ASCII)
_JWT = re.compile(rf"(?<!{_URL_SAFE})(?=(eyJ{_URL_SAFE}{{8,}}+)\.({_URL_SAFE}{{2,}}+)\.{_URL_SAFE})", re.ASCII)


def find_token(text: str) -> Token | None:
    """Return a secret in ``text`` that its shape gives away, if there is one."""
    if len(text) < _SHORTEST:
        return None
    for shape in _SHAPES:
        if shape.letters in text:
            for token in shape.tokens(text):
                return token
    if "Q~" in text and (match := _AZURE_CLIENT_SECRET.search(text)) is not None:
        return Token("an Azure client secret", match.start(), len(match[0]), "")
    if "eyJ" in text:
        for match in islice(_JWT.finditer(text), _MOST_HEADERS):
            if _is_jwt_header(match[1]):
                return Token("a JSON Web Token", match.start(), len(match[1]) + len(match[2]) + 2, "eyJ")
    return None


def _is_jwt_header(text: str) -> bool:
    if len(text) > _LONGEST_JWT_HEADER:
        return False
    try:
        header = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header
