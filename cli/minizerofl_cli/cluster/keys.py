"""Certificates and keys of a federation: `minizerofl keys new`.

===================  ==========  ======================================================================
file                 belongs to  what it is for
===================  ==========  ======================================================================
ca.crt               everybody   the certificate authority: who has it recognises the server
ca.key               nobody      signs certificates; keep it offline, or delete it
server.crt, .key     the server  proves that it is the server
nodes/NAME/node.pub  the server  the node may take part
nodes/NAME/          the node    the folder to copy there: its own node.key, and ca.crt
===================  ==========  ======================================================================
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.cluster.flower import flower_version

DAYS = 730  # for which certificates are valid
ALWAYS = ("localhost", "127.0.0.1", "::1")  # names of the server on its own machine
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def new_keys(folder: Path, hosts: Sequence[str], nodes: Sequence[str]) -> list[str]:
    """Make the certificates of a server, and a key for each node; in a folder that has the former, only keys.

    Parameters
    ----------
    folder : Path
        Where they go.
    hosts : sequence of str
        The names and addresses by which nodes reach the server.
    nodes : sequence of str
        The names of the nodes.

    Returns
    -------
    list of str
        What was made, a line each.

    Raises
    ------
    ConfigError
        Something of it is there already, or a name cannot be one.
    """
    flower_version("keys new")  # its dependency `cryptography` makes them
    for node in nodes:
        if not NAME.fullmatch(node):
            raise ConfigError(f"node {node!r} cannot be the name of a folder; use letters, digits, '.', '_' and '-'")
        if (folder / "nodes" / node).exists():
            raise ConfigError(f"{folder / 'nodes' / node} is there already; choose another name, or delete it")
    said = []
    if not (folder / "ca.crt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _certificates(folder, [*ALWAYS, *hosts])
        said.append(f"{folder}: certificates of the server, for {', '.join([*ALWAYS, *hosts])}, valid {DAYS} days")
    elif hosts:
        raise ConfigError(f"{folder} has certificates already; without --host, keys are added to it")
    for node in nodes:
        _node_key(folder, node)
        said.append(f"{folder / 'nodes' / node}: copy this folder to {node}, as its --tls-dir")
    return said


def _certificates(folder: Path, names: Sequence[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def begin(subject: str, key: Any, ca: bool) -> Any:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            False,
        )  # fmt: skip
        usage |= {"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True}
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("minizerofl CA"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))  # for clocks that are a little slow
            .not_valid_after(now + timedelta(days=DAYS))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )

    authority, server = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    root = begin("minizerofl CA", authority, ca=True).sign(authority, hashes.SHA384())
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    leaf = (
        begin(names[-1], server, ca=False)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority, hashes.SHA384())
    )
    for name, key in (("ca", authority), ("server", server)):
        _write(folder / f"{name}.key", _private(key, "PKCS8"), secret=True)
    for name, certificate in (("ca", root), ("server", leaf)):
        _write(folder / f"{name}.crt", certificate.public_bytes(_encoding("PEM")))


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _node_key(folder: Path, node: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    place = folder / "nodes" / node
    place.mkdir(parents=True)
    key = ec.generate_private_key(ec.SECP384R1())
    _write(place / "node.key", _private(key, "OpenSSH"), secret=True)
    public = key.public_key().public_bytes(_encoding("OpenSSH"), serialization.PublicFormat.OpenSSH)
    _write(place / "node.pub", public + b"\n")
    _write(place / "ca.crt", (folder / "ca.crt").read_bytes())


def _encoding(name: str) -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return getattr(Encoding, name)


def _private(key: Any, form: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    text: bytes = key.private_bytes(_encoding("PEM"), getattr(PrivateFormat, form), NoEncryption())
    return text


def _write(path: Path, content: bytes, secret: bool = False) -> None:
    """Write a new file; a secret one only its owner may read."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if secret else 0o644), "wb") as file:
        file.write(content)
