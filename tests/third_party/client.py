"""A player by PyPI's `websockets`: prints every text frame it receives, a line each.

Arguments: URL, JWT, session token, commands to send. Ends after the chat message "finish".
"""
import asyncio
import json
import sys
import uuid

import websockets


async def main(url, jwt, token, count):
    headers = {"Authorization": f"Bearer {jwt}", "X-Session-Token": token}
    async with websockets.connect(url, additional_headers=headers) as socket:
        async for text in socket:
            print(text, flush=True)
            frame = json.loads(text)
            if frame["type"] == "sync_response":
                for turn in range(count):
                    await socket.send(json.dumps(command(turn)))
            if frame["type"] == "chat_message" and frame["data"]["text"] == "finish":
                return


def command(turn):
    changes = [{"path": "/shared/counter", "op": "increment", "value": 1}]
    data = {"action_id": str(uuid.uuid4()), "changes": changes}
    return {"type": "state_change", "data": data}


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
