"""What this authority knows of people: accounts, travellers, travel documents, passkeys and devices."""

from idp.accounts.models.access import FailedLogin, PastLogin, SecondFactor
from idp.accounts.models.contact import ContactDetails
from idp.accounts.models.credentials import Device, Passkey, SpentChallenge
from idp.accounts.models.grants import RoleGrant
from idp.accounts.models.guardians import Guardianship, RegisteredGuardian
from idp.accounts.models.officers import OfficerInvitation, OfficerPasskey
from idp.accounts.models.people import Account, Traveller
from idp.accounts.models.registry import Endorsement, TravelDocument

__all__ = [
    "Account",
    "ContactDetails",
    "Device",
    "Endorsement",
    "FailedLogin",
    "Guardianship",
    "OfficerInvitation",
    "OfficerPasskey",
    "Passkey",
    "PastLogin",
    "RegisteredGuardian",
    "RoleGrant",
    "SecondFactor",
    "SpentChallenge",
    "TravelDocument",
    "Traveller",
]
