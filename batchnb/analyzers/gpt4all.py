"""gpt4all: whether an app meets its requirements, by asking a language model that has to prove it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.base import AnalysisContext, Options, ToolNeed
from batchnb.analyzers.llm.cache import ReplyCache
from batchnb.analyzers.llm.connection import Connection, NoServerError, ServerError, StoppedError
from batchnb.analyzers.llm.heuristic import collect_routes
from batchnb.analyzers.llm.interview import Interview
from batchnb.analyzers.llm.model import Model, NoModelError
from batchnb.analyzers.llm.options import DEFAULT_ADDRESS, LlmOptions
from batchnb.analyzers.llm.reading import HEURISTIC, LLM, Reader
from batchnb.analyzers.llm.transcript import app_sources
from batchnb.analyzers.raw import RawAnalysis, RawTarget, StagedFiles, ToolRun
from batchnb.analyzers.staged_files import staged_files
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records import AnalysisReport, AnalysisType, CoverageStatus
from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.own_places import cache_folder
from batchnb.tools.requirement_list import Requirements, requirements_of
from batchnb.tools.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.tools.layout import AppFolder

KEY_VARIABLE = "BATCHNB_LLM_API_KEY"
SUFFIXES = frozenset(
    {
        ".py",
        ".js",
        ".jsx",
        ".mjs",
        ".cjs",
        ".ts",
        ".tsx",
        ".vue",
        ".svelte",
        ".html",
        ".sql",
        ".go",
        ".rb",
        ".php",
    }
)
"""Files that are shown to the model; styles, data and documentation are no proof of anything."""
HINT = (
    "start a server that speaks OpenAI's protocol: GPT4All (Settings, Enable Local API Server), "
    "`llama-server -m MODEL.gguf --port 4891`, Ollama (http://localhost:11434/v1) or vLLM, "
    "and name its address in the option `address`"
)
_PROBE_SECONDS = 2.0


class GPT4AllAnalyzer(ToolAnalyzer):
    """The app's source goes to a language model's server: on this machine, if `allowed_hosts` names none.

    It is shown together with one requirement at a time.

    Per requirement it measures `requirement_met` (1 met, 0 not met, None cannot tell; `samples` are the valid
    votes, no interval), `requirement_confidence` (0 to 1, as the model says) and, with several votes,
    `requirement_agreement` (share of the votes). A requirement that is not met is also a finding of the rule
    `requirement-not-met`, of low severity. `met` counts only with a quotation that stands in the code.
    """

    key: ClassVar[str] = AnalysisType.GPT4ALL.value
    title: ClassVar[str] = "Requirements (LLM)"
    service: ClassVar[str] = "gpt4all_analyzer"
    tools: ClassVar[tuple[str, ...]] = (LLM,)
    optional_tools: ClassVar[tuple[str, ...]] = (HEURISTIC,)
    options: ClassVar[type[Options]] = LlmOptions
    by_default: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = (KEY_VARIABLE,)

    def collect(self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext) -> RawAnalysis:
        """Show the model each app's source and ask about its requirements."""
        targets, runs = [], []
        tools = (LLM, HEURISTIC) if options.heuristic else (LLM,)
        for number, app in enumerate(apps):
            files = _staged(app, context, number)
            listed = requirements_of(self.base_path, app.app_num, options.requirements)
            targets.append(RawTarget(model=app.model, app_num=app.app_num, files=files))
            runs += [_run(tool, number, app, files, listed, options, context) for tool in tools]
        return RawAnalysis(
            analysis_type=self.key,
            options=options.model_dump(mode="json"),
            targets=tuple(targets),
            runs=tuple(runs),
        )

    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Read the answers, and look up again in the sources what they quote."""
        readers = [Reader(target, raw.options) for target in raw.targets]
        for run in raw.runs:
            for number in run.targets:
                readers[number].read(run)
        return [reader.report() for reader in readers]

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return the server at the default address; optional, as the options may name another."""
        found = _answers()
        return (ToolNeed(name=LLM, command=() if found else None, install_hint=HINT, optional=True),)

    # ------------------------------------------------------------- on its own, as in the seed (9.1)

    def check_requirements(
        self, model: str, app_num: int, requirements: Sequence[str] | None = None, **options: Any
    ) -> AnalysisReport:
        """Check the requirements of one app here and now, outside any job.

        Args:
            model: the name of the model that wrote the app.
            app_num: the app's number.
            requirements: what to check; None: the app's entry in `<base>/requirements.json`.
            options: see `LlmOptions`; `model` of the options is called `llm_model` here.

        Returns:
            `measurements`, one per requirement among them, `issues` and `coverage`.

        Raises:
            InvalidValueError: if there is no such app, or an option has a value that it cannot have.
        """
        if "llm_model" in options:
            options["model"] = options.pop("llm_model")
        if requirements is not None:
            options["requirements"] = tuple(requirements)
        with self.alone(model, app_num, options, "check_requirements") as (app, checked, context):
            return self.analyze(app, checked, context)


