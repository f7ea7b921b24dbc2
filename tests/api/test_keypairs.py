"""Key pairs: made and imported, seen at each version, each user's own."""

import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kilonova.db.statement import insert_into
from kilonova.db.tables.hosts import quotas
from tests.api.cloud import PROJECT, Cloud

PUBLIC = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBqu2FuyqfQ2ZqhEjrO3Jy9C6WuBq2AkG6hVnQ2J0zvR me@here"
)  # fmt: skip


async def add(cloud: Cloud, name: str, **more: object) -> None:
    answer = await cloud.post("/os-keypairs", {"keypair": {"name": name, "public_key": PUBLIC}}, **more)
    assert answer.status_code in (200, 201), answer.text


async def test_a_key_is_made_once_and_only_its_public_half_is_kept(cloud: Cloud) -> None:
    made = await cloud.post("/os-keypairs", {"keypair": {"name": "mine"}})
    assert made.status_code == 200
    pair = made.json()["keypair"]
    assert pair.keys() == {"name", "public_key", "private_key", "fingerprint", "user_id"}
    private = serialization.load_pem_private_key(pair["private_key"].encode(), None)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert pair["public_key"].startswith(public.decode())
    assert re.fullmatch("([0-9a-f]{2}:){15}[0-9a-f]{2}", pair["fingerprint"])
    shown = (await cloud.get("/os-keypairs/mine")).json()["keypair"]
    assert shown.keys() == pair.keys() - {"private_key"} | {"id", "created_at", "updated_at", "deleted", "deleted_at"}


async def test_a_certificate_is_made_for_its_user(cloud: Cloud) -> None:
    made = await cloud.post("/os-keypairs", {"keypair": {"name": "win", "type": "x509"}}, version="2.2")
    assert made.status_code == 201
    pair = made.json()["keypair"]
    certificate = x509.load_pem_x509_certificate(pair["public_key"].encode())
    assert certificate.subject.rfc4514_string() == "CN=user-member"
    assert re.fullmatch("([0-9a-f]{2}:){19}[0-9a-f]{2}", pair["fingerprint"])


async def test_an_imported_key_has_the_md5_of_the_key_as_fingerprint(cloud: Cloud) -> None:
    rsa = (
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO"
        "8nDPHw0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw== any"
    )
    answer = await cloud.post("/os-keypairs", {"keypair": {"name": "a", "public_key": rsa}}, version="2.92")
    assert answer.status_code == 201, answer.text
    pair = answer.json()["keypair"]
    assert pair["fingerprint"] == "1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c"
    assert "private_key" not in pair


@pytest.mark.parametrize(
    ("body", "version", "words"),
    [
        ({"name": "a", "public_key": "ssh-rsa nonsense"}, "2.1", "failed to generate fingerprint"),
        ({"name": "a", "public_key": "x", "type": "x509"}, "2.2", "failed to generate X509 fingerprint"),
        ({"name": "a", "type": "ssh"}, "2.1", "Additional properties are not allowed"),
        ({"name": "a", "user_id": "x"}, "2.9", "Additional properties are not allowed"),
        ({"name": "a"}, "2.92", "'public_key' is a required property"),
        ({"name": "a@b", "public_key": PUBLIC}, "2.91", "Only expected characters"),
        ({"name": "a/b", "public_key": PUBLIC}, "2.92", "Only expected characters"),
        ({"name": ""}, "2.1", "Invalid input for field/attribute name"),
    ],
)
async def test_what_will_not_do_is_a_400(cloud: Cloud, body: dict[str, str], version: str, words: str) -> None:
    answer = await cloud.post("/os-keypairs", {"keypair": body}, version=version)
    assert answer.status_code == 400
    assert words in answer.json()["badRequest"]["message"]


async def test_names_are_taken_once_and_the_quota_is_the_user_s(cloud: Cloud) -> None:
    await add(cloud, "a")
    again = await cloud.post("/os-keypairs", {"keypair": {"name": "a", "public_key": PUBLIC}})
    assert again.status_code == 409
    assert again.json()["conflictingRequest"]["message"] == "Key pair 'a' already exists."
    async with cloud.db.begin() as tx:
        await tx.execute(insert_into(quotas), project_id=PROJECT, user_id="", resource="key_pairs", hard_limit=1)
    answer = await cloud.post("/os-keypairs", {"keypair": {"name": "b", "public_key": PUBLIC}})
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"] == "Quota exceeded, too many key pairs."
    await add(cloud, "b", role="admin")


async def test_delete_answers_by_version_and_404_the_second_time(cloud: Cloud) -> None:
    await add(cloud, "a")
    await add(cloud, "b")
    assert (await cloud.delete("/os-keypairs/a")).status_code == 202
    assert (await cloud.delete("/os-keypairs/b", version="2.2")).status_code == 204
    again = await cloud.delete("/os-keypairs/b", version="2.2")
    assert again.json()["itemNotFound"]["message"] == "Keypair b not found for user user-member"


async def test_others_keys_are_for_admins(cloud: Cloud) -> None:
    await add(cloud, "a")
    path = "/os-keypairs?user_id=user-member"
    assert [one["keypair"]["name"] for one in (await cloud.get(path, role="admin", version="2.10")).json()["keypairs"]]
    assert (await cloud.get(path, role="admin", version="2.9")).json() == {"keypairs": []}
    assert (await cloud.get("/os-keypairs?user_id=somebody", version="2.10")).status_code == 403
    assert (await cloud.get("/os-keypairs?colour=red", version="2.75")).status_code == 400


async def test_pages_go_by_name(cloud: Cloud) -> None:
    for name in ("c", "a", "b"):
        await add(cloud, name)
    first = (await cloud.get("/os-keypairs?limit=2", version="2.35")).json()
    assert [one["keypair"]["name"] for one in first["keypairs"]] == ["a", "b"]
    assert first["keypairs_links"][0]["href"].endswith("/os-keypairs?limit=2&marker=b")
    second = (await cloud.get("/os-keypairs?limit=2&marker=b", version="2.35")).json()
    assert [one["keypair"]["name"] for one in second["keypairs"]] == ["c"]
    assert "keypairs_links" not in second
    assert (await cloud.get("/os-keypairs?marker=zz", version="2.35")).status_code == 400
