"""Every exception of the project.

A message says what happened, with which value, what was expected and what to do about it;
the command line prints it as it is, without a traceback. Standard library only, because the
Lambdas, the Glue jobs and the command line all import it.
"""


class LakehouseError(Exception):
    """Something a person can act on; its text is shown to them unchanged."""


class SettingsError(LakehouseError):
    """configs.ini or the environment holds a missing, unknown or unusable value."""


class InputError(LakehouseError):
    """A dropped file or folder is not what its source's publisher ships."""


class ApiError(LakehouseError):
    """A publisher's API refused a request, or could not be reached."""


class ApiRefusedError(ApiError):
    """A publisher refused a request for good, with the HTTP status ``status``."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ApiBusyError(ApiError):
    """The publisher asks for a pause longer than one invocation may wait.

    ``retry_after`` is that pause in seconds.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TableError(LakehouseError):
    """A silver or gold table could not be loaded, or its checks failed."""


class QueryError(LakehouseError):
    """SQL that cannot be parsed, or names a table or column that does not exist."""


class LocalError(LakehouseError):
    """The local set-up fails: a port in use, no usable Java, an emulator that does not answer."""


class AwsError(LakehouseError):
    """AWS or Terraform refuses something, or what it needs is missing."""
