"""The one error of the engine: what an API answer says when something cannot be done."""


class EngineError(Exception):
    """A request that the engine refuses.

    Attributes:
        status: HTTP status of the answer, as the Docker Engine API uses it (400, 404, 409, 500, 501).
        message: what is wrong, the value got, what is allowed, what to change.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
