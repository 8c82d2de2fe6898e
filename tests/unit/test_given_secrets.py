"""G26: what is given to a secret's name in a text, and what only looks like it, in both directions."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.registries.redaction import gives_secret, redact, redact_given, redact_printed, redact_value
from mlcc.registries.redaction_given import REDACTED
from mlcc.registries.redaction_lines import Lines
from mlcc.registries.redaction_rule import packaged
from tests.unit.test_redaction import PLAIN_NAMES, SECRET_NAMES

VALUE = "q7Kx2Wm9Rt"
GIVEN = [
    "--password *", "--token=*", "--api-key *", "-password *", "--api-key '*'", "serve --api-key *, then", "HF_TOKEN=*", "export HF_TOKEN=*",
    "api_key: *", "password is wrong: password=*", '{"api_key": "*"}', '{"api_key":"*"}', '{"a": [{"db": {"password": "*"}}]}',
    "{'api_key': ['*'], 'x': 1}", '{\\"client_secret\\": \\"*\\"}', "('--api-key', '*')", '["--api-key", "*"]', "[--api-key,* --port,80]",
    "args: password=*", 'msg="api_key=*"', "-Djavax.net.ssl.trustStorePassword=*", "docker login -u me -p *", "helm registry login -u me -p *",
    "ran with -u admin -p *", "ran with --username admin -p *", "mysql -h db -u root -p*", "sshpass -p * ssh x", "redis-cli -h x -a *",
    "curl -u me:* https://x", "https://x/?api_key=*&page=2", "password => *", "aws_secret_access_key = *", "X-Api-Key: *",
    "sshpass -p '*' scp x", "mysql -u root -p'*'", "{'SECRET_KEY': b'*'}", '{"name": "HF_TOKEN", "value": "*"}',
    '{"env":[{"name":"DD_API_KEY","value":"*"},{"name":"A","value":"b"}]}', '{"Name": "HF_TOKEN", "Value": "*"}', '{"ParameterKey":"DbPassword","ParameterValue":"*"}',
    "VLLM_API_KEY:              *",
    'Args { api_key: Some("*"), n: Some(1) }', '["redis-server", "--requirepass", "*"]', ".dockerconfigjson: *", "client-key-data: *",
    "https://x/?key=*&page=2", '{"seedPhrase": "*"}', "sqlcmd -S db -U me -P * -Q x", "ldapsearch -D me -w * -b dc=x",
]  # fmt: skip
# Also in what a program prints, where words of prose stand before a colon.
HARMLESS = [
    "--max-tokens 4096000", "--tokenizer /path/to/it", "--token-file /run/token", "--sort-key created_at", "the --password must be set",
    "[--token TOKEN] [--api-key API_KEY] [--password PASSWORD]", "error: argument --api-key: expected one argument", "token: 151645",
    "EOS token: <|im_end|>", "missing key: model.layers.0.self_attn.q_proj.weight", "Unrecognized key: rope_scaling", '{"token": "Hello"}',
    '{"key": "petal_width"}', "max_tokens=4096000", "VLLM_MAX_NUM_BATCHED_TOKENS=8192000", "docker run -u root -p 8080:80 x", "docker run -p 8080:8080/tcp",
    "mkdir -p /opt/ml/model", "cp -p model.joblib /x", "psql -U me -p 54321", "ssh -p 2222222 host", "HF_TOKEN=${HF_TOKEN}", "--api-key $API_KEY",
    "api_key: null", "api_key=None", '{"api_key": null}', "password: <not shown>", "password: ******", "curl -u $USER https://x", "tokenizer: Qwen/Qwen3",
    '{"password": "", "user": "bob the first"}', "Loading weights with key: transformer.h.0", "cookie: disabled", "auth: required",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbC123", "use --password-stdin instead", "random_password.db: Creation complete after 0s", "is required (`token=True`), but",
    "Cache restored from key: Linux-pip-5e936f9ab3e017aee5d28beb44607af04c34206180af11dadf467f834c17a2bd", "secretKeyRef: name=hf-secret",
    "Rotating secret prod/hf-token: version AWSCURRENT moved", "cache miss: key=d2f36d683437626b variant=x", "kafka: partitioner key=user-48213 offset=99",
    "GPG_KEY=996775FB9959AF8CB242296A38B64A526179B21D", '{"keyId":"alias/aws/s3"}', "existingSecret: postgres-credentials", "passwordChangedAt: 2025-01-17T06:30:00Z",
    "+ password = (sensitive value)", "password: (known after apply)", "pass a token with `token=<your_token>`", "api_key: os.environ/OPENAI_API_KEY",
    '{"credentialsParameter": "arn:aws:secretsmanager:us-east-1:1:secret:x"}', '"SandboxKey": "/var/run/docker/netns/327b068387c9"',
    "Created wheel for corp-auth: filename=corp_auth-1.2.0-py3-none-any.whl", "the password is required", "Set-Cookie: lang=en; Path=/; Max-Age=31536000", "Cookie: theme=dark; locale=de-CH",
    "token = AutoTokenizer.from_pretrained(args.model, use_auth_token=True)", "jwt: algorithm RS256, issuer x", "+ master_password = var.db_password",
    "postgres://${DB_USER}:${DB_PASSWORD}@${DB_HOST}:5432/app", "export OPENAI_API_KEY=YOUR_API_KEY", "docker build --secret id=hf_token,src=/run/secrets/hf_token .", "a password is SHA-hashed",
    "docker run --user 1000:1000 image", "authorization policy configuration", "Authorization: required for this endpoint",
]  # fmt: skip
BOTH = [text for text in HARMLESS if ": " not in text]


@pytest.mark.parametrize("form", GIVEN)
def test_what_is_given_to_a_secret_s_name_is_found(form: str) -> None:
    text = form.replace("*", VALUE)
    for shown in (redact_given(text), redact_printed(text), *Lines([]).feed(text)):
        assert VALUE not in shown
        assert REDACTED in shown
    assert gives_secret(text)
    # nothing else is taken away but a user's name before a password
    assert redact_printed(text).replace(REDACTED, "") == form.replace("me:*" if "me:*" in form else "*", "")


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("> Authorization: Bearer ", f"{VALUE}-{VALUE}_{VALUE}{VALUE}", ""),
        ("tls key:\n-----BEGIN RSA PRIVATE KEY-----\n", f"MIIE{VALUE}{VALUE}", "\n-----END RSA PRIVATE KEY-----"),
        ("private_key: -----BEGIN PRIVATE KEY-----\n", f"MIIE{VALUE}{VALUE}", "\n-----END PRIVATE KEY-----"),
        ('-H "Authorization: Splunk ', f"{VALUE}-{VALUE}", '" -d x'),
        ("Authorization: SharedKey store:", f"{VALUE}{VALUE}+/=", ""),
        ("POST https://api.telegram.org/bot2523372836:AA", f"{VALUE}{VALUE}{VALUE}abc", "/sendMessage"),
        ("openssl pkcs12 -passin pass:", VALUE, " -nodes"),
        ("machine api.wandb.ai login user password ", VALUE, "\nmachine"),
        ("wandb login --relogin ", "e5af008ca9bfcb364db4c75e88d7b94a83feb513", ""),
        ("cookie: JSESSIONID=7A95060A0551106D; session=", VALUE, "\nnext"),
        ("<wsse:Password>", VALUE, "</wsse:Password>"),
        ("jdbc:oracle:thin:app/", VALUE, "@//db:1521/x"),
        ("curl -T a ftp://x/ --user me:", VALUE, ""),
        ("vault write auth/approle/login role_id=a1-b2 secret_id=", f"{VALUE}-{VALUE}", ""),
        ('{"Parameter":{"Name":"/prod/db","Type":"SecureString","Value":"', VALUE, '","Version":3}}'),
        ('{"outputs":{"x":{"sensitive":true,"type":"string","value":"', VALUE, '"}}}'),
        ("the admin password is ", f"maple-{VALUE}", ", change it"),
        ("CREATE USER mlflow WITH LOGIN PASSWORD '", VALUE, "';"),
        ("tls.key: LS0tLS1CRUdJTiBQUklW", f"{VALUE}{VALUE}", ""),
        ("unseal key 1: ", f"{VALUE}/{VALUE}+", ""),
        ("aws ecr get-login-password\neyJwYXlsb2FkIjoi", f"{VALUE}{VALUE}", ""),
        ('{"management": {"key": "', "1vSxzE_l", '", "expiration time": "2025"}}'),
        ('wandb.login(key="', "af75e95a7c5a930bf3fc0fc8fe12aff1408e1281", '")'),
        ("mc alias set store https://minio:9000 admin ", VALUE, ""),
    ],
)
def test_a_format_is_known_before_a_part_of_it_is_taken_for_a_value(before: str, secret: str, after: str) -> None:
    for clean in (redact_given, redact_printed):
        assert secret not in clean(before + secret + after)


def test_a_variable_as_kubernetes_lists_it_is_found() -> None:
    for clean in (redact_given, redact_printed):
        assert clean(f'  - name: API_KEY\n    value: "{VALUE}"\n  - name: A\n    value: b') == (
            f'  - name: API_KEY\n    value: "{REDACTED}"\n  - name: A\n    value: b'
        )


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_is_kept(text: str) -> None:
    assert redact_printed(text) == text
    assert not gives_secret(text)


@pytest.mark.parametrize("text", BOTH)
def test_people_s_notes_keep_it_too(text: str) -> None:
    assert redact_given(text) == text


def test_a_value_in_quotes_goes_whole() -> None:
    assert redact_printed('password="correct horse, battery" x') == f'password="{REDACTED}" x'
    assert redact_printed(r'{"password": "a\"b c"}') == f'{{"password": "{REDACTED}"}}'


@pytest.mark.parametrize("text", ['{"password": "x"}', '[{"api_key": ["x"]}]', ' {"a": "{}", "db": {"password": "é"}}'])
def test_json_is_read_as_json(text: str) -> None:
    assert gives_secret(text)


@pytest.mark.parametrize(
    "text", ['{"password": 1}', '{"password": "${PW}"}', "{", "[1]", "[" * 5000, '{"tokens": "x"}']
)
def test_json_without_a_secret(text: str) -> None:
    assert not gives_secret(text)


def test_values_of_variables_are_looked_into() -> None:
    shown = redact({"EXTRA": f'{{"api_key": "{VALUE}", "n": 1}}', "ARGS": f"--api-key {VALUE} -v", "A": "b=c"})
    assert shown == {"EXTRA": f'{{"api_key": "{REDACTED}", "n": 1}}', "ARGS": f"--api-key {REDACTED} -v", "A": "b=c"}
    assert redact_value("args", ("x", f"password={VALUE}")) == ["x", f"password={REDACTED}"]


@given(st.lists(st.sampled_from([*GIVEN, *HARMLESS, *"\"'=: -\\", "token", "--", "\n"]), max_size=8))
def test_twice_is_once(parts: list[str]) -> None:
    text = "".join(parts).replace("*", VALUE)
    for clean in (redact_given, redact_printed):
        assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a-",
        "--a-b",
        "password",
        "password=",
        "password: '",
        'pwd="',
        "token: ",
        "-p ",
        "login -p ",
        "\\",
        "a.b-c ",
        "curl --user a",
        "machine a login b password ",
        "wandb login --a ",
        "Authorization: abc ",
        "<Password>",
        "Cookie: a=",
        "oracle:thin:a/",
        "pass:",
        "password is ",
        "wandb login ",
        "approle secret_id",
        'SecureString", "Value": ',
        'sensitive": true, ',
        "mc alias set a ",
        '"name":"K","value":',
    ],
)
def test_it_is_linear(unit: str) -> None:
    def took(size: int) -> float:
        text = unit * (size // len(unit))
        before = time.process_time()
        redact_printed(text)
        redact_given(text)
        return time.process_time() - before

    # a square would be sixteen times as much
    assert took(100_000) < 8 * took(25_000) + 0.1


def test_a_text_is_looked_at_wherever_a_secret_s_name_stands() -> None:
    stems = re.compile(packaged().stems)
    for name in SECRET_NAMES:
        for form in (name, name.lower(), name.title()):
            assert stems.search(form), form
            assert VALUE not in redact_printed(f"{form}={VALUE}"), form
    for name in PLAIN_NAMES:
        assert redact_printed(f"{name}={VALUE}") == f"{name}={VALUE}"