def _staged(app: AppFolder, context: AnalysisContext, number: int) -> StagedFiles:
    staging = Staging(context.scratch / f"{number:03d}")
    staging.add(app.path, suffixes=SUFFIXES)
    return staged_files(staging.tree())


def _run(
    tool: str,
    number: int,
    app: AppFolder,
    files: StagedFiles,
    listed: Requirements,
    options: LlmOptions,
    context: AnalysisContext,
) -> ToolRun:
    """Run one tool on one app; whatever goes wrong is its status."""
    start = time.monotonic()
    version = output = ""
    status, detail = _lack(files, listed)
    if status is CoverageStatus.OK and tool == HEURISTIC:
        output = collect_routes(app.path, listed)
    elif status is CoverageStatus.OK:
        try:
            output, version = _interview(files, listed, options, context)
        except (NoServerError, NoModelError) as error:
            status, detail = CoverageStatus.TOOL_MISSING, f"{error}; {HINT}"
        except ServerError as error:
            status, detail = CoverageStatus.FAILED, str(error)
        except StoppedError as error:
            status, detail = CoverageStatus.TIMED_OUT, str(error)
    if tool == LLM and context.cancel.cancelled:
        status, detail = CoverageStatus.CANCELLED, "stopped because the job was cancelled"
    return ToolRun(
        tool=tool,
        targets=(number,),
        status=status,
        detail=detail,
        version=version,
        seconds=round(time.monotonic() - start, 3),
        output=output,
    )


def _lack(files: StagedFiles, listed: Requirements) -> tuple[CoverageStatus, str]:
    """Return why there is nothing to ask; OK if there is."""
    if listed.lack:
        return (CoverageStatus.FAILED if listed.broken else CoverageStatus.NOT_APPLICABLE), listed.lack
    if files.sources:
        return CoverageStatus.OK, ""
    if not files.unread:
        return CoverageStatus.NOT_APPLICABLE, "the app has no source file"
    path, reason = files.unread[0]
    return CoverageStatus.FAILED, f"no file could be read: {path} ({reason})"


def _interview(
    files: StagedFiles, listed: Requirements, options: LlmOptions, context: AnalysisContext
) -> tuple[str, str]:
    """Return the transcript as JSON, and which model was asked."""
    cache = ReplyCache(cache_folder() / "llm" if options.cache else None)
    with Connection(
        options.address,
        allowed_hosts=options.allowed_hosts,
        key=context.secrets.get(KEY_VARIABLE, ""),
        seconds=options.request_seconds,
        deadline=context.deadline,
        cancel=context.cancel,
    ) as connection:
        model = Model(connection, options.model, options.context_tokens)
        interview = Interview(model, cache, options, app_sources(files), context.progress)
        said = interview.hold(listed)
        if not options.model and len(model.offered) > 1:
            said.notes.append(f"the first of {len(model.offered)} models was asked; name one in `model`")
    return said.dump(), f"{model.name} at {model.address}"


def _answers() -> bool:
    """Whether a server answers at the default address. The key is not sent: it may be another server's."""
    deadline = Deadline.after(_PROBE_SECONDS)
    try:
        with Connection(
            DEFAULT_ADDRESS,
            allowed_hosts=(),
            key="",
            seconds=_PROBE_SECONDS,
            deadline=deadline,
            cancel=CancelToken(),
        ) as connection:
            return connection.get("/models").status in {200, 401, 403}
    except (NoServerError, ServerError, StoppedError, InvalidValueError):
        return False
