"""Evaluates flags with OpenFeature's provider for OFREP, and prints what it gives, as JSON.

usage: evaluate.py URL KEY, with a JSON list of [method, flag, default, targeting key] on standard input
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, key = sys.argv[1:]
provider = OFREPProvider(url, headers_factory=lambda: {"Authorization": f"Bearer {key}"})
api.set_provider(provider)
client = api.get_client()


def evaluate(method, flag, default, targeting_key):
    context = EvaluationContext(targeting_key, {"plan": "pro"})
    details = getattr(client, f"get_{method}_details")(flag, default, context)
    return {
        "value": details.value,
        "type": type(details.value).__name__,
        "variant": details.variant,
        "reason": details.reason,
        "metadata": dict(details.flag_metadata),
        "error": details.error_code,
    }


print(json.dumps([evaluate(*question) for question in json.load(sys.stdin)]))
