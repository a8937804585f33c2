"""EIP-712 signatures as Aster's v3 API wants them: who signed the words of a request. Pure.

The words are the parameters as they were sent, up to `&signature=`. They are the `msg` of a typed message

    domain   {name: AsterSignTransaction, version: 1, chainId, verifyingContract: 0x0}
    Message  {msg: string}

and its digest, keccak256(0x19 0x01, domain's hash, message's hash), is signed with secp256k1. This is written from the
standard and not with the client's code, so that both being wrong in the same way is not taken for right.
"""

from functools import lru_cache

import coincurve
from ccxt.static_dependencies import keccak

MAINNET_CHAIN_ID = 1666

_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_MESSAGE = b"Message(string msg)"
_NAME, _VERSION = b"AsterSignTransaction", b"1"
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class BadSignature(ValueError):
    """The signature is none, or not one of these words."""


def keccak256(data: bytes) -> bytes:
    """Ethereum's hash."""
    return bytes(keccak.SHA3(data))


@lru_cache(maxsize=8)
def _domain_hash(chain_id: int) -> bytes:
    return keccak256(
        keccak256(_DOMAIN) + keccak256(_NAME) + keccak256(_VERSION) + chain_id.to_bytes(32, "big") + bytes(32)
    )


def digest_of(words: str, chain_id: int = MAINNET_CHAIN_ID) -> bytes:
    """The 32 bytes that are signed."""
    message = keccak256(keccak256(_MESSAGE) + keccak256(words.encode()))
    return keccak256(b"\x19\x01" + _domain_hash(chain_id) + message)


def signer_of(words: str, signature: str, chain_id: int = MAINNET_CHAIN_ID) -> str:
    """The address (0x, lower case) that signed the words; raises `BadSignature`."""
    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        raise BadSignature("the signature is not in hex") from None
    if len(raw) != 65 or raw[64] not in (27, 28):
        raise BadSignature("the signature is not r, s and v")
    if int.from_bytes(raw[32:64], "big") > _HALF_ORDER:
        raise BadSignature("the signature's s is in the upper half")
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            raw[:64] + bytes([raw[64] - 27]), digest_of(words, chain_id), hasher=None
        )
    except Exception as error:  # coincurve raises bare exceptions for what is no point
        raise BadSignature("the signature is of nobody") from error
    return address_of(key)


def address_of(key: coincurve.PublicKey) -> str:
    """The address (0x, lower case) of a public key."""
    return f"0x{keccak256(key.format(compressed=False)[1:])[-20:].hex()}"


def new_wallet() -> tuple[str, str]:
    """A private key (0x...) made of this machine's randomness, and its address."""
    private = coincurve.PrivateKey()
    return f"0x{private.secret.hex()}", address_of(private.public_key)
