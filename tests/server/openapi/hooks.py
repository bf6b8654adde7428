"""What schemathesis cannot know: bodies that are neither JSON nor text."""

import schemathesis


@schemathesis.serializer("application/vnd.flcm.batch")
def batch(_ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.deserializer("application/vnd.flcm.snapshot")
def snapshot(_ctx, response):
    return response.content.decode("latin-1")
