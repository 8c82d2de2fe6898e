"""What is a secret, by name and by value: a labelled list, in both directions."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import time
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape as xml_escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.registries.redaction import (
    REDACTED,
    forms,
    is_secret_name,
    is_secret_value,
    redact,
    redact_given,
    redact_known,
    redact_text,
    redact_value,
    redact_values,
    words,
)
from mlcc.registries.redaction_lines import Lines, redact_lines

SECRET_NAMES = [
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_TOKEN",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "API_KEY",
    "APIKEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "VLLM_API_KEY",
    "NGC_API_KEY",
    "NVIDIA_API_KEY",
    "WANDB_API_KEY",
    "COHERE_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "GOOGLE_API_KEY",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "NPM_TOKEN",
    "PYPI_TOKEN",
    "TWINE_PASSWORD",
    "PIP_PASSWORD",
    "PGPASSWORD",
    "POSTGRES_PASSWORD",
    "MYSQL_PWD",
    "DB_PASSWORD",
    "DB_PASS",
    "REDIS_PASSWORD",
    "RABBITMQ_PASSWORD",
    "DATABASE_PASSWORD",
    "dbPassword",
    "apiKey",
    "accessToken",
    "clientSecret",
    "CLIENT_SECRET",
    "OAUTH_CLIENT_SECRET",
    "JWT_SECRET",
    "JWT_SECRET_KEY",
    "SECRET_KEY",
    "DJANGO_SECRET_KEY",
    "FLASK_SECRET_KEY",
    "SESSION_SECRET",
    "COOKIE_SECRET",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "PRIVATE_KEY",
    "SSH_PRIVATE_KEY",
    "TLS_PRIVATE_KEY",
    "SSH_KEY",
    "DEPLOY_KEY",
    "MASTER_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_API_KEY",
    "SLACK_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_WEBHOOK",
    "SLACK_WEBHOOK_URL",
    "DISCORD_WEBHOOK",
    "TELEGRAM_BOT_TOKEN",
    "SENTRY_AUTH_TOKEN",
    "DATADOG_API_KEY",
    "DD_API_KEY",
    "NEW_RELIC_LICENSE_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_CLIENT_SECRET",
    "GCP_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "DOCKER_PASSWORD",
    "DOCKER_AUTH_CONFIG",
    "REGISTRY_PASSWORD",
    "BASIC_AUTH",
    "HTTP_AUTH",
    "KUBE_TOKEN",
    "VAULT_TOKEN",
    "CONSUL_HTTP_TOKEN",
    "PINECONE_API_KEY",
    "QDRANT_API_KEY",
    "SNOWFLAKE_PASSWORD",
    "DATABRICKS_TOKEN",
    "COMET_API_KEY",
    "NEPTUNE_API_TOKEN",
    "REFRESH_TOKEN",
    "ID_TOKEN",
    "BEARER_TOKEN",
    "AUTH_TOKEN",
    "ACCESS_TOKEN",
    "PERSONAL_ACCESS_TOKEN",
    "USER_PASSPHRASE",
    "GPG_PASSPHRASE",
    "my-api-key",
]
# Plurals, versions, regions, scopes, kinds of files, issuers behind, and words without a mark between them.
MORE_SECRET_NAMES = """
    SAVED_ENCRYPTIONKEY SLACK_WEBHOOK_URL PASSWORD_HASH SECRET_KEY_BASE
    OPENAI_API_KEYS AUTH_TOKENS API_TOKENS ACCESS_TOKENS REFRESH_TOKENS BEARER_TOKENS HF_TOKENS apiKeys AWS_ACCESS_KEYS
    PRIVATE_KEYS SIGNING_KEYS SSH_KEYS PASSWORDS DB_PASSWORDS PASSPHRASES APIKEYS WEBHOOKS AUTH_TOKENS_V2
    API_KEY_V2 TOKEN_V2 API_KEY_V2_PROD SECRET_KEY_V1 DB_PASSWORD_V3
    HF_TOKEN_READ HF_TOKEN_WRITE GITHUB_TOKEN_READONLY API_TOKEN_ADMIN
    API_TOKEN_GITHUB TOKEN_GITHUB API_KEY_OPENAI KEY_OPENAI API_TOKEN_GITHUB_READ API_KEYS_OPENAI
    API_KEY_US API_KEY_EU API_KEY_US_EAST_1 TOKEN_EU_WEST1 API_KEY_GLOBAL_V2
    PRIVATE_KEY_PEM TLS_KEY_PEM SIGNING_KEY_DER GCP_SA_KEY_JSON DOCKER_AUTH_JSON
    DBPASS SMTPPASS SSHPASS MYSQL_ROOTPASS DB_USERPASS DBPASS2 DBPWD KEYPASS STOREPASS
    COOKIE SESSION_COOKIE ERLANG_COOKIE COOKIES BEARER AUTH_BEARER AUTHORIZATION HTTP_AUTHORIZATION AUTHORIZATION_HEADER
    GRAPH_API_KEY GROUP_API_KEY CACHE_ACCESS_KEY VIDEO_API_TOKEN PRIMARY_ACCESS_KEY CACHE_API_KEYS
    TS_AUTHKEY MINIO_ACCESSKEY MINIO_SECRETKEY MAXMIND_LICENSE_KEY DB_CRED
    TF_TOKEN_app_terraform_io VNC_PW PKCS11_PIN HSM_SO_PIN KAFKA_REST_BASIC_AUTH_USER_INFO SIGNER_API_KEY_CONTENT
    WALLET_SEED_PHRASE TOTP_SEED WALLET_MNEMONIC GOOGLE_SERVICE_ACCOUNT_JSON DOCKERCONFIGJSON VAULT_SECRET_ID WEBHOOK_URI
    VAULT_DEV_ROOT_TOKEN_ID CLOUDFLARE_API_TOKEN_DNS WANDB_API_KEY_TEAM VPN_PSK
    MTLS_CLIENT_KEY_PEM NPM_AUTH REDISCLI_AUTH
    CONFIG_ENCRYPTION_KEY EVENT_HUB_KEY CONTROL_PLANE_TOKEN SERVICE_ROLE_KEY QUERY_API_KEY
