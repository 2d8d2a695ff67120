"""Types that fields of requests share: what fits into a column is said in the schema."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LARGEST = 2**31 - 1
"""The largest integer that a column holds on every database."""


class Asked(BaseModel):
    """The body of a request. A field it does not know is refused: it may be misspelt."""

    model_config = ConfigDict(extra="forbid")


Id = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
Number = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Version = Annotated[
    int, Field(ge=1, le=LARGEST, strict=True, description="The version this started from.")
]
Flag = Annotated[bool, Field(strict=True)]
PathId = Annotated[int, Path(ge=1, le=LARGEST)]
QueryId = Annotated[int | None, Query(ge=1, le=LARGEST)]
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Text as databases store it: without NUL."""
Told = Annotated[str, StringConstraints(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
"""Text that says something."""
JsonObject = dict[str, Any]
