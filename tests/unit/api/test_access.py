"""Whoever brings a key is let in, in either header; all others are told the same."""

from __future__ import annotations

import hmac
from unittest.mock import Mock

import pytest
from pydantic import SecretStr

from src.api.access import Access, Doorkeeper, HostPolicy
from src.core.errors import HostNotAllowed, Unauthorized

FIRST, SECOND = "first-key-of-the-house", "c2Vjb25kLWtleQ+/~._-=="


@pytest.fixture
def doorkeeper() -> Doorkeeper:
    return Doorkeeper([SecretStr(FIRST), SecretStr(SECOND)])


def admits(doorkeeper: Doorkeeper, **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        doorkeeper.check(named.get)
    except Unauthorized:
        return False
    return True


@pytest.mark.parametrize("key", [FIRST, SECOND])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_opens_in_either_header(doorkeeper: Doorkeeper, key: str, scheme: str) -> None:
    assert admits(doorkeeper, x_api_key=key)
    assert admits(doorkeeper, authorization=f"{scheme} {key}")
    assert admits(doorkeeper, authorization=f"{scheme}  {key} ")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_api_key": ""},
        {"x_api_key": FIRST[:-1]},
        {"x_api_key": FIRST + "x"},
        {"x_api_key": FIRST.upper()},
        {"x_api_key": f"{FIRST},{SECOND}"},
        {"x_api_key": f"Bearer {FIRST}"},
        {"x_api_key": "ä" * 20},
        {"authorization": FIRST},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {FIRST}"},
        {"authorization": f"Bearer{FIRST}"},
        {"cookie": FIRST},
    ],
)
def test_anything_else_does_not(doorkeeper: Doorkeeper, headers: dict[str, str]) -> None:
    assert not admits(doorkeeper, **headers)


def test_a_key_that_has_a_name_is_known_by_it() -> None:
    doorkeeper = Doorkeeper([SecretStr(f"clinic-1:{FIRST}"), SecretStr(SECOND)])
    assert doorkeeper.check({"x-api-key": FIRST}.get) == "clinic-1"
    assert doorkeeper.check({"x-api-key": SECOND}.get) == ""
    assert not admits(doorkeeper, x_api_key=f"clinic-1:{FIRST}")
    assert not admits(doorkeeper, x_api_key="clinic-1")


def test_one_good_key_is_enough(doorkeeper: Doorkeeper) -> None:
    assert admits(doorkeeper, x_api_key="of another service", authorization=f"Bearer {FIRST}")
    assert admits(doorkeeper, x_api_key=FIRST, authorization="Basic of-another-service")


def test_without_keys_everybody_is_let_in() -> None:
    assert admits(Doorkeeper([]))
    assert admits(Doorkeeper([]), x_api_key="anything")


def test_every_key_is_compared_whichever_fits(doorkeeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = Mock(wraps=hmac.compare_digest)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    for key in (FIRST, SECOND, "wrong"):
        compare.reset_mock()
        admits(doorkeeper, x_api_key=key)
        assert [[len(text) for text in call.args] for call in compare.call_args_list] == [[32, 32]] * 2


def test_the_doorkeeper_cannot_be_made_to_tell_the_keys(doorkeeper: Doorkeeper) -> None:
    assert FIRST not in repr(vars(doorkeeper))


def test_a_path_is_open_if_the_settings_say_so() -> None:
    assert Access.open_if(public=True) is Access.OPEN
    assert Access.open_if(public=False) is Access.GUARDED


HOSTS = HostPolicy(("eyenet.example.org", "*.clinic.example", "backend"))


def answers_to(policy: HostPolicy, host: str | None) -> bool:
    try:
        policy.check(host)
    except HostNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    ["eyenet.example.org", "EyeNet.Example.ORG", "eyenet.example.org:8000", "eyenet.example.org.", "backend:8000",
     "a.clinic.example", "a.b.clinic.example:443", "eyenet.example.org.:80"],
)  # fmt: skip
def test_an_allowed_name_is_answered_to_whatever_its_case_and_port(host: str) -> None:
    assert answers_to(HOSTS, host)


@pytest.mark.parametrize("host", [None, "", "127.0.0.1", "10.1.2.3:8000", "[::1]", "[::1]:8000", "[2001:db8::1]:80"])
def test_probes_that_ask_for_an_address_or_for_nothing_are_answered(host: str | None) -> None:
    assert answers_to(HOSTS, host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost", "eyenet.example.org.evil.example", "xeyenet.example.org", "example.org",
     "clinic.example", "xclinic.example", "*.clinic.example.evil", "127.0.0.1.nip.io", "127.0.0.1.evil.example:80",
     "eyenet.example.org@evil.example", "[evil.example]", "[127.0.0.1]", "::1", "127.0.0.1x", "300.1.1.1", "127.1",
     "[::1].evil.example", "[::1", " ", "eyenet.example.org, evil.example", "."],
)  # fmt: skip
def test_any_other_name_is_not_answered_to(host: str) -> None:
    assert not answers_to(HOSTS, host)


def test_without_names_every_name_is_answered_to() -> None:
    assert answers_to(HostPolicy(()), "evil.example")
