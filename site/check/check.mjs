// Checks build/site in Chromium: every page, from file:// and over http under a sub-path, with and without JavaScript,
// 1280, 390 and 360 wide, light and dark, and as it is printed. Then breaks copies of the project, each in one way, and
// sees that this fails. An argument selects pages.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { HtmlValidate } from "html-validate";
import { browser } from "./browser.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const validator = new HtmlValidate({ extends: ["html-validate:recommended"], rules: {
  "valid-id": ["error", { relaxed: true }], "no-inline-style": "off", // the number of a recorded event
  "long-title": "off", "no-trailing-whitespace": "off", "attribute-boolean-style": "off", "void-style": "off", // taste
} });
const read = (...path) => readFileSync(join(...path), "utf8");
const files = (folder) => readdirSync(folder, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name))).sort();
const hash = (site) => files(site).reduce((sum, file) => sum.update(file + "\0").update(readFileSync(join(site, file))), createHash("sha256")).digest("hex");
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function serve(site) { // under /some/path/
  const types = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml", png: "image/png" };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname), file = join(site, path.replace("/some/path/", ""));
    if (!path.startsWith("/some/path/") || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[file.split(".").pop()] ?? "text/plain" }).end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

// What the repository has for a page, read here a second time and without the code that makes the pages.
function expected(root, page) {
  const note = /^notes\/(\d+)/.exec(page)?.[1], chinese = page.includes(".zh-CN.");
  let source = page.replace(/index(.*)html$/, "README$1md").replace(/html$/, "md");
  if (note || /^index/.test(page)) source = chinese ? "docs/README.zh-CN.md" : "README.md";
  if (!existsSync(join(root, source))) return { code: read(root, page.replace(/\.html$/, "")) };
  let text = read(root, source);
  if (/^(docs\/)?README/.test(source)) text = text.split(/^(?=## )/m).filter((part) => /^## (\d+)\. /.exec(part)?.[1] === note).join("");
  const folder = dirname(source), json = join(root, "docs/wire", folder + ".json"), remarks = [];
  const transcripts = (part = "") => [...part.matchAll(/<!-- printed by (.*?)(?:;.*)? -->\n```text\n([^]*?\n)```/g)].map(([, command, lines]) => `$ ${command}\n${lines}`);
  for (const [, name, list] of text.matchAll(/<!-- from (\S+) -->\n```cpp\n[^]*?\n```\n\n?((?:\d\. [^]*?)(?=\n\n(?!\d\. | )|$))/g))
    for (const item of list.split(/^\d\. /m).slice(1)) remarks.push({ name, item, code: /`([^`]+)`/.exec(item)?.[1] });
  return {
    folder, remarks, printed: transcripts(text),
    programs: /^[\w-]+\/index/.test(page) && !/^(docs|notes)/.test(page) ? [...new Set([...text.matchAll(/\]\(([\w-]+\.cpp)\)/g)].map((match) => match[1]))].map((name) => ({ name, text: read(root, folder, name) })) : [],
    blocks: [...text.matchAll(/^( *)```.*\n([^]*?\n)\1```/gm)].map(([, indent, block]) => block.replaceAll(new RegExp("^" + indent, "gm"), "")),
    claims: [...text.matchAll(/^- \*\*(\d+\.[\d.]*\d\w?)\*\*/gm)].map((match) => "claim-" + match[1]),
    run: existsSync(json) && /-wire\.svg\)/.test(text) ? JSON.parse(read(json)) : null,
    beside: transcripts(text.split(/^## /m).find((part) => /-wire\.svg\)/.test(part))),
  };
}

// What two runs have in common of a line: all but numbers (not those of an endpoint), and the plural of a summary.
const kind = (line) => line.replace(/(?<![:.\d])\d+/g, "N").replace(/(reply|request|message|task|update)(ies|s)?$/, "$1").replace(/replies$/, "reply");
// A summary counts the lines above it (a proxy prints two for each request), as often as --count says to each peer.
function adds_up([command, ...lines]) {
  const at = lines.findIndex((line) => /^\d+ (of \d+ )?[a-z]+( in order)?$/.test(line)), sum = parseInt(lines[at]);
  if (at < 0 || lines.includes("...")) return true;
  return sum === lines.slice(0, at).filter((line) => !/^(listening on|reply|\w+:) /.test(line)).length && sum % (/--count (\d+)/.exec(command)?.[1] ?? 1) === 0;
}
const near = (drawn, ms) => Math.abs(drawn - ms) <= 0.051; // one decimal is drawn

// These run in the page.
const all = (selector) => [...document.querySelectorAll(selector)];
const missing = () => all(".replay .l").filter((one) => getComputedStyle(one).visibility === "hidden").length
  + all(".cover").filter((one) => getComputedStyle(one).visibility === "visible").length;
const helpers = `var all = ${all}, missing = ${missing};`;
const sideways = () => document.documentElement.scrollWidth > document.documentElement.clientWidth;
const cut = () => all(".listing, .wire, pre").filter((one) => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent.trim().slice(0, 60));
const wrapped = () => all(".listing .l").filter((one) => one.getBoundingClientRect().height > 1.5 * parseFloat(getComputedStyle(one).lineHeight)).map((one) => one.id);
const inks = () => [...new Set(all("body *").map(getComputedStyle).flatMap(({ color, backgroundColor, fill }) => [color, backgroundColor, fill]))].sort();
const shown = () => all("main *:not(button)").filter((one) => one.checkVisibility({ visibilityProperty: true })).length;
const contents = (open) => { document.querySelector("details").open = open; };
const violations = async () => {
  const { violations } = await axe.run(document.querySelector("details[open] > nav") ?? document, // a WCAG 2.2 rule is off by default
    { resultTypes: ["violations"], preload: false, rules: { "target-size": { enabled: true } } });
  return violations.map((one) => `${one.id} ${one.nodes[0].html}`);
};
const contrast = () => { // of the words in the drawings of the wire, which axe does not see
  const light = (colour) => colour.match(/[\d.]+/g).slice(0, 3).reduce((sum, part, i) => sum + (part / 255) ** 2.2 * [0.2126, 0.7152, 0.0722][i], 0.05);
  return all(".wire svg text").filter((text) => {
    const box = text.previousElementSibling, fill = box?.matches("rect") ? getComputedStyle(box).fill : "none";
    const ground = fill === "none" ? getComputedStyle(document.body).backgroundColor : fill;
    const [low, high] = [light(getComputedStyle(text).fill), light(ground)].sort((a, b) => a - b);
    return high / low < 4.5;
  }).map((text) => text.textContent);
};
const facts = () => {
  const href = (selector) => document.querySelector(selector)?.href;
  return {
    ids: all("[id]").map((one) => one.id), links: all("a[href], link[href]:not([rel=icon])").map((one) => one.href),
    next: href("a[rel=next]"), before: href("a[rel=prev]"), language: href("a.language"), alternates: all("link[rel=alternate]").map((one) => one.href),
    scripts: all("script").map((one) => one.src), code: all("pre").map((one) => one.textContent).join(""),
    printed: all(".terminal").filter((one) => !one.closest(".replay")).map((one) => one.querySelector("pre").textContent),
    claims: all(".claim").map((one) => one.id + (one.querySelector(".proof a[href*='#L']") && one.querySelector(".proof .command") ? "" : " without its test")),
  };
};
const listen = () => { // to where the focus goes; returns where it should
  window.stops = [];
  const name = (one) => one.outerHTML.slice(0, 90);
  addEventListener("focusin", ({ target }) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(target), box = target.getBoundingClientRect();
    const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && box.left >= 0 && box.width > 4 && box.height > 4;
    stops.push(name(target) + (seen && !target.matches("a:empty") ? "" : " is not seen"));
  });
  return all("a, button, input, summary, [tabindex]").filter((one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true })).map(name);
};
const skipped = () => location.hash === "#main" && !document.activeElement.closest("header.top");
const arrow = () => {
  document.activeElement.blur();
  window.followed = !document.querySelector("a[rel=next]");
  document.querySelector("a[rel=next]")?.addEventListener("click", (event) => { event.preventDefault(); window.followed = true; });
};
const programs = () => {
  let copied;
  Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { copied = text; } }, configurable: true });
  return all(".program").map((program) => {
    program.querySelector("button").click();
    const lines = [...program.querySelectorAll(".l")], tops = lines.map((line) => line.getBoundingClientRect().top);
    return { name: program.id, copied, text: lines.map((line) => line.textContent).join(""), ids: lines.map((line) => line.id),
      down: tops.every((top, i) => !i || top > tops[i - 1]) };
  });
};
const remarks = () => all(".note:has(> .number)").map((note) => {
  const line = document.getElementById(note.querySelector(":scope > .number").hash.slice(1));
  const names = [...note.querySelectorAll("a[href^='#'] > code")].map((code) => [code.textContent, document.getElementById(code.parentElement.hash.slice(1))?.textContent]);
  return { program: note.closest(".program").id, line: line?.textContent, names, beside: note.getBoundingClientRect().top - line?.getBoundingClientRect().top };
});
const terminals = () => all(".replay .terminal").map((one) => ({ name: one.querySelector("figcaption").textContent, text: one.querySelector("pre").textContent,
  rows: [...one.querySelectorAll(".l")].slice(1).map((line) => +line.style.getPropertyValue("--i")) }));
const drawing = () => { // its rows: what stands beside each time
  const rows = all(".replay svg text.small").filter((text) => / ms$/.test(text.textContent))
    .map((text) => ({ ms: parseFloat(text.textContent), y: +text.getAttribute("y"), line: [], frames: [] }));
  for (const box of all(".replay svg :is(.line, .error, .signal, .frame)"))
    rows.find((one) => Math.abs(one.y - 13 - box.getAttribute("y")) < 1)[box.classList.contains("frame") ? "frames" : "line"].push(box.nextElementSibling.textContent);
  return rows.map(({ ms, line, frames }) => ({ ms, texts: [...line, ...frames] }));
};
const play = () => document.querySelector(".replay input").click();
const finish = () => document.getAnimations().forEach((animation) => animation.finish());

async function check(root, tabs, only = () => true) {
  const site = join(root, "build/site"), failures = [], known = {}, sizes = {};
  const fail = (page, what) => failures.push(`${page}: ${what}`);
  const server = await serve(site), file = pathToFileURL(site).href + "/", http = `http://127.0.0.1:${server.address().port}/some/path/`;
  const pages = files(site).filter((name) => name.endsWith(".html") && only(name)), waiting = [...pages];
  await Promise.all(tabs.map(async (tab) => {
    for (let page; (page = waiting.shift());) await visit(tab, page, (what) => fail(page, what));
  }));
  server.close();

  async function visit(tab, page, wrong) {
    const report = await validator.validateString(read(site, page)), source = expected(root, page);
    for (const message of report.results.flatMap((result) => result.messages)) wrong(`${message.line}: ${message.ruleId}: ${message.message}`);
    let elements;
    for (const [base, scripts] of [[file, true], [http, true], [http, false]]) {
      const way = `${base.slice(0, 4)}${scripts ? "" : " without JavaScript"}`, requests = new Set();
      tab.onEvent = (method, params) => {
        if (method === "Network.requestWillBeSent" && !params.request.url.startsWith("data:")) {
          if (!params.request.url.startsWith(base)) wrong(`external request ${params.request.url}`);
          requests.add(decodeURIComponent(params.request.url.slice(base.length).replace(/[?#].*/, "")));
        } else if (method === "Network.loadingFailed") wrong(`failed request: ${params.errorText}`);
        else if (method === "Network.responseReceived" && params.response.status >= 400) wrong(`${params.response.status} ${params.response.url}`);
        else if (method === "Log.entryAdded" && params.entry.level === "error") wrong(params.entry.text);
        else if (method === "Runtime.exceptionThrown") wrong(params.exceptionDetails.exception?.description);
        else if (method === "Runtime.consoleAPICalled" && params.type === "error") wrong("console.error");
      };
      const open = async (look) => {
        await tab.look(1280, look);
        await tab.open(base + page);
        await tab.run(helpers);
      };
      await tab.call("Emulation.setScriptExecutionDisabled", { value: !scripts });
      await open();
      const size = [...requests].reduce((sum, name) => sum + (existsSync(join(site, name)) ? statSync(join(site, name)).size : 0), 0);
      if (base === file) await tab.run(axe);
      for (const width of [1280, 390, 360]) for (const dark of [false, true]) {
        const look = `${way} ${width} ${dark ? "dark" : "light"}:`;
        await tab.look(width, { dark });
        if (await tab.run(sideways)) wrong(`${look} scrolls sideways`);
        if (width === 1280) for (const code of await tab.run(cut)) wrong(`${look} code is cut: ${code}`);
        if (base !== file) continue;
        for (const text of await tab.run(contrast)) wrong(`${look} too little contrast: ${text}`);
        if (width !== 360) for (const violation of await tab.run(violations)) wrong(`${look} axe: ${violation}`);
        await tab.run(contents, true);
        if (width !== 360) for (const violation of await tab.run(violations)) wrong(`${look} axe in the contents: ${violation}`);
        if (await tab.run(sideways)) wrong(`${look} scrolls sideways with its contents open`);
        await tab.run(contents, false);
      }
      await tab.look(717, { print: true }); // A4 without its margins
      for (const code of await tab.run(cut)) wrong(`code is cut in print: ${code}`);
      for (const line of await tab.run(wrapped)) wrong(`a line wraps in print: ${line}`);
      const ink = await tab.run(inks);
      await tab.look(717, { print: true, dark: true });
      if (!same(ink, await tab.run(inks))) wrong("is dark in print");
      await tab.look(1280);
      elements ??= await tab.run(shown);
      if (elements !== await tab.run(shown)) wrong(`${way}: ${elements - await tab.run(shown)} elements are missing`);
      if (base === file) {
        sizes[page] = size;
        known[page] = await tab.run(facts);
        await content(tab, source, known[page], page, wrong);
        await open();
        await keyboard(tab, wrong);
      }
      if (!source.run) continue;
      await open();
      const hides = [await tab.run(missing)];
      await tab.run(play);
      hides.push(await tab.run(missing));
      await tab.look(1280, { print: true });
      hides.push(await tab.run(missing));
      await tab.look(1280);
      await tab.run(finish);
      hides.push(await tab.run(missing));
      if (hides[0] || !hides[1] || hides[2] || hides[3]) wrong(`${way}: the replay hides ${hides[0]} before it begins, then ${hides[1]}, ${hides[2]} in print, and ${hides[3]} at its end`);
      await open({ still: true });
      await tab.run(play);
      if (await tab.run(missing)) wrong(`${way}: reduced motion does not stop the replay`);
    }
    if (sizes[page] > 200_000) wrong(`weighs ${sizes[page]} bytes`);
  }

  async function keyboard(tab, wrong) {
    const wanted = await tab.run(listen);
    await Promise.all(wanted.map(() => tab.press("Tab", 9)));
    const stops = await tab.run("stops"), at = wanted.findIndex((stop, i) => stop !== stops[i]);
    if (at >= 0 || !/class="skip"/.test(stops[0])) wrong(`the keyboard reaches ${stops[at]} instead of ${wanted[at]}`);
    await tab.run("document.querySelector('.skip').focus()");
    await tab.press("Enter", 13);
    await tab.press("Tab", 9);
    if (!await tab.run(skipped)) wrong("the skip link does not skip");
    await tab.run(arrow);
    await tab.press("ArrowRight", 39);
    if (!await tab.run("followed")) wrong("the arrow key does not lead to the next page");
  }

  async function content(tab, source, page, name, wrong) { // what the page shows is what the repository has
    if (source.code !== undefined) return page.code === source.code || wrong("is not the whole source");
    if (!same([...page.printed].sort(), [...source.printed].sort())) wrong("its transcripts are not those of the Markdown page");
    for (const block of source.blocks) {
      const indent = block.match(/^ */)[0]; // only a program itself shows it
      const shown = block.trimEnd().slice(indent.length).replaceAll("\n" + indent, "\n");
      if (!page.code.includes(block.trimEnd()) && !page.code.includes(shown)) wrong(`lacks the block ${block.slice(0, 50)}`);
    }
    for (const lines of source.printed.map((text) => text.split("\n"))) if (!adds_up(lines)) wrong(`a summary does not count its lines: ${lines}`);
    if (!same(page.claims, source.claims)) wrong(`has the claims ${page.claims}, not ${source.claims}`);
    const listings = await tab.run(programs), notes = await tab.run(remarks);
    if (!same(listings.map((one) => one.name), source.programs.map((one) => one.name))) wrong(`shows ${listings.map((one) => one.name)}`);
    for (const { name, text } of source.programs) {
      const one = listings.find((program) => program.name === name) ?? {};
      if (one.text !== text) wrong(`${name} is not shown as it is`);
      if (one.copied !== text) wrong(`${name} is not copied as it is`);
      if (!same(one.ids, text.split("\n").slice(0, -1).map((_, i) => `${name}-${i + 1}`)) || !one.down) wrong(`${name}: its lines are not in order`);
      if (read(site, source.folder, name) !== text) wrong(`${name}: the raw file differs`);
    }
    if (source.programs.length && notes.length !== source.remarks.length) wrong(`${notes.length} of ${source.remarks.length} remarks`);
    for (const { name, item, code } of source.programs.length ? source.remarks : [])
      if (!source.programs.find((one) => one.name === name)?.text.includes(code?.replace(/\(.*\)$/, ""))) wrong(`no ${code} in ${name}: ${item.slice(0, 50)}`);
    for (const note of notes) {
      if (!note.line || note.beside < -2) wrong(`a remark on ${note.program} stands above its line`);
      if (!note.names.length) wrong(`a remark on ${note.program} names nothing`);
      for (const [name, line] of note.names) if (!line?.includes(name.replace(/\(.*\)$/, ""))) wrong(`${name} does not lead to its line`);
    }
    if (source.run) await recording(tab, source, wrong);
  }

  async function recording(tab, { run, beside }, wrong) {
    const screens = await tab.run(terminals), rows = await tab.run(drawing), kinds = {};
    if (screens.length !== run.programs.length) wrong("a terminal is missing");
    for (const { name, command } of run.programs) {
      const lines = run.events.filter((event) => event.who === name), screen = screens.find((one) => one.name === name);
      const texts = lines.map((event) => (event.kind === "signal" ? "^C" : event.text));
      if (screen?.text !== [`$ ${command}`, ...texts, ""].join("\n")) wrong(`the terminal of ${name} differs from the recording`);
      if (lines.some((event, i) => !near(rows[screen?.rows[i] - 1]?.ms, event.ms))) wrong(`the terminal of ${name} replays out of time`);
      if (!adds_up([command, ...texts.filter((text) => text !== "^C")])) wrong(`the summary of ${name} does not count its lines`);
      (kinds[command.split(" ")[0]] ??= []).push(...texts.map(kind));
    }
    for (const [command, ...lines] of beside.map((text) => text.trimEnd().split("\n"))) for (const line of lines) // what differs between two runs are numbers
      if (!/--quiet/.test(command) && line !== "..." && !kinds[command.split(" ")[1]]?.some((one) => one === kind(line) || one.startsWith(kind(line) + ","))) wrong(`${command} has not printed ${line} when it was recorded`);
    const events = run.events.filter((event) => event.who || event.frames), drawn = rows.filter((row) => row.texts.length);
    if (drawn.length !== events.length || events.some(({ ms, frames, text }, i) => !near(drawn[i].ms, ms) || !same(drawn[i].texts, frames ?? [text]))) wrong("the drawing differs from the recording");
    if (run.events.some((event, i) => i && event.ms < run.events[i - 1].ms)) wrong("the recording is out of order");
  }

  const name = (url) => decodeURIComponent(url.slice(file.length).replace(/#.*/, ""));
  for (const [page, { links, scripts, before, language, alternates }] of Object.entries(known)) {
    for (const target of new Set(links)) {
      const path = name(target), fragment = decodeURIComponent(target.split("#")[1] ?? "");
      if (!target.startsWith("file:")) continue;
      if (!target.startsWith(file) || !existsSync(join(site, path)) || !statSync(join(site, path)).isFile()) fail(page, `broken link ${target}`);
      else if (fragment && known[path] && !known[path].ids.includes(fragment)) fail(page, `no ${path}#${fragment}`);
    }
    if (!same(scripts.map(name), ["site.js"])) fail(page, `runs ${scripts}`);
    const sister = page.includes(".zh-CN.") ? page.replace(".zh-CN", "") : page.replace(/html$/, "zh-CN.html");
    if (existsSync(join(site, sister)) !== (!!language && name(language) === sister && same(alternates, [file + page, language]))) fail(page, "does not lead to the same page in the other language");
    if (before && known[name(before)] && known[name(before)].next !== file + page) fail(page, "is not next to the page before it");
    if (!before && !/^index/.test(page) && expected(root, page).code === undefined) fail(page, "is not on the reading path");
  }
  return { failures, sizes };
}

// A check that cannot fail is none. Each of these changes must be seen, with these words: the first by the build, the
// others by the check. (file, from, to, what is said)
const page = "req-rep/README.md", recorded = "docs/wire/req-rep.json", css = "build/site/site.css", made = "build/site/req-rep/index.html";
const refused = [
  [page, "4. `zmq_send`", "4. `zmq_nothing`", "remark 4 on server.cpp names nothing"],
  [page, "requester(zmq_socket(", "requester(socket(", "client.cpp does not have the lines"],
  ["req-rep/server.cpp", "++requests;", "requests += 1;", "server.cpp does not have the lines"],
  [recorded, /(\{"ms": )([\d.]+)(.*"received Hello"\},\n.*\{"ms": )([\d.]+)/, "$1$4$3$2", "what server printed: received Hello"], // two events
  [recorded, "received World", "received Earth", "what client printed: received Earth"],
  [page, "(../README.md#11-errors)", "(../README.md#11-error)", "a link leads nowhere"],
];
const checked = [
  [page, "1. `zmq_bind`", "1. `zmq_nothing`", "no zmq_nothing in server.cpp"],
  [page, "received Hello\nreceived Hello\n", "received Hello\nrecieved Hello\n", "has not printed recieved Hello"],
  [page, "3 replies", "4 replies", "received World,4 replies"],
  [page, "received Hello\n1 request\n", "1 request\n", "listening on tcp://127.0.0.1:5555,1 request"],
  [page, "listening on tcp://127.0.0.1:5555\nreceived Hello\n", "listening on tcp://127.0.0.1:5556\nreceived Hello\n", "has not printed listening on tcp://127.0.0.1:5556"],
  [recorded, "--count 2", "--count 3", "the summary of client does not count its lines"],
  [recorded, '["", "World"]', '["World"]', "the drawing differs from the recording"],
  [made, '<b>$</b> <span class="word">build/req-rep/server</span>', '<b>$</b> <span class="word">build/req-rep/servant</span>', "its transcripts are not"],
  [made, /<span class="l" id="server.cpp-9">[^]*?\n<\/span>/, "", "server.cpp is not shown as it is"],
  [made, /(<a class="number" href="#client.cpp-)\d+/, "$129", "a remark on client.cpp stands above its line"],
  [made, 'href="#tests"', 'href="#test"', "no req-rep/index.html#test"],
  [made, 'href="../site.css"', 'href="../site.css" id="main"', "no-dup-id"],
  [made, "</head>", '<script src="https://example.org/a.js"></script></head>', "external request"],
  [made, 'tabindex="-1" aria-hidden="true"', "", "the keyboard reaches"],
  [made, 'rel="next"', 'rel="up"', "is not next to"],
  [css, "body {", "body { min-width: 380px;", "file 360 light: scrolls sideways"],
  [css, "--comment: #98a5b1", "--comment: #5a6672", "file 390 dark: axe: color-contrast"],
  [css, "(prefers-reduced-motion: no-preference)", "(min-width: 0)", "reduced motion does not stop"],
  [css, "@keyframes come { from", "@keyframes come { from, to", "at its end"],
  [css, "pre, .listing .l { white-space: pre-wrap }", ".command pre { white-space: pre; width: 3rem; flex: none }", "is cut in print"],
  [css, "@media screen and (prefers-color-scheme: dark) { :root", "@media (prefers-color-scheme: dark) { :root", "is dark in print"],
];
const build = (root) => promisify(execFile)(join(root, "site/build.sh"), { env: { ...process.env, LC_ALL: "C", TZ: "Asia/Tokyo" } });
async function with_copy(changes, work) {
  const copy = mkdtempSync(join(tmpdir(), "zmq-site-"));
  const change = (there) => changes.filter(([file]) => there === file.startsWith("build/")).forEach(([file, from, to]) => {
    const text = read(copy, file);
    if (text.replace(from, to) === text) failures.push(`${file} does not have ${from}`);
    writeFileSync(join(copy, file), text.replace(from, to));
  });
  cpSync(project, copy, { recursive: true, filter: (path) => !/^(\.git|build|build-.*)$/.test(basename(path)) });
  change(false);
  let said = await build(copy).catch((error) => error.stderr);
  if (typeof said === "object") {
    change(true);
    said = await work(copy);
  }
  rmSync(copy, { recursive: true });
  for (const [file, from, , words] of changes) if (!said.includes(words)) failures.push(`nothing says "${words}" when ${file} is changed at ${from}`);
}

const tabs = await Promise.all([browser(), browser()]);
const { failures, sizes } = await check(project, tabs, (name) => name.includes(process.argv[2] ?? ""));
await with_copy([], async (copy) => hash(join(copy, "build/site")) === hash(join(project, "build/site")) || failures.push("a second build, in another folder, differs"));
await with_copy(refused, () => "");
await with_copy(checked, async (copy) => (await check(copy, tabs, (name) => /^(retry-)?req-rep\/index.html/.test(name))).failures.join("\n"));
await Promise.all(tabs.map((tab) => tab.close()));
const script = statSync(join(project, "build/site/site.js")).size;
if (script > 10_000) failures.push(`site.js has ${script} bytes`);
for (const failure of failures) console.error(failure);
const [heaviest, bytes] = Object.entries(sizes).sort((a, b) => b[1] - a[1])[0];
console.log(`${Object.keys(sizes).length} pages, the heaviest (${heaviest}) of ${bytes} bytes, site.js of ${script} bytes; ${failures.length} failures`);
process.exitCode = failures.length ? 1 : 0;
