#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sops' file format, written a second time from its documentation (https://getsops.io/docs), for the tests alone: sops
itself is in no Debian. The data key is wrapped by Debian's age.

sops.py encrypt age1... < plain.json > closed.json       sops.py decrypt KEYFILE < closed.json > plain.json
"""
import base64, hashlib, json, os, re, subprocess, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def raw(value):
    if isinstance(value, bool):
        return "bool", str(value)
    if isinstance(value, int):
        return "int", str(value)
    if isinstance(value, float):
        return "float", format(value, "f").rstrip("0").rstrip(".")
    return "str", value


def seal(plain, kind, key, beside):
    iv = os.urandom(32)
    both = AESGCM(key).encrypt(iv, plain.encode(), beside.encode())
    b64 = lambda b: base64.b64encode(b).decode()
    return f"ENC[AES256_GCM,data:{b64(both[:-16])},iv:{b64(iv)},tag:{b64(both[-16:])},type:{kind}]"


def unseal(text, key, beside):
    data, iv, tag, kind = re.fullmatch(r"ENC\[AES256_GCM,data:(.*),iv:(.+),tag:(.+),type:(.+)\]", text).groups()
    part = base64.b64decode
    plain = AESGCM(key).decrypt(part(iv), part(data) + part(tag), beside.encode()).decode()
    return {"str": str, "int": int, "float": float, "bool": lambda s: s == "True"}[kind](plain)


def walk(tree, path, leaf):
    if isinstance(tree, dict):
        return {k: walk(v, path + [k], leaf) for k, v in tree.items()}
    if isinstance(tree, list):
        return [walk(v, path, leaf) for v in tree]
    return tree if tree is None else leaf(tree, path)


def closes(path, said):
    if said.get("encrypted_regex"):
        return any(re.search(said["encrypted_regex"], p) for p in path)
    return not any(p.endswith(said.get("unencrypted_suffix", "_unencrypted")) for p in path)


def encrypt(tree, recipient, said):
    key, digest = os.urandom(32), hashlib.sha512()

    def leaf(value, path):
        kind, plain = raw(value)
        digest.update(plain.encode())
        if not closes(path, said):
            return value
        return seal(plain, kind, key, ":".join(path) + ":") if plain else ""

    closed = walk(tree, [], leaf)
    enc = subprocess.run(["age", "-a", "-r", recipient], input=key, capture_output=True, check=True).stdout.decode()
    said["lastmodified"] = "2026-01-02T03:04:05Z"
    said["mac"] = seal(digest.hexdigest().upper(), "str", key, said["lastmodified"])
    said["age"] = [{"recipient": recipient, "enc": enc}]
    said["version"] = "3.8.1"
    return closed | {"sops": said}


def decrypt(closed, key_file):
    said = closed.pop("sops")
    age = ["age", "-d", "-i", key_file]
    key = None
    for one in said["age"]:
        done = subprocess.run(age, input=one["enc"].encode(), capture_output=True)
        key = key or (done.stdout if done.returncode == 0 else None)
    digest = hashlib.sha512()

    def leaf(value, path):
        if closes(path, said) and value != "":
            value = unseal(value, key, ":".join(path) + ":")
        digest.update(raw(value)[1].encode())
        return value

    tree = walk(closed, [], leaf)
    if unseal(said["mac"], key, said["lastmodified"]) != digest.hexdigest().upper():
        sys.exit("the mac is not that of the values")
    return tree


if __name__ == "__main__":
    text = sys.stdin.read()
    if sys.argv[1] == "encrypt":
        rules = {"encrypted_regex": sys.argv[3]} if len(sys.argv) > 3 else {"unencrypted_suffix": "_unencrypted"}
        print(json.dumps(encrypt(json.loads(text), sys.argv[2], rules), indent=1))
    else:
        if not text.lstrip().startswith("{"):
            import yaml
            text = json.dumps(yaml.safe_load(text) | {})
        print(json.dumps(decrypt(json.loads(text), sys.argv[2])))
