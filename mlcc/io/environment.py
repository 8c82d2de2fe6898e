"""What other people's programs get of the environment.  Law: stdlib only; named variables, never all but some."""

from __future__ import annotations

from collections.abc import Mapping

# Where this machine has what; nothing of its user's.
MACHINE = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
# Where pip finds its registry, and a compiler what it needs.
PACKAGES = (
    "SSL_CERT_DIR", "CURL_CA_BUNDLE", "NETRC", "XDG_CACHE_HOME", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS",
    "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CUDA_HOME", "MAKEFLAGS",
)  # fmt: skip
# Where a model's own classes and libraries lie.
LOADER = ("PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
PACKAGES_BEGINNINGS = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


def of_machine(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program of the project gets."""
    return {name: value for name, value in environ.items() if name in MACHINE}


def of_packages(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip gets: a requirement may be a folder of the project, whose build runs."""
    wanted = {n: v for n, v in environ.items() if n in PACKAGES or n.upper().startswith(PACKAGES_BEGINNINGS)}
    return {**of_machine(environ), **wanted}


def of_loader(environ: Mapping[str, str]) -> dict[str, str]:
    """What a process gets that loads a model file."""
    return {**of_machine(environ), **{name: value for name, value in environ.items() if name in LOADER}}
