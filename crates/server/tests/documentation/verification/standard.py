"""Asks the Python library of Standard Webhooks about the deliveries of standard input."""
import base64
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def verdict(delivery):
    try:
        Webhook(delivery["secret"]).verify(base64.b64decode(delivery["body"]), delivery["headers"])
    except WebhookVerificationError:
        return False
    return True


json.dump([verdict(delivery) for delivery in json.load(sys.stdin)], sys.stdout)
