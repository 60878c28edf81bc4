"""The federation room, which also registers the checks of its settings and what it knows of the audit tree."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "idp.federation"

    def ready(self) -> None:
        from django.core import checks

        from idp.audit import verification
        from idp.federation import auth_methods, key_changes, status_lists, tree_heads, witnessing
        from idp.federation.recognition import executing
        from idp.federation.vouching import changing as vouching
        from idp.proposals import executors

        verification.contribute(tree_heads.findings)
        verification.contribute(witnessing.findings)
        checks.register(auth_methods.check, checks.Tags.security)
        checks.register(status_lists.check, checks.Tags.security)
        executors.register(vouching.KIND, vouching.MarkGift())
        for kind, change in executing.KINDS.items():
            executors.register(kind, change)
        executors.register(key_changes.KIND, key_changes.KeyChange())
