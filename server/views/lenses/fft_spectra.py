"""Prompts of groups -> their spectra and what each shows against its baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.spectrum import (
    SeriesKind,
    Spectrum,
    byte_tokens,
    log_ranks,
    sampled_prompts,
    token_series,
)
from analysis.spectrum_comparison import (
    SpectralPattern,
    SpectralVerdict,
    Thresholds,
    group_spectra,
    spectral_verdict,
)
from server.executors.choosing import current
from server.prompts.cutting import CutPrompt, Prompt, cut_prompts
from server.prompts.supplied import PromptReader

SEED = 20_251
BESIDE = "baseline"
"""Name of a baseline that filters say."""
ALL = "all"
"""Name of the group where nothing is grouped."""
_NO_VERDICT = SpectralVerdict(SpectralPattern.NO_BASELINE, None)


@dataclass(frozen=True)
class AskedGroup:
    """Prompts of one group in one facet, not yet cut."""

    facet: str
    group: str
    traces: int
    prompts: Sequence[Prompt]
    drawn: int
    """Traces whose prompts were looked for."""

    @property
    def name(self) -> str:
        """Its name in charts and words."""
        return " · ".join(part for part in (self.facet, self.group) if part) or ALL


@dataclass(frozen=True)
class MeasuredGroup:
    """The spectra of one group."""

    asked: AskedGroup
    prompts: Sequence[CutPrompt]
    """Those that were sampled, each different."""
    spectra: Mapping[SeriesKind, Spectrum]
    in_bytes: Spectrum | None
    """Of the bytes of the same prompts, where the tokens are not bytes."""
    verdict: SpectralVerdict = _NO_VERDICT
    baseline: str = ""
    """Name of the group it is held against."""


@dataclass(frozen=True)
class Measured:
    """All groups of one question, in order."""

    groups: tuple[MeasuredGroup, ...]
    kind: SeriesKind
    """The series that is drawn and judged."""
    reader: PromptReader
    baseline: str
    """Where the baseline comes from, in words; empty where there is none."""
    fewest: int
    """Prompts that a verdict needs."""

    @property
    def unit(self) -> str:
        """What the series has one value of."""
        return "token" if self.reader.tokenizer else "byte"

    def example(
        self, group: MeasuredGroup
    ) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
        """Return the series of a group's first prompt."""
        if not group.prompts:
            return None
        everything = [one.tokens for each in self.groups for one in each.prompts]
        ranks = log_ranks(everything) if self.kind is SeriesKind.LOG_RANK else {}
        return token_series(group.prompts[0].tokens, self.kind, ranks)


def measure(
    groups: Sequence[AskedGroup],
    reader: PromptReader,
    cuts: Thresholds,
    *,
    kind: SeriesKind | None = None,
    baseline: str = "",
    beside: AskedGroup | None = None,
    going_on: Callable[[], None] | None = None,
) -> Measured:
    """Cut the prompts of all groups, and hold each group against its baseline.

    Args:
        groups: The groups, in the order in which they are shown.
        reader: How prompts are rendered and cut.
        cuts: From where on a difference has a name.
        kind: The series that is judged; byte lengths of tokens, or ranks of bytes, if None.
        baseline: Name of the group that the others are held against; the largest one if empty.
        beside: A baseline that is none of the groups.
        going_on: Called while foreign files are at work.

    Raises:
        Invalid: A template or tokenizer fails.
    """
    everything = [*groups, beside] if beside else list(groups)
    texts = _cut(everything, reader, going_on)
    sampled = [_sampled(group, texts) for group in everything]
    chosen = kind or (SeriesKind.BYTE_LENGTH if reader.tokenizer else SeriesKind.LOG_RANK)
    kinds = tuple(SeriesKind) if reader.tokenizer else (SeriesKind.LOG_RANK, SeriesKind.ID)
    if chosen not in kinds:
        kinds = (*kinds, chosen)
    spectra = {one: _spectra(sampled, one) for one in kinds}
    plain = _spectra(sampled, SeriesKind.LOG_RANK, in_bytes=True) if reader.tokenizer else {}
    found = [
        MeasuredGroup(
            group,
            prompts,
            {one: spectra[one][str(place)] for one in kinds},
            plain.get(str(place)),
        )
        for place, (group, prompts) in enumerate(zip(everything, sampled, strict=True))
    ]
    other = found[-1] if beside else None
    name = beside.name if beside else _baseline_name(groups, baseline)
    judged = tuple(
        _judged(one, _baseline_of(one, found, name, other), chosen, cuts) for one in found
    )
    return Measured(judged, chosen, reader, name, cuts.fewest_prompts)


def _cut(
    groups: Sequence[AskedGroup], reader: PromptReader, going_on: Callable[[], None] | None
) -> dict[Prompt, CutPrompt]:
    different = list(dict.fromkeys(prompt for group in groups for prompt in group.prompts))
    found = cut_prompts(different, reader, going_on=going_on)
    return dict(zip(different, found, strict=True))


def _sampled(group: AskedGroup, cut: Mapping[Prompt, CutPrompt]) -> list[CutPrompt]:
    by_text = {cut[prompt].text: cut[prompt] for prompt in group.prompts}
    rng = np.random.default_rng(SEED)
    return [by_text[text] for text in sampled_prompts(list(by_text), rng)]


def _spectra(
    sampled: Sequence[Sequence[CutPrompt]], kind: SeriesKind, *, in_bytes: bool = False
) -> dict[str, Spectrum]:
    tokens = {
        str(place): [byte_tokens(one.text) if in_bytes else one.tokens for one in prompts]
        for place, prompts in enumerate(sampled)
    }
    return group_spectra(tokens, kind, np.random.default_rng(SEED), current())


def _baseline_name(groups: Sequence[AskedGroup], wanted: str) -> str:
    """Return the group (or facet, where nothing is grouped) that others are held against."""
    sizes: dict[str, int] = {}
    for group in groups:
        key = group.group or group.facet
        sizes[key] = sizes.get(key, 0) + group.traces
    if wanted:
        return wanted
    largest = min(sizes, key=lambda key: (-sizes[key], key), default="")
    return largest if len(sizes) > 1 else ""


def _baseline_of(
    group: MeasuredGroup,
    groups: Sequence[MeasuredGroup],
    name: str,
    beside: MeasuredGroup | None,
) -> MeasuredGroup | None:
    if beside is not None or not name:
        return beside
    if group.asked.group:
        own = [one for one in groups if one.asked.facet == group.asked.facet]
        return next((one for one in own if one.asked.group == name), None)
    return next((one for one in groups if one.asked.facet == name), None)


def _judged(
    group: MeasuredGroup, baseline: MeasuredGroup | None, kind: SeriesKind, cuts: Thresholds
) -> MeasuredGroup:
    if baseline is None:
        return group
    if baseline is group:
        return replace(group, verdict=SpectralVerdict(SpectralPattern.BASELINE, None))
    in_bytes = (
        (group.in_bytes, baseline.in_bytes)
        if group.in_bytes is not None and baseline.in_bytes is not None
        else None
    )
    verdict = spectral_verdict(group.spectra[kind], baseline.spectra[kind], cuts, in_bytes)
    return replace(group, verdict=verdict, baseline=baseline.asked.name)
