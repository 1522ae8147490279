"""Runs the snippet of the documentation, saved as snippet.py beside this file, on the cases of standard input."""
import base64
import json
import sys

from snippet import verify

cases = json.load(sys.stdin)
json.dump([verify(case["secret"], case["header"], base64.b64decode(case["body"])) for case in cases], sys.stdout)
