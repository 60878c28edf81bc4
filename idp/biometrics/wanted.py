"""Under which face models travellers are to be enrolled: the preferred one, and those that checkpoints name."""

from collections.abc import Callable, Iterable, Sequence

from idp.biometrics import engines

Source = Callable[[int], Iterable[Sequence[str]]]

_sources: list[Source] = []


def contribute(source: Source) -> None:
    """Have ``source`` say, at a time, which models each checkpoint in force names. Called from `AppConfig.ready`."""
    _sources.append(source)


def named(*, now: int) -> list[frozenset[str]]:
    """For each checkpoint in force, of this authority and of its peers, the models that it can compare."""
    return [frozenset(models) for source in _sources for models in source(now)]


def models(*, now: int) -> list[str]:
    """The models of this node's engines that are wanted, preferred first."""
    ours = engines.models()
    asked = frozenset[str]().union(*named(now=now))
    return [model for place, model in enumerate(ours) if place == 0 or model in asked]
