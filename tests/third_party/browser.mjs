// A player in Chromium, whose WebSocket can send no headers: tokens travel as subprotocols.
// Prints every text frame it receives, a line each.
// Arguments: URL, JWT, session token, commands to send. Ends after the chat message "finish".
import { chromium } from "playwright-core";

const [url, jwt, token, count] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();
await page.exposeFunction("report", (text) => console.log(text));
const code = await page.evaluate(({ url, jwt, token, count }) => new Promise((done) => {
  const socket = new WebSocket(url, ["gss.v2", `gss.jwt.${jwt}`, `gss.session.${token}`]);
  const reports = [];
  socket.onmessage = async ({ data: text }) => {
    reports.push(window.report(text));
    const frame = JSON.parse(text);
    if (frame.type === "connection_established" && socket.protocol !== "gss.v2") done(2);
    if (frame.type === "sync_response") {
      for (let turn = 0; turn < count; turn += 1) {
        const data = { action_id: crypto.randomUUID ? crypto.randomUUID() : uuid(), expression: "1d6", to: "all" };
        socket.send(JSON.stringify({ type: "roll", data }));
      }
    }
    if (frame.type === "chat_message" && frame.data.text === "finish") {
      await Promise.all(reports);
      done(0);
    }
  };
  socket.onclose = () => done(1);
  // about:blank is no secure context: it has no randomUUID.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  }
}), { url, jwt, token, count: Number(count) });
await browser.close();
process.exit(code);
