"""Keys and certificates: made, read, and their fingerprints. All of it takes time: off the loop."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from kilonova.model.keypair import InvalidKeypair

# What Nova makes: strong enough, and every client and guest understands it.
_BITS = 2048
_COMMENT = "Generated-by-Nova"
_LIFETIME = timedelta(days=3650)
# Windows maps a certificate to an account by its "user principal name".
_USER_PRINCIPAL_NAME = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


class Made(msgspec.Struct, frozen=True):
    private_key: str
    public_key: str
    fingerprint: str


def make_ssh() -> Made:
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    shown = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    public = f"{shown.decode()} {_COMMENT}"
    return Made(_pem(private, serialization.PrivateFormat.TraditionalOpenSSL), public, ssh_fingerprint(public))


def make_x509(user_id: str) -> Made:
    """A certificate that signs itself, for client authentication (WinRM)."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    principal = f"{user_id}@localhost".encode()
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.OtherName(_USER_PRINCIPAL_NAME, _utf8_string(principal))]),
            critical=False,
        )
        .sign(private, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return Made(_pem(private, serialization.PrivateFormat.PKCS8), public, x509_fingerprint(public))


def ssh_fingerprint(public_key: str) -> str:
    """MD5 of the key itself. Errors: InvalidKeypair."""
    try:
        serialization.load_ssh_public_key(public_key.encode())
        key = base64.b64decode(public_key.split()[1])
    except Exception as error:
        raise InvalidKeypair("failed to generate fingerprint") from error
    return _colons(hashlib.md5(key, usedforsecurity=False).hexdigest())


def x509_fingerprint(certificate: str) -> str:
    """SHA-1 of the certificate. Errors: InvalidKeypair."""
    try:
        loaded = x509.load_pem_x509_certificate(certificate.encode())
    except Exception as error:
        raise InvalidKeypair("failed to generate X509 fingerprint") from error
    digest = loaded.fingerprint(hashes.SHA1())
    return _colons(binascii.hexlify(digest).decode())


def _pem(key: rsa.RSAPrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _colons(digits: str) -> str:
    return ":".join(digits[index : index + 2] for index in range(0, len(digits), 2))


def _utf8_string(text: bytes) -> bytes:
    """DER: tag 12, length, bytes."""
    length = bytes([len(text)]) if len(text) < 128 else bytes([0x81, len(text)])
    return b"\x0c" + length + text[:255]
