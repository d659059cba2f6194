#!/usr/bin/env python3
"""Schemathesis on the real binary: whatever the OpenAPI document allows or forbids
is sent, and every answer must be HTTP 200 with the JSON that the document says,
and never the errcode of a fault of ours.

    .ci/api_fuzz.py target/debug/strowger [seconds]

Needs schemathesis. It starts the exchange on free ports in a directory of its own.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).parent
CLIENT_ID, CLIENT_SECRET = "schemathesis", "a secret for schemathesis"
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,"
          "response_schema_conformance,no_fault_of_ours")


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"User-Agent": "fuzz"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def fuzz(url, token, seconds, *arguments):
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": str(HERE / "api_fuzz_hooks.py"), "STROWGER_TOKEN": token,
    }
    # One worker: Python 3.11 loses count of its recursion with two. What it learns and reports goes into the directory that is thrown away.
    return subprocess.run(
        [shutil.which("schemathesis"), "run", f"{url}/openapi.json", "--checks", CHECKS, "--workers", "1",
         "--phases", "examples,coverage,fuzzing", "--max-time", str(seconds), "--warnings", "off",
         "--suppress-health-check", "all", "--generation-database", "none", *arguments],
        env=environment, cwd=folder).returncode


binary, seconds = pathlib.Path(sys.argv[1]).resolve(), int((sys.argv[2:] or ["120"])[0])
folder = tempfile.mkdtemp(prefix="strowger-fuzz-")
settings = {
    "DATA__DIR": f"{folder}/data", "HTTP__LISTEN": "127.0.0.1:0", "HTTPS__LISTEN": "127.0.0.1:0",
    "SIP__UDP": "127.0.0.1:0", "RTP__LISTEN": "127.0.0.1", "API__CLIENT_ID": CLIENT_ID,
    "API__CLIENT_SECRET": CLIENT_SECRET, "LOG": "warn",
}
log = open(f"{folder}/log", "w+")
exchange = subprocess.Popen(
    [binary, "serve"], stdout=subprocess.PIPE, stderr=log, text=True,
    env=os.environ | {f"STROWGER_{key}": value for key, value in settings.items()})
try:
    ready = exchange.stdout.readline()
    if not ready.startswith("ready:"):
        sys.exit(f"the exchange left before it was ready: {ready}{open(log.name).read()}")
    url = "http://" + json.load(open(f"{folder}/data/run.json"))["http"]
    token = post(f"{url}/openapi/v1.0/get_token", {"username": CLIENT_ID, "password": CLIENT_SECRET})["access_token"]
    # What works gets most of the time; what does not has to say so and nothing else.
    works = fuzz(url, token, seconds * 3 // 4, "--include-by", "/x-implemented == true", "--max-examples", "100")
    missing = fuzz(url, token, seconds // 4, "--include-by", "/x-implemented == false", "--max-examples", "2")
    alive = exchange.poll() is None
    exchange.send_signal(signal.SIGTERM)
    left = exchange.wait(timeout=30)
finally:
    exchange.kill()
said = open(log.name).read()
panics = [line for line in said.splitlines() if "panicked" in line or " ERROR " in line]
shutil.rmtree(folder, ignore_errors=True)
print("\n".join(panics[:20]))
if works or missing or panics or not alive or left:
    sys.exit(f"api fuzz: works {works}, missing {missing}, alive {alive}, exit {left}, {len(panics)} lines of fault")
