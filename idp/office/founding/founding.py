"""The steps of the first run. Each makes what is missing, so a run that broke off is run again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from idp import conf
from idp.accounts import granting, invitations, officers
from idp.accounts.models import Account, Passkey
from idp.accounts.roles import Role
from idp.audit import sealing
from idp.biometrics import engines, thresholds, wrapping
from idp.biometrics.engine import UnableToLoadModel
from idp.border.rules import book
from idp.federation import signing, statements
from idp.office.founding.answers import UnableToFound
from idp.proposals import executors
from idp.protocol.refusals import Unavailable

ACTOR = "console"
NEEDED = 2
WHY_TWO = (
    "Two officers are needed: what one proposes (peers, rules, checkpoints, roles) another approves, and nobody "
    "approves what is one's own."
)


@dataclass(frozen=True)
class Appointment:
    """One of the first officers, who holds every role unless told otherwise: few people have to do everything."""

    name: str
    roles: Sequence[Role] = field(default_factory=lambda: tuple(Role))


@dataclass(frozen=True)
class Done:
    """What a step came to, for the operator; ``links`` by officer are shown once and kept nowhere."""

    step: str
    text: str
    links: Mapping[str, str] = field(default_factory=dict)


def database() -> Done:
    """Bring the database's tables up to date. Raises `UnableToFound`: it does not answer."""
    try:
        loader = MigrationExecutor(connection)
        missing = len(loader.migration_plan(loader.loader.graph.leaf_nodes()))
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        raise UnableToFound(f"the database does not answer ({error}): see DATABASE_URL.".replace("\n", " ")) from error
    return Done("database", f"{missing} migrations were carried out" if missing else "up to date")


def missing_officers() -> int:
    """How many are still to be named."""
    return max(0, NEEDED - Account.objects.filter(kind=Account.Kind.OFFICER, is_active=True).count())


def found(*, appointments: Sequence[Appointment], now: int) -> Iterator[Done]:
    """Everything after the database, in order. Raises `UnableToFound`; what is done by then stays."""
    yield _keys()
    yield _face_key()
    yield _engines()
    yield _rules()
    yield _thresholds()
    yield appoint(appointments=appointments, now=now)
    yield _static()
    yield _configuration(now)


def appointments_from(given: object) -> list[Appointment]:
    """``officers`` of the answers: names, or tables with name and roles. Raises `UnableToFound`."""
    if not isinstance(given, list):
        raise UnableToFound("officers is a list of names, or of {name, roles}.")
    return [_appointment(item) for item in given]


def _appointment(item: Any) -> Appointment:
    if isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, dict) or not item.get("name", "") or set(item) - {"name", "roles"}:
        raise UnableToFound("officers: each has a name, and may have roles.")
    try:
        return Appointment(str(item["name"]), tuple(Role(role) for role in item.get("roles", list(Role))))
    except (ValueError, TypeError) as error:
        raise UnableToFound(f"officers: roles are some of {', '.join(Role.values)}.") from error


@transaction.atomic
def appoint(*, appointments: Sequence[Appointment], now: int) -> Done:
    """Make those who are not there yet, and a link for each who has no passkey.

    Raises `UnableToFound`, and then nothing has changed: there have to be two for every kind of decision.
    """
    links: dict[str, str] = {}
    for item in appointments:
        account = _officer(item)
        if not Passkey.objects.filter(account=account).exists():
            links[account.username] = _link(account, now)
    if missing := missing_officers():
        raise UnableToFound(f"{WHY_TWO} {missing} more is to be named.")
    for kind, executor in sorted(executors.known().items()):
        if granting.holders(executor.permission).filter(is_active=True).count() < NEEDED:
            raise UnableToFound(f"{WHY_TWO} The roles leave fewer than two for {kind} ({executor.permission}).")
    count = Account.objects.filter(kind=Account.Kind.OFFICER, is_active=True).count()
    return Done("officers", f"{count} officers, {len(links)} links", links)


def _officer(item: Appointment) -> Account:
    name = Account.normalize_username(item.name)
    account: Account | None = Account.objects.filter(username=name, kind=Account.Kind.OFFICER).first()
    if account is not None:
        return account
    try:
        return officers.create_without_password(username=name, actor=ACTOR, roles=item.roles)
    except officers.UnableToAppoint as error:
        raise UnableToFound(f"{name!r} cannot be an officer's user name: {error}") from error


def _link(account: Account, now: int) -> str:
    try:
        return invitations.invite(account=account, actor=ACTOR, now=now)
    except invitations.UnableToEnrol as error:
        raise UnableToFound(f"{account.username} cannot be invited: {error}.") from error


def _keys() -> Done:
    try:
        made = signing.ensure_keys()
    except OSError as error:
        raise UnableToFound(f"{error.filename}: {error.strerror}. The keys have to be written there.") from error
    where = conf.authority().key_dir
    return Done("signing keys", f"{len(made)} were made, in {where}" if made else f"all there, in {where}")


def _face_key() -> Done:
    """The key that wraps the keys of faces: made where it is a file, asked for where it is in a token."""
    try:
        wrapping.current()
    except (Unavailable, ValueError) as error:
        raise UnableToFound(f"the key of the faces does not answer ({error}): see CAUSEWAY_FACE_KEY.") from error
    return Done("key of the faces", conf.authority().face_key.split("?")[0])


def _engines() -> Done:
    """Load each engine, which converts the embedded model where that was not done."""
    for name in conf.authority().face_engines:
        try:
            engines.engine(name)
        except (UnableToLoadModel, RuntimeError, OSError) as error:
            raise UnableToFound(
                f"the face engine {name} does not load ({error}): see CAUSEWAY_FACE_ENGINES."
            ) from error
    return Done("face engines", ", ".join(engines.models()))


def _rules() -> Done:
    return Done("travel rules", f"{len(book.versions())} in the book")


def _thresholds() -> Done:
    """Those that the engine proposes count until an evaluation is calibrated: nothing is invented here."""
    models = engines.models()
    calibrated = thresholds.calibrated(models, conf.authority().gate_face_profile or thresholds.DEFAULT)
    said = [
        f"{model}: admits from {at.admit:.3f}, refers from {at.refer:.3f}"
        f" ({'calibrated' if model in calibrated else 'proposed by the engine, not calibrated'})"
        for model, at in thresholds.for_gates().items()
    ]
    return Done("face thresholds", "; ".join(said))


def _static() -> Done:
    """What pages load; with DEBUG they are found where they lie."""
    if conf.authority().debug:
        return Done("static files", "found where they lie, because of DEBUG")
    call_command("collectstatic", verbosity=0, interactive=False)
    return Done("static files", "collected")


def _configuration(now: int) -> Done:
    """Sign the first statement, which shows that it can be done, and seal the record of all this."""
    try:
        statements.entity_configuration(now)
    except Unavailable as error:
        raise UnableToFound(f"the node's own statement cannot be signed: {error}.") from error
    sealing.seal(now)
    return Done("entity configuration", "signed; the record of this run is sealed")
