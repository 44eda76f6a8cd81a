// Drives the system's Chromium through a pipe, with its DevTools protocol. No package is needed for it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function browser(executable = process.env.CHROMIUM ?? "/usr/bin/chromium") {
  const profile = mkdtempSync(join(tmpdir(), "zmq-site-"));
  const flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    + " --disable-sync --disable-background-timer-throttling --disable-renderer-backgrounding --remote-debugging-pipe";
  const chromium = spawn(executable, [...flags.split(" "), `--user-data-dir=${profile}`], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const waiting = new Map();
  let last = 0, rest = "", loaded;
  const ended = new Promise((resolve) => chromium.on("exit", resolve));
  chromium.on("exit", () => waiting.forEach(({ reject }) => reject(new Error("Chromium has ended"))));
  const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    chromium.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
  });
  const tab = {
    onEvent: () => {},
    call: (method, params) => send(method, params, tab.session),
    look: async (width, { dark = false, still = false, print = false } = {}) => {
      await tab.call("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
      await tab.call("Emulation.setEmulatedMedia", { media: print ? "print" : "", features: [
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: still ? "reduce" : "no-preference" }] });
    },
    open: async (url) => {
      const done = new Promise((resolve) => { loaded = resolve; });
      const { errorText } = await tab.call("Page.navigate", { url });
      if (errorText) throw new Error(`${url}: ${errorText}`);
      await done;
    },
    run: async (code, ...values) => { // text, or a function and its arguments
      const expression = typeof code === "string" ? code : `(${code})(...${JSON.stringify(values)})`;
      const { result, exceptionDetails } = await tab.call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    press: async (key, code) => {
      const event = { key, code: key, windowsVirtualKeyCode: code };
      tab.call("Input.dispatchKeyEvent", { ...event, type: "keyDown", text: key === "Enter" ? "\r" : undefined });
      await tab.call("Input.dispatchKeyEvent", { ...event, type: "keyUp" });
    },
    close: async () => {
      await send("Browser.close").catch(() => {});
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  chromium.stdio[4].setEncoding("utf8").on("data", (data) => {
    const messages = (rest + data).split("\0");
    rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      const answer = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) answer?.reject(new Error(message.error.message));
      else if (answer) answer.resolve(message.result);
      else if (message.method === "Page.loadEventFired") loaded?.();
      else tab.onEvent(message.method, message.params);
    }
  });
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  tab.session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  await tab.call("Page.bringToFront");
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await tab.call(domain + ".enable");
  return tab;
}
