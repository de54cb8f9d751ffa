"""What the control API refuses, as an exception that becomes a 4xx answer."""


class ControlRefusal(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


def not_found(error: str, message: str) -> ControlRefusal:
    return ControlRefusal(404, error, message)