"""
SECRET_NAMES += MORE_SECRET_NAMES.split()

PLAIN_NAMES = [
    "VLLM_MAX_NUM_BATCHED_TOKENS",
    "MAX_TOKENS",
    "MAX_NEW_TOKENS",
    "MAX_INPUT_TOKENS",
    "MAX_TOTAL_TOKENS",
    "MAX_BATCH_PREFILL_TOKENS",
    "NUM_TOKENS",
    "TOKENIZER",
    "TOKENIZER_MODE",
    "TOKENIZERS_PARALLELISM",
    "TOKENIZER_PATH",
    "EOS_TOKEN",
    "BOS_TOKEN",
    "PAD_TOKEN",
    "UNK_TOKEN",
    "SEP_TOKEN",
    "CLS_TOKEN",
    "MASK_TOKEN",
    "IMAGE_TOKEN",
    "STOP_TOKEN",
    "EOS_TOKEN_ID",
    "PAD_TOKEN_ID",
    "TOKEN_LIMIT",
    "TOKENS_PER_SECOND",
    "MODEL_NAME",
    "MODEL_ID",
    "MODEL_PATH",
    "MODEL_DIR",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "HF_MODEL_ID",
    "SM_NUM_GPUS",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "LOG_LEVEL",
    "PORT",
    "HOST",
    "WORKERS",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "ROLE_ARN",
    "INSTANCE_TYPE",
    "KMS_KEY_ID",
    "VOLUME_KMS_KEY_ID",
    "OUTPUT_KMS_KEY_ID",
    "KEYS",
    "KEYBOARD",
    "MONKEY",
    "PRIMARY_KEY",
    "FOREIGN_KEY",
    "PARTITION_KEY",
    "SORT_KEY",
    "CACHE_KEY",
    "HASH_KEY",
    "DICT_KEY",
    "PUBLIC_KEY",
    "SSH_PUBLIC_KEY",
    "SECRET_NAME",
    "SECRET_ARN",
    "SECRETS_DIR",
    "SECRET_COUNT",
    "PASSWORD_FILE",
    "PASSWORD_LENGTH",
    "PASSWORD_POLICY",
    "CREDENTIALS_FILE",
    "CREDENTIALS_PATH",
    "DISABLE_AUTH",
    "ENABLE_AUTH",
    "REQUIRE_AUTH",
    "USE_AUTH",
    "ALLOW_AUTH",
    "AUTHOR",
    "AUTHORITY",
    "COMPASS",
    "BYPASS",
    "PASSENGERS",
    "PASS_THROUGH_MODE",
    "ENCRYPTION_ENABLED",
    "KV_CACHE_DTYPE",
    "ENABLE_PREFIX_CACHING",
    "TENSOR_PARALLEL_SIZE",
    "GPU_MEMORY_UTILIZATION",
    "TRUST_REMOTE_CODE",
    "SEED",
    "DTYPE",
    "QUANTIZATION",
    "TEMPERATURE",
    "TOP_P",
    "TOP_K",
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TZ",
    "PYTHONPATH",
    "NCCL_DEBUG",
    "TRANSFORMERS_CACHE",
    "HTTP_PROXY",
    "NO_PROXY",
    "TRITON_MODEL",
    "STARTUP_TIMEOUT",
    "WEB_CONCURRENCY",
    "TAGS",
    "TTL",
    "NAMESPACE",
    "REPLICAS",
    "ENDPOINT_NAME",
    "PWD",
    "OLDPWD",
]
MORE_PLAIN_NAMES = """
    SORT_KEYS PRIMARY_KEYS PUBLIC_KEYS CACHE_KEYS NUM_KEYS OUTPUT_KEYS STATE_DICT_KEYS KV_CACHE_KEY GRAPH_KEY ROUTING_KEY
    IDEMPOTENCY_KEY PUBLIC_KEY_PEM SSH_PUBLIC_KEY_PEM CACHE_KEY_V2 SORT_KEY_US PUBLISHABLE_KEY PRIMARY_KEY_V2
    TOKENS TOKENS_READ TOKENS_PER_SECOND MAX_API_TOKENS STOP_TOKENS DRAFT_TOKENS SPECULATIVE_NUM_DRAFT_TOKENS
    INPUT_TOKENS PROMPT_TOKENS CACHED_TOKENS VLLM_V1_MAX_TOKENS TOKENS_V2 TIME_PER_TOKEN_US TIME_TO_FIRST_TOKEN MAX_TOKEN
    MAX_API_KEYS NUM_API_KEYS PUBLIC_SSH_KEYS PUBLIC_API_KEY PUBLIC_SIGNING_KEY
    USE_PER_TOKEN API_KEY_NAME API_KEY_HEADER API_KEY_REQUIRED ACCESS_TOKEN_TTL ACCESS_TOKEN_EXPIRE_MINUTES
    PASSTHROUGH TRESPASS SURPASS LOWPASS MULTIPASS RENDERPASS NUM_PASSES COMPASS_V2 BYPASS_US
    COOKIECUTTER COOKIE_NAME COOKIE_DOMAIN COOKIE_MAX_AGE SESSION_COOKIE_SECURE USE_COOKIE ALLOW_COOKIES
    AUTHORIZATION_MODE AUTHORIZATION_ENABLED ENABLE_AUTHORIZATION SKIP_AUTHORIZATION BEARER_FORMAT USE_AUTH_V2 GITHUB_READ
    REGION_US OPENAI US V2 PEM MODEL_V2 DATA_JSON CERT_PEM SM_GITHUB OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS
    SCCACHE_S3_NO_CREDENTIALS MLFLOW_TRACKING_AUTH ALLOW_EMPTY_PASSWORD MYSQL_RANDOM_ROOT_PASSWORD PASSWORD_BROKER RESET_TOKEN_TABLE SECRETS_BACKEND SECRETS_HTTP_PORT
    NEXT_PUBLIC_SITE_KEY NPM_ALWAYS_AUTH SECRETS_MANAGER_REGION CREDENTIALS_PROVIDER WEBHOOK_HOST SECRET_ROTATION LABEL_KEY
    ANSIBLE_BECOME_ASK_PASS STRIPE_WEBHOOK_TOLERANCE MASK_SECRETS_IN_LOGS
    PASSWORD_RESET_TIMEOUT HF_HUB_DISABLE_IMPLICIT_TOKEN GOOGLE_APPLICATION_CREDENTIALS DB_SECRET_REF PASSWORD_MAX_ATTEMPTS
    SECRETS_MANAGER_REGION AWS_SECRETS_MANAGER_REGION CREDENTIALS_REGION PASSWORD_VERSION SECRETS_BACKEND CREDENTIAL_PROVIDER
    SECRETS_REGIONS API_KEY_REGION TOKEN_REGION
    GIT_CREDENTIAL_HELPER AUTH_CREDENTIAL_FILE_OVERRIDE SECRETS_MANAGER_ENDPOINT SECRET_VERSION_STAGE PASSWORD_RESET_URL
    LDAP_PASSWORD_ATTRIBUTE CREDENTIALS_DIRECTORY passwordChangedAt passwordRequired secretProviderClass CREDENTIALS_ID
    verifiableCredentialSchema password_hashing existingSecret imagePullSecrets automountServiceAccountToken
    GPG_KEY GPG_KEY_ID SIGNING_KEY_ID API_KEY_ID private_key_id keyId S3_OBJECT_KEY RECAPTCHA_SITE_KEY topologyKey
    translation_key i18nKey OAUTH2_PROXY_SET_AUTHORIZATION_HEADER DB_SECRET_ID WEBHOOK_SECRET_NAME FIM_SUFFIX_TOKEN
    SONAR_PROJECT_KEY TERRAFORM_STATE_KEY KAFKA_CFG_SSL_CLIENT_AUTH WEBUI_AUTH OAUTH2_PROXY_PASS_ACCESS_TOKEN
    ARM_USE_MSI_AUTH PASSWORD_ENCRYPTION APIKEY_USERS OTEL_EXPORTER_OTLP_CLIENT_KEY DB_SECRET_OWNER
    ETCD_CLIENT_CERT_AUTH KONG_ADMIN_GUI_AUTH VAULT_CLIENT_KEY GIT_SSL_KEY MARIADB_RANDOM_ROOT_PASSWORD
    USE_API_KEY SKIP_TOKEN_CHECK IS_SECRET PROMPT_KEY LOGITS_KEY FORWARD_PASS
    VLLM_USE_FASTOKENS SGLANG_LOG_DECODE_GRAPH_KEY SGLANG_USE_AITER_FP8_PER_TOKEN PASSWORDS_FILE
