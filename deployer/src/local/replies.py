"""A request that Terraform sends again gets the reply of the first attempt.

A reply can be lost between two processes of a busy machine, as it can on the way from AWS. Terraform's provider then sends
the request again, and the apply fails with "already exists", because the first attempt was carried out. All attempts of
one request have the same id. So one of them is carried out, and all of them get its reply. Requests of other clients are
not changed: the deployer has to handle lost replies itself.
"""

import asyncio
from collections import OrderedDict

PROVIDER = b"terraform-provider-aws/"
REMEMBERED = 1000  # replies: an apply sends a few hundred requests


def invocation(scope):
    """What all attempts of one request of the provider have in common; None for every other request."""
    headers = dict(scope.get("headers", ()))
    by_provider = scope["type"] == "http" and PROVIDER in headers.get(b"user-agent", b"")
    sent = headers.get(b"amz-sdk-invocation-id")
    return (sent, scope["method"], scope["path"]) if by_provider and sent else None


def succeeded(messages):
    """Whether a whole reply reports success: after an error another attempt may succeed."""
    return len(messages) > 1 and messages[0].get("status", 500) < 300 and not messages[-1].get("more_body", False)


async def drain(receive):
    """Reads the request to its end: a connection with unread data is closed after the reply."""
    while (await receive()).get("more_body", False):
        pass


def once(app):
    """The same application, which carries out each request of the provider once."""
    replies = OrderedDict()

    async def carry_out(scope, receive, send, reply):
        messages = []

        async def remember(message):
            messages.append(message)
            await send(message)

        try:
            await app(scope, receive, remember)
        finally:
            reply.set_result(messages if succeeded(messages) else None)

    async def carry_out_once(scope, receive, send):
        request = invocation(scope)
        if request is None:
            return await app(scope, receive, send)
        messages = await replies[request] if request in replies else None
        if messages is None:
            reply = replies[request] = asyncio.get_running_loop().create_future()
            if len(replies) > REMEMBERED:
                replies.popitem(last=False)
            return await carry_out(scope, receive, send, reply)
        await drain(receive)
        print(f"sent the reply to {scope['method']} {scope['path']} again", flush=True)
        for message in messages:
            await send(message)

    return carry_out_once
