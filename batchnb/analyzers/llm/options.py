"""Options of the requirements check."""

from __future__ import annotations

from pydantic import Field

from batchnb.analyzers.base import Options

DEFAULT_ADDRESS = "http://localhost:4891/v1"
"""Where GPT4All's local server listens."""


class LlmOptions(Options):
    """Which server and model to ask, how often, and at what price."""

    address: str = Field(
        default=DEFAULT_ADDRESS,
        title="Address",
        description="Base address of an OpenAI-compatible server: GPT4All, llama.cpp, Ollama, vLLM, ...",
        max_length=500,
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        title="Allowed hosts",
        description="Hosts beside this machine that the source code of the apps may be sent to.",
    )
    model: str = Field(
        default="",
        title="Model",
        description="Name of the model on the server; empty: the first one that it offers.",
        max_length=500,
    )
    requirements: tuple[str, ...] = Field(
        default=(),
        title="Requirements",
        description="What to check instead of the app's entry in requirements.json.",
        max_length=200,
    )
    votes: int = Field(
        default=1,
        title="Votes",
        description="How often each requirement is asked; more than half of the answers decide.",
        ge=1,
        le=9,
    )
    vote_temperature: float = Field(
        default=0.7,
        title="Temperature of votes",
        description="How much the answers may differ when there are several votes; one vote is asked at 0.",
        gt=0.0,
        le=2.0,
    )
    confirm_met: bool = Field(
        default=False,
        title="Confirm what is met",
        description="Ask again with nothing but the quoted places before a requirement counts as met.",
    )
    context_tokens: int = Field(
        default=0,
        title="Context window",
        description="Tokens that the model takes in; 0: what the server says, or else 4,096.",
        ge=0,
        le=4_000_000,
    )
    answer_tokens: int = Field(
        default=700,
        title="Tokens of an answer",
        description="At most; models that think aloud need more.",
        ge=100,
        le=32_000,
    )
    request_seconds: int = Field(
        default=300,
        title="Seconds per answer",
        description="How long to wait for one answer.",
        ge=1,
        le=7_200,
    )
    cache: bool = Field(
        default=True,
        title="Use the cache",
        description="Do not ask again what was asked before with the same code, model and parameters.",
    )
    heuristic: bool = Field(
        default=False,
        title="Also the rule of thumb",
        description="Also look for routes and words of each requirement: a heuristic, not an LLM.",
    )
    input_price: float = Field(
        default=0.0, title="Price of input", description="Per million tokens.", ge=0.0, le=1e6
    )
    output_price: float = Field(
        default=0.0, title="Price of output", description="Per million tokens.", ge=0.0, le=1e6
    )
    currency: str = Field(
        default="USD", title="Currency", description="Of the prices.", pattern=r"^[A-Za-z]{1,8}$"
    )
