// A player by npm's `ws`: prints every text frame it receives, a line each.
// Arguments: URL, JWT, session token, commands to send. Ends after the chat message "finish".
import { randomUUID } from "node:crypto";
import WebSocket from "ws";

const [url, jwt, token, count] = process.argv.slice(2);
const socket = new WebSocket(url, {
  headers: { Authorization: `Bearer ${jwt}`, "X-Session-Token": token },
});
socket.on("message", (bytes) => {
  const text = bytes.toString();
  console.log(text);
  const frame = JSON.parse(text);
  if (frame.type === "sync_response") {
    for (let turn = 0; turn < Number(count); turn += 1) {
      const data = { action_id: randomUUID(), text: `ws ${turn}`, to: "all" };
      socket.send(JSON.stringify({ type: "chat", data }));
    }
  }
  if (frame.type === "chat_message" && frame.data.text === "finish") process.exit(0);
});
socket.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
socket.on("close", (code) => {
  console.error(`closed with ${code}`);
  process.exit(1);
});