"""
PLAIN_NAMES += MORE_PLAIN_NAMES.split()


# In one test each: a thousand rows take longer to be counted than to be judged.
def test_names_of_secrets_are_known():
    assert [name for name in SECRET_NAMES if not is_secret_name(name)] == []


def test_other_names_are_left_alone():
    assert [name for name in PLAIN_NAMES if is_secret_name(name)] == []


def test_the_lists_do_not_overlap():
    assert not set(SECRET_NAMES) & set(PLAIN_NAMES)
    assert len(SECRET_NAMES) > 90
    assert len(PLAIN_NAMES) > 100


# Put together here, so that no scanner takes this file for a leak.
SECRET_VALUES = [
    "hf_" + "a1B2" * 9,
    "AKIA" + "ABCDEFGH12345678",
    "ASIA" + "ABCDEFGH12345678",
    "ghp_" + "a1B2c3D4" * 5,
    "github_pat_" + "a1B2c3D4_" * 5,
    "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "xoxb-" + "123456789012-abcdefghijkl",
    "sk-" + "a1B2c3D4e5F6g7H8i9J0",
    "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0",
    "nvapi-" + "a1B2c3D4e5F6g7H8i9J0",
    "Bearer " + "a1B2c3D4e5F6g7H8",
    "bearer " + "a1B2c3D4e5F6g7H8",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXBhcnQ",
    "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "0123456789abcdef",
    "https://b.s3.amazonaws.com/k?a=1&X-Amz-Security-Token=" + "0123456789abcdef",
    "-----BEGIN " + "PRIVATE KEY-----",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
]
# The same of further issuers, headers and connection strings.
LETTERS, DIGITS = "a1B2c3D4e5" * 12, "0a1b2c3d" * 16
SECRET_VALUES += [
    "redis://:s3cr3tPassw0rd@cache:6379/0", "postgres://user:p@ss@db/x", f"postgres://u:{LETTERS * 4}@db/x",
    f"https://a.blob.core.windows.net/c/b?sv=2024-11-04&ss=b&sig={LETTERS[:43]}%3D", f"sv=2024-11-04&amp;sig={LETTERS[:43]}%3D",
    f"https://storage.googleapis.com/b/o?X-Goog-Signature={DIGITS[:64]}", f"https://b.s3.amazonaws.com/k?Expires=1&Signature={LETTERS[:27]}%3D",
    "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----", "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----",
    '"Authorization": "Basic ' + "dXNlcjpwYXNzd29yZA==", '\\"authorization\\": \\"Basic ' + "dXNlcjpwYXNzd29yZA==", "('Authorization', 'Basic " + "dXNlcjpwYXNzd29yZA==')",
    f"Authorization: Token {LETTERS[:30]}", f'"x-api-key": "{LETTERS[:30]}', f"X-Api-Key: {LETTERS[:30]}",
    "Server=db;Uid=sa;Pwd=s3cr3t!x;", "Server=db;Password=s3cr3t;Encrypt=True", "Server=db; Password=s3cr3t", "Password=a(b$c;Server=db",
    f"Endpoint=sb://x;SharedAccessKey={LETTERS[:43]}=", f'"SecretAccessKey": "{LETTERS[:40]}',
    f"fw_{LETTERS[:22]}", f"sk_{DIGITS[:48]}", f"sk_car_{LETTERS[:22]}", f"gsk_{LETTERS[:50]}", f"pcsk_{LETTERS[:50]}", f"csk-{LETTERS[:48]}",
    f"tvly-{LETTERS[:32]}", f"tvly-dev-{LETTERS[:32]}", f"sb_secret_{LETTERS[:31]}", f"secret_{LETTERS[:43]}", "HRKU-01234567-89ab-cdef-0123-456789abcdef",
    f"HRKU-AA{LETTERS[:58]}", f"pscale_tkn_{LETTERS[:43]}", f"pscale_pw_{LETTERS[:43]}", f"bkua_{DIGITS[:40]}", f"pat{LETTERS[:14]}.{DIGITS[:64]}",
    "pat-na1-01234567-89ab-cdef-0123-456789abcdef", f"tgp_v1_{LETTERS[:43]}", f"wandb_v1_{LETTERS[:60]}", f"jina_{LETTERS[:60]}", f"e2b_{DIGITS[:40]}",
    f"rpa_{LETTERS[:40].upper()}", f"llx-{LETTERS[:48]}", f"AKCp{LETTERS[:69]}", f"{LETTERS[:52]}JQQJ99{LETTERS[:26]}", f"abc8Q~{LETTERS[:34]}",
    f"{LETTERS[:76]}AZDO{LETTERS[:4]}", f"1//0g{LETTERS[:60]}", f"lin_api_{LETTERS[:40]}", f"apify_api_{LETTERS[:36]}", f"bedrock-api-key-{LETTERS[:40]}",
    f"ops_eyJ{LETTERS[:40]}", f"glrt-{LETTERS[:20]}", f"glc_{LETTERS[:40]}", f"xoxd-{LETTERS[:20]}", f"ATCTT3{LETTERS[:40]}",
]  # fmt: skip
PLAIN_VALUES = [
    "",
    " ",
    "info",
    "8192",
    "0.9",
    "true",
    "Qwen/Qwen3-4B",
    "meta-llama/Llama-3.1-8B",
    "s3://bucket/prefix/model.tar.gz",
    "arn:aws:iam::123456789012:role/mlcc-sagemaker-execution-role",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf",
    "sha256:" + "0" * 64,
    "python:3.11-slim",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml/iris:1.2.0",
    "ml.g5.xlarge",
    '{"instances": [[5.1, 3.5, 1.4, 0.2]]}',
    "https://example.com/?page=2",
    "-----BEGIN CERTIFICATE-----",
    "hf_hub",
    "sk-learn",
    "Bearer of good news",
    "risk-assessment-of-large-models",
    "task-a1B2c3D4e5F6g7H8i9J0",
    "{% for message in messages %}",
    "disk-a1B2c3D4e5F6g7H8i9J0",
    "ghp_",
    "AKIA",
    "a" * 5000,
    # digests, names, addresses and what only looks like a format
    DIGITS[:32], DIGITS[:40], DIGITS[:64], f"sha256:{DIGITS[:64]}", f"sha512-{LETTERS[:86]}==", f"commit {DIGITS[:40]}",
    f"docker://python:3.11@sha256:{DIGITS[:64]}", f"public.ecr.aws/x/y@sha256:{DIGITS[:64]}", "0123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:v2",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/sort-key", "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "s3://bucket/path/task_a/disk_b/pat.tar.gz", "s3://sagemaker-us-east-1-123456789012/key=2026/part-0", "http://host:8080/path", "http://host:8080",
    "http://host:8080/a@b", "ssh://git@github.com:22/org/repo", "git+https://git@github.com/org/repo.git@v1", "postgres://user@db:5432/x",
    "postgres://user:***@db/x", '{"url":"http://host:80","mail":"me@example.com"}', "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "Password=${DB_PASSWORD};Server=db", "Server=db;Password=***;", "cd x;pwd=/root/a;", "keyword=token;x=1", "forward=1;", "signature=serving_default_of_the_model",
    "config=large&sig=short", "Authorization: Basic", "the authorization token is missing", "x-api-key: none", "api-key: ${API_KEY}",
    "sk_learn_pipeline_of_the_large_model_of_the_team", "task_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5", "pattern.0123", "jina_embeddings_v2_base_en",
    "jinaai/jina-embeddings-v3", "sb_publishable_" + LETTERS[:31], "fw_version", "pscale_main", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "1//0",
    "global-step-a1B2c3D4e5", "glance_a1B2c3D4e5a1B2c3D4e5", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "nvcr.io/nvidia/tritonserver:25.01-py3",
]  # fmt: skip


def test_values_with_the_format_of_a_secret():
    for value in SECRET_VALUES:
        assert is_secret_value(value), value
        assert is_secret_value(f"see {value} there"), value
        shown = redact_text(f"before {value} after")
        assert REDACTED in shown, value
        assert shown.startswith("before "), value
        assert value not in shown, value


def test_other_values_are_left_alone():
    for value in PLAIN_VALUES:
        assert not is_secret_value(value), value
        assert redact_text(value) == value


def test_a_private_key_is_redacted_whole():
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    text = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    assert body not in redact_text(text)


def test_redact_looks_at_names_and_values():
    found = redact({"HF_TOKEN": "x", "EMPTY_TOKEN": "", "MAX_TOKENS": "12", "NOTE": "use hf_" + "a1B2" * 9, "A": "b"})
    assert found == {"HF_TOKEN": REDACTED, "EMPTY_TOKEN": "", "MAX_TOKENS": "12", "NOTE": f"use {REDACTED}", "A": "b"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dbPassword", ["DB", "PASSWORD"]),
        ("DB_PASSWORD", ["DB", "PASSWORD"]),
        ("a-b.c d", ["A", "B", "C", "D"]),
        ("", []),
        ("__", []),
    ],
)
def test_words(name, expected):
    assert words(name) == expected


@given(st.lists(st.sampled_from([*SECRET_VALUES, *"@;:=& *", "a://u:", "Pwd=", "sig=", "Bearer "]), max_size=6))
def test_redacting_secrets_side_by_side_twice_is_redacting_once(parts):
    once = redact_text("".join(parts))
    assert redact_text(once) == once


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_any_text_is_judged_and_redacting_twice_is_redacting_once(text):
    assert is_secret_name(text) in (True, False)
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "hf_",
        "sk-",
        "eyJaaaaaaaaaa.",
        "-----BEGIN ",
        "Bearer ",
        "xoxb-1-",
        "?X-Amz-Signature",
        "AKIA",
        "ghp_a",
        "github_pat_",
        "redis://:",
        "://:@",
        "pwd=",
        ";Password=",
        "Password=x ",
        "&sig=",
        "X-Goog-Signature",
        "Authorization: ",
        "x-api-key ",
        "patA",
        "sk_a",
        "gl",
        "a8Q~",
        "JQQJ99",
        "AZDO",
        "-----BEGIN PGP PRIVATE KEY ",
        "AKIAABCDEFGH12345678",
    ],
)
def test_patterns_are_linear(unit):
    text = unit * (100_000 // len(unit))
    before = time.perf_counter()
    is_secret_value(text)
    redact_text(text)
    assert time.perf_counter() - before < 1


def test_the_pattern_of_web_tokens_is_linear_too():
    before = time.perf_counter()
    redact_text("eyJ" * 12_000)
    assert time.perf_counter() - before < 0.5


KNOWN = {
    "MY_TOKEN": "s3cr'et \"é/",
    "OTHER_TOKEN": "s3cr'et \"é/longer",
    "SHORT_TOKEN": "1234567",
    "HOME": "/root/home",
}


@pytest.mark.parametrize(
    "form", [str, lambda v: repr(v)[1:-1], lambda v: json.dumps(v)[1:-1], quote, lambda v: quote(v, "")]
)
@pytest.mark.parametrize("name", ["MY_TOKEN", "OTHER_TOKEN"])
def test_values_of_secret_variables_are_found_as_they_are_quoted(form, name):
    shown = redact_known(f"failed: <{form(KNOWN[name])}> at /root/home 1234567", KNOWN)
    assert shown == f"failed: <{REDACTED}> at /root/home 1234567"


def test_formats_are_found_where_no_variable_is():
    assert redact_known("x hf_" + "a1B2" * 9, {}) == f"x {REDACTED}"


def test_an_export_takes_secrets_out_of_lists_too():
    assert redact_value("build.requirements", ("numpy==2.0.0", "AKIAIOSFODNN7EXAMPLE")) == [
        "numpy==2.0.0",
        REDACTED,
    ]
    assert redact_value("deployment.instance_count", 3) == 3


# ---------------------------------------------------------------- names with something behind, and known values
@pytest.mark.parametrize(
    "name", ["GITHUB_PAT", "MY_JWT", "HF_TOKEN_1", "TOKEN2", "API_KEY_PROD", "DB_PASSWORD_OLD", "SECRET_KEY_B64", "DSN"]
)
def test_a_word_behind_hides_no_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["PRIMARY_KEY", "SORT_KEY", "NUM_TOKENS_2", "VERSION_1", "TEST", "VALUE", "KEY_PATH", "TOKEN_LIMIT"]
)
def test_a_word_behind_makes_no_secret(name):
    assert not is_secret_name(name)


A = "a1B2c3D4e5" * 8
FORMATS = [
    f"AIza{A[:35]}", f"gsk_{A[:30]}", f"npm_{A[:36]}", f"pypi-{A[:60]}", f"dckr_pat_{A[:24]}", "dapi" + "0a1b2c3d" * 4, f"sk_live_{A[:24]}",
    "shpat_" + "0a1b2c3d" * 4, f"SG.{A[:22]}.{A[:43]}", f"123456789:AA{A[:33]}", f"https://hooks.slack.com/services/T00/B00/{A[:24]}",
    f"hvs.{A[:24]}", f"glsa_{A[:32]}", f"sntrys_{A[:32]}", f"figd_{A[:32]}", f"tskey-auth-{A[:20]}", f"aws_secret_access_key = {A[:40]}",
    f"AccountKey={A[:44]}==", f"ABSK{A[:60]}", f"r8_{A[:37]}", f"xai-{A[:40]}",
]  # fmt: skip


@pytest.mark.parametrize("value", FORMATS)
def test_formats_of_issuers_are_found_in_any_text(value):
    assert is_secret_value(value)
    text = redact_text(f"starting with {value}, then more")
    assert value not in text
    assert text.startswith("starting with ")
    assert text.endswith(" more")


def test_known_values_are_replaced_as_they_are_quoted():
    secret = 'corr"ect horse\nbattery staple'
    text = f"{secret} {json.dumps(secret)} {secret!r} {quote(secret)} and battery staple"
    shown = redact_values(text, [secret, "short"])
    assert "corr" not in shown
    assert "battery" not in shown
    assert redact_values("short", ["short"]) == "short"


AWKWARD = "p&ss <w'rd>/\"é~+ÿ?x"


def coded(value):
    return base64.b64encode(value.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        coded,
        lambda v: coded(v).rstrip("="),
        lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
        html.escape,
        lambda v: html.escape(v, quote=False),
        lambda v: html.escape(v).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        xml_escape,
        lambda v: xml_escape(v, {'"': "&quot;", "'": "&apos;"}),
        quote_plus,
        lambda v: re.sub("%..", lambda found: found[0].lower(), quote(v)),
        lambda v: re.sub("%..", lambda found: found[0].lower(), quote_plus(v)),
        lambda v: json.dumps(v, ensure_ascii=False)[1:-1],
        lambda v: json.dumps(v)[1:-1].replace("/", "\\/"),
        lambda v: json.dumps(v)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        lambda v: repr(v.encode())[2:-1],
        lambda v: shlex.quote(v)[1:-1],
    ],
)
def test_known_values_are_found_as_programs_write_them(form):
    text = form(AWKWARD)
    assert redact_values(f"<{text}>", [AWKWARD]).rstrip("=") == f"<{REDACTED}>"


def test_base64_is_looked_for_from_twelve_characters_on():
    assert coded("elevenchars") not in forms(["elevenchars"])
    assert coded("twelve-chars") in forms(["twelve-chars"])
    assert forms(["seven-7"]) == []
    assert forms(["\udcff-not-utf-8"])


def test_no_line_of_a_pgp_key_is_passed_on():
    kind = "PGP PRIVATE KEY BLOCK"
    lines = ["before", f"-----BEGIN {kind}-----", "", "lQOYcanary", f"-----END {kind}-----", "after"]
    assert list(redact_lines(lines, [])) == ["before", REDACTED, "after"]


def test_no_line_of_a_private_key_is_passed_on():
    lines = ["before", "-----BEGIN RSA PRIVATE KEY-----", "MIIEcanary", "x", "-----END RSA PRIVATE KEY-----", "after"]
    assert list(redact_lines(lines, [])) == ["before", REDACTED, "after"]
    assert list(redact_lines(lines[:3], [])) == ["before", REDACTED]


SEVERAL = "aB3\ncD4\n\neF5gH\n"


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["x", "aB3", "cD4", "", "eF5gH", "y"], ["x", REDACTED, "y"]),
        (["key=aB3", "cD4", "", "eF5gH tail"], [f"key={REDACTED} tail"]),
        (["aB3", "aB3", "cD4", "", "eF5gH"], ["aB3", REDACTED]),
        (["aB3", "cD4", "z"], ["aB3", "cD4", "z"]),
        (["aB3", "cD4"], ["aB3", "cD4"]),
        (["aB3", "", "cD4"], ["aB3", "", "cD4"]),
        ([], []),
    ],
)
def test_a_secret_of_several_short_lines_is_found_in_lines(lines, shown):
    assert list(redact_lines(lines, [SEVERAL])) == shown


def test_a_line_in_which_no_secret_begins_is_shown_at_once():
    cleaner = Lines([SEVERAL, "correct-horse"])
    assert cleaner.feed("a correct-horse runs") == [f"a {REDACTED} runs"]
    assert cleaner.feed("aB3") == []
    assert cleaner.feed("not") == ["aB3", "not"]
    assert cleaner.rest() == []


@given(st.text("ab\n", min_size=8, max_size=20), st.text("ab\n", max_size=20), st.text("ab\n", max_size=20))
def test_lines_one_by_one_show_what_the_whole_text_shows(secret, before, after):
    secret = secret.strip("\n")
    lines = f"{before}{secret}{after}".split("\n")
    found = "\n".join(redact_lines(lines, [secret]))
    if len(secret) >= 8:
        assert secret not in found
        assert REDACTED in found
    else:
        assert found == "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2hunter2 and more", "password=*** and more"),
        ("aws_secret_access_key = wJalrXUtnFEMIK7MDENG", "aws_secret_access_key = ***"),
        ('{"password": "hunter2hunter2", "n": 1}', '{"password": "***", "n": 1}'),
        ("DB_PASSWORD:hunter2hunter2;x", "DB_PASSWORD:***;x"),
        ("VLLM_MAX_NUM_BATCHED_TOKENS=8192000", "VLLM_MAX_NUM_BATCHED_TOKENS=8192000"),
        ("max_tokens: 4096000", "max_tokens: 4096000"),
        ("all answers were checked: password reset works", "all answers were checked: password reset works"),
        ("password=", "password="),
    ],
)
def test_what_is_given_to_a_secret_s_name_in_free_text(text: str, shown: str) -> None:
    assert redact_given(text) == shown.replace("***", REDACTED)
