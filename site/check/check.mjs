// Checks build/site in Chromium: every page, 1280 and 390 wide, light and dark, from file:// and over http under a
// sub-path; then breaks copies of the project, each in one way, and sees that this fails. An argument selects pages.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, readdirSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HtmlValidate } from "html-validate";
import { browser } from "./browser.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const validator = new HtmlValidate({ extends: ["html-validate:recommended"], rules: {
  "valid-id": ["error", { relaxed: true }], "no-inline-style": "off", // the number of a recorded event
  "long-title": "off", "no-trailing-whitespace": "off", "attribute-boolean-style": "off", "void-style": "off", // taste
} });
const files = (folder) => readdirSync(folder, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
const hash = (folder) => createHash("sha256").update(files(folder).map((file) => relative(folder, file)
  + createHash("sha256").update(readFileSync(file)).digest("hex")).join("\n")).digest("hex");

function serve(site) { // under /some/path/
  const types = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml", png: "image/png" };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const file = join(site, path.replace("/some/path/", ""));
    if (!path.startsWith("/some/path/") || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[file.split(".").pop()] ?? "text/plain" }).end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

// What the repository has, read here a second time and without the code that makes the pages.
function expected(root, source) {
  const text = readFileSync(join(root, source), "utf8"), folder = dirname(source), remarks = [];
  const programs = [...new Set([...text.matchAll(/\]\(([\w-]+\.cpp)\)/g)].map((match) => match[1]))]
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), "utf8") }));
  for (const [, name, list] of text.matchAll(/<!-- from (\S+) -->\n```cpp\n[^]*?\n```\n\n?((?:\d\. [^]*?)(?=\n\n(?!\d\. | )|$))/g))
    for (const item of list.split(/^\d\. /m).slice(1)) remarks.push({ name, item, code: /`([^`]+)`/.exec(item)?.[1] });
  const json = join(root, "docs/wire", folder + ".json");
  const run = existsSync(json) && /-wire\.svg\)/.test(text) ? JSON.parse(readFileSync(json, "utf8")) : null;
  const section = text.split(/^## /m).find((part) => /-wire\.svg\)/.test(part)) ?? "";
  const printed = [...section.matchAll(/<!-- printed by ([^;]*?) -->\n```text\n([^]*?)\n```/g)].map(([, command, lines]) => ({ command, lines }));
  return { folder, programs, remarks, run, printed };
}

// What two runs have in common of a line: all but numbers, and the plural of a summary.
const kind = (line) => line.replace(/\d+/g, "N").replace(/(reply|request|message|task|update)(ies|s)?$/, "$1").replace(/replies$/, "reply");
const near = (drawn, ms) => Math.abs(drawn - ms) <= 0.051; // one decimal is drawn

// These run in the page.
const inPage = {
  links: () => ({ ids: [...document.querySelectorAll("[id]")].map((one) => one.id),
    links: [...document.querySelectorAll("a[href], link[href]:not([rel=icon])")].map((one) => one.href) }),
  sideways: () => document.documentElement.scrollWidth > innerWidth,
  cut: () => [...document.querySelectorAll(".listing, .code pre, .command pre")].filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => one.textContent.trim().slice(0, 60)),
  visible: () => [...document.querySelectorAll("main *:not(button)")].filter((one) => one.checkVisibility({ visibilityProperty: true })).length,
  programs: async () => {
    const result = [];
    let copied;
    Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { copied = text; } }, configurable: true });
    for (const program of document.querySelectorAll(".program")) {
      program.querySelector("button").click();
      const lines = [...program.querySelectorAll(".l")];
      const tops = lines.map((line) => line.getBoundingClientRect().top);
      result.push({ name: program.id, copied, text: lines.map((line) => line.textContent).join(""), ids: lines.map((line) => line.id),
        down: tops.every((top, i) => !i || top > tops[i - 1]) });
    }
    return result;
  },
  remarks: () => [...document.querySelectorAll(".note:has(> .number)")].map((note) => {
    const link = note.querySelector(":scope > .number"), line = document.querySelector(`[id="${link.hash.slice(1)}"]`);
    const names = [...note.querySelectorAll("a[href^='#'] > code")].map((code) => [code.textContent,
      document.getElementById(code.parentElement.hash.slice(1))?.textContent]);
    return { program: note.closest(".program").id, line: line?.textContent, names, beside: note.getBoundingClientRect().top - line?.getBoundingClientRect().top };
  }),
  terminals: () => [...document.querySelectorAll(".replay .terminal")].map((one) => ({ name: one.querySelector("figcaption").textContent,
    lines: [...one.querySelectorAll(".l")].slice(1).map((line) => ({ text: line.textContent.replace(/\n$/, ""), row: +line.style.getPropertyValue("--i") })) })),
  rows: () => { // of the drawing: what stands beside each time
    const rows = [...document.querySelectorAll(".replay svg text.small")].filter((text) => / ms$/.test(text.textContent))
      .map((text) => ({ ms: parseFloat(text.textContent), y: +text.getAttribute("y"), line: [], frames: [] }));
    for (const box of document.querySelectorAll(".replay svg :is(.line, .error, .signal, .frame)")) {
      const row = rows.find((one) => Math.abs(one.y - 13 - box.getAttribute("y")) < 1);
      row[box.classList.contains("frame") ? "frames" : "line"].push(box.nextElementSibling.textContent);
    }
    return rows.map(({ ms, line, frames }) => ({ ms, texts: [...line, ...frames] }));
  },
  replay: async () => { // how much is not shown: before, while and after it plays
    const missing = () => [...document.querySelectorAll(".replay .l")].filter((one) => getComputedStyle(one).visibility === "hidden").length
      + [...document.querySelectorAll(".cover")].filter((one) => getComputedStyle(one).visibility === "visible").length;
    const before = missing();
    document.querySelector(".replay input").click();
    const playing = missing();
    const animations = document.getAnimations();
    for (const animation of animations) animation.finish();
    await Promise.all(animations.map((animation) => animation.finished));
    return [before, playing, missing()];
  },
};

async function check(root, only = () => true) {
  const site = join(root, "build/site"), failures = [], ids = {}, links = {};
  const fail = (page, what) => failures.push(`${page}: ${what}`);
  const pages = files(site).filter((file) => file.endsWith(".html")).map((file) => relative(site, file)).filter(only);
  const chromium = await browser(), server = await serve(site);
  const run = (name) => chromium.run(`(${inPage[name]})()`);
  const bases = [pathToFileURL(site).href + "/", `http://127.0.0.1:${server.address().port}/some/path/`];
  let page, base, weight, requests, visible;
  chromium.on((method, params) => {
    if (method === "Network.requestWillBeSent" && !params.request.url.startsWith("data:")) {
      if (!params.request.url.startsWith(base)) return fail(page, `external request ${params.request.url}`);
      const file = decodeURIComponent(params.request.url.slice(base.length).replace(/[?#].*/, ""));
      if (!requests.has(file) && existsSync(join(site, file))) weight += statSync(join(site, file)).size;
      requests.add(file);
    } else if (method === "Network.loadingFailed") fail(page, `failed request: ${params.errorText}`);
    else if (method === "Network.responseReceived" && params.response.status >= 400) fail(page, `${params.response.status} ${params.response.url}`);
    else if (method === "Log.entryAdded" && params.entry.level === "error") fail(page, params.entry.text);
    else if (method === "Runtime.exceptionThrown") fail(page, params.exceptionDetails.exception?.description);
    else if (method === "Runtime.consoleAPICalled" && params.type === "error") fail(page, "console.error");
  });
  for (page of pages) {
    for (base of bases) {
      const scripts = base.startsWith("file:");
      await chromium.call("Emulation.setScriptExecutionDisabled", { value: !scripts }); // over http all is read without them
      weight = 0, requests = new Set();
      await chromium.look(1280, false);
      await chromium.open(base + page);
      if (scripts) await chromium.run(axe);
      for (const width of [1280, 390]) for (const dark of [false, true]) {
        const look = `${base.slice(0, 4)} ${width} ${dark ? "dark" : "light"}`;
        await chromium.look(width, dark);
        if (await run("sideways")) fail(page, `${look}: scrolls sideways`);
        if (width === 1280) for (const code of await run("cut")) fail(page, `${look}: code is cut: ${code}`);
        if (!scripts) continue;
        const rules = width === 1280 && !dark ? "" : ", runOnly: ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size']";
        const found = await chromium.run(`axe.run(document, { resultTypes: ['violations'], preload: false${rules} }).then((result) => result.violations.map((one) => one.id + ' ' + one.nodes[0].html))`);
        for (const violation of found) fail(page, `${look}: axe: ${violation}`);
      }
      await chromium.look(1280, false);
      const shown = await run("visible");
      if (!scripts && shown !== visible) fail(page, `without JavaScript ${visible - shown} elements are missing`);
      visible = shown;
      if (!scripts) continue;
      if (weight > 200_000) fail(page, `weighs ${weight} bytes`);
      const there = await run("links");
      ids[page] = new Set(there.ids);
      links[page] = there.links;
      await content();
    }
    const report = await validator.validateFile(join(site, page));
    for (const message of report.results.flatMap((result) => result.messages)) fail(page, `${message.line}: ${message.ruleId}: ${message.message}`);
  }

  async function content() { // what the page of a pattern shows is what the repository has
    const source = page.replace(/index\.html$/, "README.md").replace(/index\.zh-CN\.html$/, "README.zh-CN.md");
    if (!/^[\w-]+\/index/.test(page) || !existsSync(join(root, source))) return;
    const { folder, programs, remarks, run: recorded, printed } = expected(root, source);
    const shown = await run("programs"), notes = await run("remarks");
    if (shown.map((one) => one.name).join() !== programs.map((one) => one.name).join()) fail(page, `shows ${shown.map((one) => one.name)}`);
    for (const { name, text } of programs) {
      const one = shown.find((program) => program.name === name) ?? {};
      if (one.text !== text) fail(page, `${name} is not shown as it is`);
      if (one.copied !== text) fail(page, `${name} is not copied as it is`);
      if (one.ids?.join() !== text.split("\n").slice(0, -1).map((line, i) => `${name}-${i + 1}`).join() || !one.down) fail(page, `${name}: its lines are not in order`);
      if (readFileSync(join(site, folder, name), "utf8") !== text) fail(page, `${name}: the raw file differs`);
    }
    if (notes.length !== remarks.length) fail(page, `${notes.length} of ${remarks.length} remarks`);
    for (const { name, item, code } of remarks)
      if (!programs.find((one) => one.name === name)?.text.includes(code?.replace(/\(.*\)$/, ""))) fail(page, `no ${code} in ${name}: ${item.slice(0, 50)}`);
    for (const note of notes) {
      if (!note.line || note.beside < -2) fail(page, `a remark on ${note.program} stands above its line`);
      if (!note.names.length) fail(page, `a remark on ${note.program} names nothing`);
      for (const [name, line] of note.names) if (!line?.includes(name.replace(/\(.*\)$/, ""))) fail(page, `${name} does not lead to its line`);
    }
    if (!recorded) return;
    const terminals = await run("terminals"), rows = await run("rows");
    if (terminals.length !== recorded.programs.length) fail(page, "a terminal is missing");
    for (const { name, command } of recorded.programs) {
      const lines = recorded.events.filter((event) => event.who === name), terminal = terminals.find((one) => one.name === name)?.lines ?? [];
      const texts = lines.map((event) => (event.kind === "signal" ? "^C" : event.text));
      if (terminal.map((line) => line.text).join("\n") !== texts.join("\n")) fail(page, `the terminal of ${name} differs from the recording`);
      if (lines.some((event, i) => !near(rows[terminal[i]?.row - 1]?.ms, event.ms))) fail(page, `the terminal of ${name} replays out of time`);
    }
    const kinds = new Set(recorded.events.map((event) => kind(event.text ?? ""))); // of lines: what differs between two runs are numbers
    for (const { command, lines } of printed) for (const line of lines.split("\n"))
      if (line !== "..." && !kinds.has(kind(line))) fail(page, `${command} has not printed ${line} when it was recorded`);
    const events = recorded.events.filter((event) => event.who || event.frames).map((event) => ({ ms: event.ms, texts: event.frames ?? [event.text] }));
    const drawn = rows.filter((row) => row.texts.length);
    if (drawn.length !== events.length || events.some((event, i) => !near(drawn[i].ms, event.ms) || drawn[i].texts.join("|") !== event.texts.join("|"))) fail(page, "the drawing differs from the recording");
    if (recorded.events.some((event, i) => i && event.ms < recorded.events[i - 1].ms)) fail(page, "the recording is out of order");
    const [still, playing, end] = await run("replay");
    if (still || !playing || end) fail(page, `the replay hides ${still} before it begins, then ${playing}, and ${end} at its end`);
    await chromium.look(1280, false, "reduce");
    await chromium.open(base + page);
    if ((await run("replay")).some((missing) => missing)) fail(page, "reduced motion does not stop the replay");
  }

  for (const [from, targets] of Object.entries(links)) for (const target of new Set(targets)) {
    if (!target.startsWith("file:")) continue;
    const [path, fragment] = target.slice(bases[0].length).split("#").map(decodeURIComponent);
    if (!target.startsWith(bases[0]) || !existsSync(join(site, path)) || !statSync(join(site, path)).isFile()) fail(from, `broken link ${target}`);
    else if (fragment && ids[path] && !ids[path].has(fragment)) fail(from, `no ${path}#${fragment}`);
  }
  await chromium.close();
  server.close();
  return { failures, pages: pages.length };
}

const build = (root) => execFileSync(join(root, "site/build.sh"), { stdio: ["ignore", "ignore", "pipe"] });
const before = hash(join(project, "build/site"));
try {
  build(project);
} catch (error) {
  console.error(String(error.stderr));
  process.exit(1);
}
const { failures, pages } = await check(project, (page) => page.includes(process.argv[2] ?? ""));
if (hash(join(project, "build/site")) !== before) failures.push("a second build differs");
if (statSync(join(project, "site/site.js")).size > 10_000) failures.push("site.js has more than 10 kB");

// A check that cannot fail is none: each of these changes must be seen.
const change = (file, from, to) => (root) => {
  const text = readFileSync(join(root, file), "utf8"), changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to change in ${file}`);
  writeFileSync(join(root, file), changed);
};
const mutations = {
  "nothing": () => {},
  "a transcript": change("req-rep/README.md", /(<!-- printed by build\/req-rep\/\S.*-->\n```text\n[^]*?)received/, "$1recieved"),
  "the name in a remark": change("req-rep/README.md", /^(1\. [^`]*`)[^`]+`/m, "$1zmq_nothing`"),
  "two events of the recording": (root) => {
    const file = join(root, "docs/wire/req-rep.json"), run = JSON.parse(readFileSync(file, "utf8"));
    const at = run.events.findIndex((event, i) => i && JSON.stringify({ ...event, ms: 0, arrived: 0 }) !== JSON.stringify({ ...run.events[i - 1], ms: 0, arrived: 0 }));
    run.events.splice(at - 1, 2, { ...run.events[at], ms: run.events[at - 1].ms }, { ...run.events[at - 1], ms: run.events[at].ms });
    writeFileSync(file, JSON.stringify(run));
  },
};
for (const failure of failures) console.error(failure);
for (const [name, mutate] of Object.entries(mutations)) {
  const copy = mkdtempSync(join(tmpdir(), "zmq-site-"));
  cpSync(project, copy, { recursive: true, filter: (path) => !/^(\.git|build|build-.*|node_modules)$/.test(basename(path)) });
  let seen;
  try {
    mutate(copy);
    build(copy);
    seen = (await check(copy, (page) => page === "req-rep/index.html")).failures.length > 0;
  } catch (error) {
    if (!error.stderr) throw error;
    seen = true; // the build itself has refused
  }
  rmSync(copy, { recursive: true });
  if (seen === (name !== "nothing")) continue;
  failures.push(`self-test: with ${name} changed, the check ${seen ? "fails" : "passes"}`);
  console.error(failures.at(-1));
}
console.log(`${pages} pages, ${failures.length} failures`);
process.exitCode = failures.length ? 1 : 0;
