"""Which test shows which negative case of the OpenID provider (rows 26 to 55, 60, 66 to 75): a case that lost its test
is a case that nobody refuses any more.

Tests are named as ``path::function``, below ``tests/``. What stands in brackets behind one has to be in its text or in
its parameters: the one case of several that the row is about.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
WANTED = [*range(26, 56), 60, *range(66, 76)]
_NAMED = re.compile(r"(?P<path>[a-z0-9_/]+\.py)::(?P<name>test_[a-z0-9_]+)(?:\[(?P<text>.+)\])?\Z")

_PUSHED = "oidc/test_par.py::test_request_object_that_does_not_hold_is_refused"
_VALUE = "oidc/test_by_value.py::test_request_object_that_does_not_hold_ends_on_a_page"
_ASSERTION = "oidc/test_par.py::test_assertion_that_does_not_hold_is_refused"
_URI = "oidc/test_authorize.py::test_request_that_was_not_pushed_so_ends_on_a_page"
_REDIRECT = "oidc/test_par.py::test_redirect_uri_that_is_not_registered_is_refused"
_PARAMETER = "oidc/test_par.py::test_parameter_out_of_profile_is_refused"
_ANSWERED = "oidc/test_by_value.py::test_parameter_out_of_profile_is_answered_to_the_client"
_TOKEN = "oidc/test_token.py::test_token_request_with_one_wrong_parameter_is_refused"
_FORGED = "oidc/test_forged_proofs.py::test_proof_that_is_forged_in_one_place_is_refused"
_HEADER = "oidc/test_forged_proofs.py::test_header_that_is_not_one_proof_is_refused"
_NONCE = "oidc/test_forged_proofs.py::test_proof_without_a_nonce_of_this_node_and_time_is_asked_for_one"
_OTHERS = "oidc/test_forged_proofs.py::test_proof_that_does_not_belong_to_the_token_opens_nothing"
_CROSSING = "oidc/test_hostile_requests.py::test_token_request_for_another_crossing_is_refused"
_SEALED = "oidc/test_hostile_requests.py::test_request_that_was_encrypted_otherwise_is_refused"
_BESIDE = "oidc/test_by_value.py::test_what_stands_beside_the_object_must_fit"
_READERS = "oidc/test_by_value.py::test_json_that_readers_read_differently_ends_on_a_page"

ROWS: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    26: {
        "no jti": (f'{_PUSHED}[{{"jti": REMOVE}}]', f'{_VALUE}[{{"jti": REMOVE}}]'),
        "no exp": (f'{_PUSHED}[{{"exp": REMOVE}}]', f'{_VALUE}[{{"exp": REMOVE}}]'),
        "no iss": (f'{_PUSHED}[{{"iss": REMOVE}}]', f'{_VALUE}[{{"iss": REMOVE}}]'),
        "no aud": (f'{_PUSHED}[{{"aud": REMOVE}}]', f'{_VALUE}[{{"aud": REMOVE}}]'),
        "two audiences": (f'{_PUSHED}[{{"aud": [NODE, ]', f'{_VALUE}[{{"aud": [NODE, ]'),
        "another provider": (f"{_PUSHED}[mo.localhost]", f"{_VALUE}[mo.localhost]"),
        "iss is not the client": (f'{_PUSHED}[{{"iss": "https://b.example"}}]',),
        "client_id beside it": (f'{_BESIDE}[{{"client_id": "https://messenger.example"}}]',),
        "a subject": (f'{_PUSHED}[{{"sub": ]', f'{_VALUE}[{{"sub": ]'),
        "expired": (f"{_PUSHED}[- 300]", f"{_VALUE}[- 300]"),
        "again": (
            "oidc/test_par.py::test_request_object_is_accepted_once",
            "oidc/test_by_value.py::test_request_object_is_accepted_once",
            "oidc/test_races.py::test_request_object_by_value_is_accepted_from_one_window",
        ),
        "another key": (f"{_PUSHED}[keys.generate()]", f"{_VALUE}[keys.generate()]"),
    },
    27: {
        "chain of another": (
            "oidc/test_by_value.py::test_chain_of_another_entity_ends_on_a_page",
            "oidc/test_registration.py::test_trust_chain_of_another_entity_is_refused",
            "oidc/test_explicit_registration.py::test_chain_of_another_entity_is_refused",
        )
    },
    28: {
        "chain to another anchor": ("oidc/test_by_value.py::test_chain_to_another_anchor_ends_on_a_page",),
        "peer's chain to another anchor": (
            "oidc/test_hostile_requests.py::test_peer_chain_to_another_anchor_is_refused[pushed]",
            "oidc/test_hostile_requests.py::test_peer_chain_to_another_anchor_is_refused[by value]",
        ),
    },
    29: {
        "stranger's redirect URI": (
            "oidc/test_by_value.py::test_stranger_with_a_redirect_uri_of_its_own_ends_on_a_page",
            "oidc/test_by_value.py::test_metadata_that_cannot_be_used_ends_on_a_page",
            "oidc/test_federation_profile.py::test_trust_errors_are_named_at_par",
        )
    },
    30: {
        "audience": ("oidc/test_explicit_registration.py::test_request_that_does_not_hold_is_refused[aud]",),
        "content type": ("oidc/test_explicit_registration.py::test_body_of_another_kind_is_refused",),
        "typ of the answer": (
            "oidc/test_explicit_registration.py::test_response_is_typed_and_cannot_stand_in_a_chain",
            "protocol/test_registration_response.py::test_document_of_another_kind_is_refused",
        ),
    },
    31: {
        "chain is over": (
            "oidc/test_by_value.py::test_chain_past_its_end_is_looked_for_again",
            "oidc/test_by_value.py::test_recognition_that_ended_is_noticed_at_once",
            "oidc/test_explicit_registration.py::test_registration_ends_with_its_chain",
        )
    },
    32: {
        "token endpoint": (f"{_ASSERTION}[/oidc/token]",),
        "PAR": (f"{_ASSERTION}[/oidc/par]",),
        "array": (f'{_ASSERTION}[{{"aud": [NODE]}}]',),
        "two": (f"{_ASSERTION}[https://b.example]",),
        "at the token endpoint": ("oidc/test_token.py::test_assertion_that_does_not_hold_is_refused[aud]",),
    },
    33: {
        "RS256": ("oidc/test_par.py::test_rs256_assertion_is_refused",),
        "none": (f'{_ASSERTION}[{{"alg": "none"}}]',),
        "expired": (f"{_ASSERTION}[- 300]",),
        "ahead": (f"{_ASSERTION}[+ 61]",),
        "no sub": (f'{_ASSERTION}[{{"sub": REMOVE}}]',),
        "iss is not sub": (f'{_ASSERTION}[{{"iss": ]',),
        "again": (
            "oidc/test_par.py::test_assertion_is_accepted_once",
            "oidc/test_token.py::test_assertion_of_the_push_is_not_good_again",
            "oidc/test_revocation.py::test_replayed_assertion_revokes_nothing",
            "oidc/test_races.py::test_part_of_a_token_request_is_accepted_by_one_worker",
        ),
        "another's": (
            f"{_ASSERTION}[keys.generate()]",
            "protocol/test_client_assertion.py::test_assertion_of_another_client_is_refused",
        ),
    },
    34: {
        "each as the other": (
            "oidc/test_par.py::test_request_object_and_assertion_do_not_pass_for_each_other",
            "oidc/test_by_value.py::test_assertion_does_not_pass_for_a_request",
        )
    },
    35: {
        "plain": ("oidc/test_basic_profile.py::test_wallet_may_not_bring_a_plain_request",),
        "by value": ("oidc/test_by_value.py::test_wallet_must_push",),
        "nothing at all": (f'{_URI}[{{"request_uri": REMOVE}}]',),
    },
    36: {
        "another client's": ("oidc/test_authorize.py::test_request_of_another_client_cannot_be_taken_over",),
        "expired": ("oidc/test_authorize.py::test_expired_request_uri_ends_on_a_page",),
        "completed": (
            "oidc/test_authorize.py::test_reload_is_fine_and_a_second_completion_is_not",
            "oidc/test_races.py::test_request_uri_is_completed_by_one_worker",
        ),
        "guessed": (f"{_URI}[request_uri:guessed]",),
        "in the form": ("oidc/test_par.py::test_request_uri_in_the_form_is_refused",),
        "in the object": (f'{_PUSHED}[{{"request_uri": ]', f'{_VALUE}[{{"request_uri": ]'),
    },
    37: {
        "GET": ("oidc/test_par.py::test_get_is_not_allowed[405]",),
        "oversized": ("oidc/test_par.py::test_body_over_the_limit_is_refused[413]",),
        "twice": ("oidc/test_par.py::test_parameter_that_stands_twice_is_refused",),
    },
    38: {"of somebody else": (f"{_URI}[https://attacker.example/request.jwt]", f"{_URI}[169.254.169.254]")},
    39: {
        "none": (f'{_PUSHED}[{{"alg": "none"}}]', f'{_VALUE}[{{"alg": "none"}}]'),
        "RS256": (f'{_PUSHED}[{{"alg": "RS256"}}]',),
        "for more than an hour": (f"{_PUSHED}[+ 7200]",),
        "no nbf": (
            f'{_PUSHED}[{{"nbf": REMOVE}}]',
            "oidc/test_fapi_client.py::test_its_request_object_lacks_what_message_signing_wants",
        ),
        "audience": (f'{_PUSHED}[{{"aud": ]',),
        "parameters outside": (
            "oidc/test_par.py::test_parameters_outside_the_request_object_are_ignored",
            "oidc/test_by_value.py::test_parameters_beside_the_object_are_ignored",
        ),
    },
    40: {
        "none": (f'{_PARAMETER}[({{"code_challenge": REMOVE}}, "invalid_request")]',),
        "plain": (f'{_PARAMETER}[({{"code_challenge_method": "plain"}}, "invalid_request")]', f'{_ANSWERED}["plain"]'),
        "wrong verifier": (f'{_TOKEN}[({{"code_verifier": "w" * 43}}, "invalid_grant")]',),
        "no verifier": (f'{_TOKEN}[({{"code_verifier": REMOVE}}, "invalid_grant")]',),
        "verifier without challenge": (
            "oidc/test_federation_profile.py::test_challenge_that_is_sent_is_kept_to",
            "oidc/test_basic_profile.py::test_challenge_that_was_sent_must_be_met",
        ),
    },
    41: {
        "again": (
            "oidc/test_token.py::test_code_is_good_once_and_its_second_use_ends_the_grant",
            "oidc/test_basic_profile.py::test_code_used_twice_ends_the_grant",
            "oidc/test_races.py::test_code_is_redeemed_by_one_worker",
        ),
        "after a minute": ("oidc/test_token.py::test_code_lives_for_sixty_seconds",),
        "another client": ("oidc/test_token.py::test_code_of_another_client_is_refused_and_stays_good",),
        "another redirect URI": (
            f'{_TOKEN}[({{"redirect_uri": "https://messenger.example/other"}}, "invalid_grant")]',
        ),
    },
    42: {
        "token": (f'{_PARAMETER}[{{"response_type": "token"}}]', f'{_ANSWERED}[{{"response_type": "token"}}]'),
        "hybrid": (f"{_PARAMETER}[code id_token]", f"{_ANSWERED}[code id_token]"),
    },
    43: {
        "suffix": (f"{_REDIRECT}[callback/]", f"{_REDIRECT}[callback?a=b]"),
        "traversal": (f"{_REDIRECT}[/../open?url=]",),
        "fragment": (f"{_REDIRECT}[callback#x]",),
        "user information": (f"{_REDIRECT}[user@]",),
        "look-alike": (f"{_REDIRECT}[messеnger]",),
        "port of localhost": (f"{_REDIRECT}[localhost:1234]",),
        "another host": (f"{_REDIRECT}[attacker.example]",),
        "never a redirect": (
            "oidc/test_by_value.py::test_redirect_uri_that_is_not_registered_ends_on_a_page",
            "oidc/test_basic_profile.py::test_unsound_redirect_uri_or_client_is_a_page",
        ),
        "open redirect": (
            "accounts/test_pages.py::test_a_login_leads_to_no_other_site",
            "oidc/test_logout.py::test_unregistered_uri_is_an_error_page",
        ),
    },
    44: {
        "iss": (
            "wallet/test_obtain.py::test_an_answer_of_another_server",
            "wallet/test_obtain.py::test_an_error_of_another_server",
        )
    },
    45: {
        "code of nobody here": (f'{_TOKEN}[({{"code": "x" * 48}}, "invalid_grant")]',),
        "no code goes there": ("wallet/test_obtain.py::test_an_answer_of_another_server",),
    },
    46: {
        "two headers": (f'{_HEADER}["two"]', "oidc/test_token.py::test_two_proofs_are_refused"),
        "no JWT": (f'{_HEADER}["no JWT"]',),
        "typ": (f'{_FORGED}["another typ"]', "protocol/test_dpop.py::test_proof_of_another_type_is_refused"),
        "algorithm": (
            f'{_FORGED}["alg none"]',
            f'{_FORGED}["symmetric alg"]',
            f'{_FORGED}["RS256"]',
            "protocol/test_dpop.py::test_algorithm_that_the_key_does_not_allow_is_refused",
            "protocol/test_dpop.py::test_rs256_is_refused_even_by_a_key_that_could",
        ),
        "private jwk": ("oidc/test_forged_proofs.py::test_proof_that_carries_a_private_key_is_refused",),
        "no jwk": (f'{_FORGED}["no jwk"]', "protocol/test_dpop.py::test_proof_without_a_public_key_is_refused"),
        "signature": (f'{_HEADER}["changed"]', "protocol/test_dpop.py::test_signature_by_another_key_is_refused"),
    },
    47: {
        "method": (
            f'{_FORGED}["htm of another method"]',
            "protocol/test_dpop.py::test_proof_for_another_method_is_refused",
        ),
        "URL": (
            f'{_FORGED}["htu of another host"]',
            f'{_FORGED}["htu with another scheme"]',
            "protocol/test_dpop.py::test_proof_for_another_url_is_refused",
        ),
        "headers of a proxy": ("oidc/test_forged_proofs.py::test_headers_of_a_proxy_do_not_move_the_url",),
    },
    48: {
        "an hour": (
            f'{_FORGED}["an hour ago"]',
            f'{_FORGED}["in an hour"]',
            "protocol/test_dpop.py::test_proof_of_another_time_is_refused",
        ),
        "again": ("oidc/test_forged_proofs.py::test_proof_is_good_once_wherever_it_was_shown",),
        "at another worker": (
            "oidc/test_races.py::test_proof_is_accepted_at_userinfo_by_one_worker",
            "oidc/test_races.py::test_proof_is_accepted_at_one_of_two_endpoints",
        ),
        "after a restart": ("oidc/test_forged_proofs.py::test_proof_stays_spent_when_the_node_is_started_again",),
    },
    49: {
        "none": (f'{_NONCE}[[..., ""]', "oidc/test_dpop_nonces.py::test_protected_endpoint_asks_for_a_nonce"),
        "old": (f'{_NONCE}["old"]',),
        "another server's": (f'{_NONCE}["another-nodes"]', "oidc/test_dpop_nonces.py::test_nonce_is_of_this_node"),
    },
    50: {
        "no ath": (f'{_OTHERS}[{{"ath": ...}}]',),
        "wrong ath": (f"{_OTHERS}[another]",),
        "another key": (f'{_OTHERS}[{{"key": OTHER}}]',),
        "scheme": (
            "oidc/test_forged_proofs.py::test_bound_token_needs_its_scheme",
            "oidc/test_federation_profile.py::test_proof_that_is_offered_binds",
        ),
        "elsewhere in the request": (
            "oidc/test_access.py::test_token_outside_the_header_is_not_looked_at",
            "oidc/test_userinfo.py::test_token_in_the_form_is_for_conventional_clients_only",
            "oidc/test_userinfo.py::test_token_in_the_query_is_not_looked_at",
        ),
        "two tokens": ("oidc/test_userinfo.py::test_two_tokens_are_none",),
    },
    51: {
        "at PAR": ("oidc/test_par.py::test_proof_of_another_key_than_dpop_jkt_is_refused",),
        "at the token endpoint": (
            "oidc/test_flow.py::test_key_named_at_par_binds_the_code",
            "oidc/test_federation_profile.py::test_key_named_in_the_request_binds_the_code[invalid_grant]",
        ),
    },
    52: {
        "another client or key": (
            "oidc/test_token.py::test_refresh_by_another_client_or_key_is_refused",
            "oidc/test_federation_profile.py::test_grant_once_bound_is_refreshed_with_its_key_only",
            "oidc/test_rotation.py::test_rotated_token_of_another_client_ends_nothing",
        ),
        "after rotation": (
            "oidc/test_rotation.py::test_rotated_token_ends_the_whole_family",
            "oidc/test_rotation.py::test_rotated_token_is_noticed_by_whoever_comes_late",
            "oidc/test_races.py::test_refresh_token_is_rotated_by_one_worker",
        ),
        "after revocation": ("oidc/test_revocation.py::test_refresh_token_takes_the_grant_with_it",),
    },
    53: {
        "fragment": (f"{_PARAMETER}[#x]",),
        "relative": (f"{_PARAMETER}[/relative]",),
        "unknown": (
            f"{_PARAMETER}[https://other.example]",
            "oidc/test_resources.py::test_unknown_resource_is_refused_at_par",
        ),
        "not consented": ("oidc/test_resources.py::test_resource_without_consent_is_refused",),
    },
    54: {
        "unknown type": ("oidc/test_par.py::test_details_that_nobody_understands_are_refused[payment]",),
        "extra member": ("oidc/test_par.py::test_details_with_more_than_the_type_has_are_refused",),
        "wider": (f'{_CROSSING}[{{"max_tokens": 3}}]', f'{_CROSSING}[{{"directions": ["exit", "entry"]}}]'),
        "another person": (
            f"{_CROSSING}[another-persons]",
            "oidc/test_authorize.py::test_document_of_somebody_else_in_the_request_is_refused",
            "oidc/test_authorize.py::test_document_of_somebody_else_in_the_form_is_refused",
        ),
        "another gate": (f"{_CROSSING}[elsewhere]",),
        "another time": (f'{_CROSSING}["valid_until"]', f'{_CROSSING}["valid_from"]'),
    },
    55: {
        "scope": ("oidc/test_token.py::test_scope_cannot_be_widened_at_refresh[invalid_scope]",),
        "level": ("oidc/test_rotation.py::test_level_and_scope_stay_what_they_were",),
    },
    60: {
        "too low": (
            "oidc/test_access.py::test_weak_or_old_authentication_asks_for_more[insufficient_user_authentication]",
            "border/test_issuance.py::test_one_factor_is_not_enough[insufficient_user_authentication]",
            "oidc/test_authorize.py::test_password_alone_does_not_reach_the_consent_page",
        )
    },
    66: {
        "stranger": ("oidc/test_introspection.py::test_stranger_learns_nothing",),
        "revoked": (
            "oidc/test_introspection.py::test_token_dies_with_what_it_hangs_on",
            "oidc/test_revocation.py::test_access_token_is_refused_from_now_on",
        ),
    },
    67: {
        "logout token": ("oidc/test_backchannel.py::test_logout_token_is_no_id_token_and_no_hint",),
        "another provider's hint": ("oidc/test_logout.py::test_hint_that_is_not_ours_is_an_error_page",),
        "unregistered URI": ("oidc/test_logout.py::test_unregistered_uri_is_an_error_page",),
    },
    68: {
        "id token": (
            "oidc/test_access.py::test_id_token_opens_nothing",
            "oidc/test_federation_profile.py::test_id_token_is_no_bearer_token",
            "oidc/test_userinfo.py::test_signed_answer_is_no_id_token",
        ),
        "audience": (
            "oidc/test_access.py::test_token_that_is_not_for_this_node_is_refused[mo.localhost]",
            "oidc/test_resources.py::test_token_for_another_resource_opens_nothing_here",
        ),
    },
    69: {
        "algorithm": (
            f'{_SEALED}["no agreement"]',
            f'{_SEALED}["RSA with PKCS 1.5"]',
            "protocol/test_encrypted_request.py::test_other_means_of_encryption_are_refused",
        ),
        "bomb": (
            f'{_SEALED}["compressed"]',
            "protocol/test_encrypted_request.py::test_other_means_of_encryption_are_refused[zip]",
        ),
        "iterations": (
            f'{_SEALED}["password"]',
            "protocol/test_encrypted_request.py::test_other_means_of_encryption_are_refused[p2c]",
        ),
        "unsigned inside": (
            "oidc/test_hostile_requests.py::test_encryption_is_no_signature",
            "protocol/test_encrypted_request.py::test_unsigned_request_inside_stays_unsigned",
        ),
        "of our answers": (
            "protocol/test_encrypted_response.py::test_nothing_weak_is_offered",
            "oidc/test_encryption_registered.py::test_what_could_not_be_given_is_refused_in_a_chain",
        ),
    },
    70: {
        "point off the curve": ("protocol/test_keys.py::test_point_off_the_curve_is_refused",),
        "weak RSA": ("protocol/test_keys.py::test_weak_rsa_is_refused",),
        "small order": ("protocol/test_keys.py::test_small_order_point_is_refused",),
        "private": ("protocol/test_keys.py::test_private_member_in_a_public_place_is_refused",),
        "all of a client's": (
            "oidc/test_hostile_requests.py::test_client_of_a_chain_with_a_weak_key_is_refused[private member]",
            "oidc/test_hostile_requests.py::test_client_that_registers_itself_with_a_weak_key_is_refused[small order]",
        ),
    },
    71: {
        "slash": (f"{_BESIDE}[https://rp.example/]", f"{_URI}[https://messenger.example/]"),
        "capitals": (f"{_BESIDE}[https://RP.example]",),
        "port": (f"{_BESIDE}[:443]",),
        "look-alike": (f"{_BESIDE}[rр.example]",),
        "at all": ("protocol/test_entity_ids.py::test_what_is_no_entity_identifier_is_refused",),
    },
    72: {
        "twice": (
            f'{_READERS}[exp": 1900000000]',
            "protocol/test_strict_json.py::test_text_with_two_readings_is_refused",
        ),
        "NaN": (f"{_READERS}[NaN]",),
        "big": (f"{_READERS}[9007199254740992]",),
        "text": (f'{_READERS}["exp": "1800000060"]',),
        "float": (f"{_READERS}[1800000060.0]",),
        "boolean": (f'{_READERS}["exp": true]',),
        "audience as object": (f'{_READERS}["aud": {{"a": 1}}]',),
    },
    73: {
        "fixation": (
            "accounts/test_endpoints.py::test_a_login_gives_the_session_a_new_key_and_forgets_the_old_contents",
        ),
        "forged consent": (
            "oidc/test_authorize.py::test_consent_without_the_csrf_token_is_forbidden[403]",
            "oidc/test_authorize.py::test_consent_form_without_the_session_gives_nothing",
        ),
        "frame": ("oidc/test_authorize.py::test_consent_page_cannot_be_framed_or_kept[frame-ancestors]",),
        "forged login": ("accounts/test_endpoints.py::test_the_endpoints_want_the_token_of_a_page_of_ours[403]",),
    },
    74: {
        "face": (
            "biometrics/test_attempts.py::test_five_failures_in_a_row_make_wait_the_traveller_and_the_document",
            "biometrics/test_views.py::test_too_many_failures_are_said",
        ),
        "password": (
            "accounts/test_pages.py::test_the_sixth_guess_at_a_password_is_not_even_looked_at",
            "accounts/test_officers.py::test_the_sixth_guess_at_an_officers_password_is_not_even_looked_at",
        ),
        "passkey": ("accounts/test_endpoints.py::test_a_passkey_guesser_is_throttled_and_others_are_not",),
        "code": ("accounts/test_officers.py::test_a_guess_at_the_code_makes_the_right_one_wait",),
        "who is known, at the login": (
            "accounts/test_pages.py::test_every_way_to_fail_a_login_looks_the_same",
            "accounts/test_pages.py::test_an_unknown_name_costs_one_hash_as_a_known_one_does",
            "accounts/test_pages.py::test_an_unknown_name_is_throttled_like_a_known_one",
        ),
        "who is known, at PAR": (
            "oidc/test_hostile_requests.py::test_hint_does_not_tell_who_has_an_account",
            "oidc/test_hostile_requests.py::test_expected_subject_does_not_tell_who_has_an_account",
        ),
    },
    75: {
        "published": ("oidc/test_rolled_keys.py::test_access_token_by_the_key_before_opens_what_it_opened",),
        "over": (
            "oidc/test_rolled_keys.py::test_access_token_by_a_key_whose_time_is_over_opens_nothing",
            "oidc/test_rolled_keys.py::test_id_token_by_an_old_key_is_a_hint_for_as_long_as_the_key_is_published",
        ),
        "killed": (
            "oidc/test_rolled_keys.py::test_tokens_by_a_key_that_was_killed_are_refused_at_once",
            "oidc/test_rolled_keys.py::test_killed_key_of_the_past_is_refused_at_once",
        ),
    },
}


def _cases() -> Iterator[tuple[int, str, str]]:
    for row, cases in ROWS.items():
        for words, tests in cases.items():
            for named in tests:
                yield row, words, named


@cache
def _texts(path: str) -> Mapping[str, str]:
    """What a file has at its outermost level, by name."""
    source = (TESTS / path).read_text("utf-8")
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        text = "\n".join(source.splitlines()[_first(node) - 1 : node.end_lineno])
        found.update(dict.fromkeys(_names(node), text))
    return found


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _whole(path: str, name: str) -> str:
    """A test's text with its parameters, and what these are made of."""
    texts, wanted, seen = _texts(path), [name], set()
    while wanted:
        name = wanted.pop()
        if name in texts and name not in seen:
            seen.add(name)
            wanted += re.findall(r"\w+", texts[name])
    return "\n".join(texts[name] for name in seen)


def test_every_row_has_its_tests() -> None:
    """A row that was forgotten, or a case of one without any test."""
    assert list(ROWS) == WANTED
    assert [(row, words) for row, cases in ROWS.items() for words, tests in cases.items() if not tests] == []


def test_what_is_named_is_there() -> None:
    """A test that was renamed or deleted, or that has lost the one case that it is named for."""
    assert [(row, words, named) for row, words, named in _cases() if not _is_there(named)] == []


def _is_there(named: str) -> bool:
    match = _NAMED.match(named)
    if match is None or match["name"] not in _texts(match["path"]):
        return False
    return (match["text"] or "") in _whole(match["path"], match["name"])


def test_words_of_each_row_are_short() -> None:
    """The rows stand elsewhere; here is only which case is meant."""
    assert [words for _, words, _ in _cases() if len(words.split()) > 6] == []
