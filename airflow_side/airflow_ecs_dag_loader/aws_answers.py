"""What a call of boto3 can raise where AWS gave no usable answer."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

NO_ANSWER = (BotoCoreError, ClientError, ResponseParserError, AttributeError, KeyError, TypeError, ValueError)
"""AWS's own errors, the network's, and those of botocore's parser.

Of a broken body, the parser makes an answer without its keys (empty, truncated, HTML) or one of Python's own errors
(JSON that is no object: ``AttributeError``; bytes that are no UTF-8: ``UnicodeDecodeError``).
"""
THROTTLED = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottledException", "ThrottlingException", "TooManyRequestsException"}
)
"""AWS's codes for more calls than it takes."""
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""AWS's codes for credentials that were good for some time, and have to be asked for anew."""
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
"""AWS's codes for a call without the right to it."""


def error_code(error: Exception) -> str:
    """Return AWS's code of an error; an empty text if it is not AWS's."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def reason(error: Exception) -> str:
    """Return why a call gave no usable answer, in one line: AWS's code and message, or what the network said."""
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        return f"{answer.get('Code', 'unknown error')}: {answer.get('Message', error)}"
    if isinstance(error, KeyError):
        return f"the answer has no {error.args[0]}"
    return str(error) or repr(error)
