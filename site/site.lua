-- Makes all pages of build/site in one run of pandoc, which calls this as a filter of an empty document.
-- $PAGES lists the Markdown files, $SITE is the folder to write to. A file X.md becomes X.html beside
-- where it stands, README.md index.html; the numbered sections of README.md become notes/N-NAME.html.
local stringify, site = pandoc.utils.stringify, os.getenv("SITE") .. "/"
local pages, by_source, sources, copied = {}, {}, {}, {}
local words = {
  en = {skip = "Skip to the page", contents = "Contents", patterns = "Patterns", notes = "Notes", more = "More",
        along = "Along the reading path", copy = "Copy", copied = "Copied", raw = "raw file", here = "On this page",
        tests = "Tests", run = "Run them", cites = "Notes cited", other = "中文", other_lang = "zh-CN",
        replay = "Replay this recorded run, slowed down", wire = "The same run on the wire", table = "Table",
        code = "Code"},
  ["zh-CN"] = {skip = "跳到正文", contents = "目录", patterns = "模式", notes = "笔记", more = "其他",
        along = "上一页与下一页", copy = "复制", copied = "已复制", raw = "源文件", here = "本页内容",
        tests = "测试", run = "运行", cites = "引用的笔记", other = "English", other_lang = "en",
        replay = "慢速回放这次录制的运行", wire = "同一次运行在线路上的情形", table = "表格",
        code = "代码"}}

-- Files, paths and texts ------------------------------------------------------------------------------

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end
local function write(path, text)
  local file = assert(io.open(site .. path, "wb"))
  file:write(text)
  file:close()
end
local function folder_of(path) return path:match("^(.*/)") or "" end
local function normal(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then table.remove(parts) elseif part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/") .. (path:match("/$") or "")
end
local function up(page) return (folder_of(page.out):gsub("[^/]+/", "../")) end
local function escape(text)
  return (text:gsub("[&<>\"]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}))
end
local function html(text, ...) return pandoc.RawBlock("html", select("#", ...) > 0 and text:format(...) or text) end
local function walk(blocks, filter) return pandoc.walk_block(pandoc.Div(blocks), filter).content end
local function render(blocks) return pandoc.write(pandoc.Pandoc(blocks), "html") end
local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end
local function decode(text)  -- JSON
  local at = 1
  local function token(pattern)
    local from, to, found = text:find("^%s*(" .. pattern .. ")", at)
    if from then at = to + 1 end
    return found
  end
  local escapes = {n = "\n", t = "\t", r = "\r", b = "\b", f = "\f"}
  local function value()
    if token("{") then
      local object = {}
      while not token("}") do
        local key = value()
        assert(token(":"))
        object[key] = value()
        token(",")
      end
      return object
    elseif token("%[") then
      local list = {}
      while not token("%]") do
        list[#list + 1] = value()
        token(",")
      end
      return list
    elseif token('"') then
      local from = at
      repeat
        local char = text:sub(at, at)
        at = at + (char == "\\" and 2 or 1)
      until char == '"'
      return (text:sub(from, at - 2):gsub("\\u(%x%x%x%x)", function(code) return utf8.char(tonumber(code, 16)) end)
        :gsub("\\(.)", function(char) return escapes[char] or char end))
    end
    local word = token("[%w+.-]+")
    if word == "true" or word == "false" then return word == "true" end
    return tonumber(word)
  end
  return value()
end

-- Where a link leads ----------------------------------------------------------------------------------

local function add(page)
  pages[#pages + 1] = page
  page.ids = {}
  return page
end

-- A source that is no program of a pattern has a page of its own.
local function source_page(path)
  if not sources[path] and read(path) then
    sources[path] = add {source = path, out = path .. ".html", lang = "en", title = path, kind = "source"}
  end
  return sources[path]
end

local function copy(path)
  if not copied[path] then
    local text = read(path)
    if not text then return nil end
    copied[path] = true
    write(path, text)
  end
  return path
end

local function link_to(page, other, fragment)
  if other == page and fragment then return "#" .. fragment end
  return up(page) .. other.out .. (fragment and "#" .. fragment or "")
end

-- Where url, as it stands in page's source, leads on the site; nil if there is no such place.
local function resolve(page, url, text)
  if url:find("^%a+:") then return url end
  local path, fragment = url:match("^([^#]*)#?(.*)$")
  path = path == "" and page.source or normal(folder_of(page.source) .. path)
  if fragment == "" then fragment = nil end
  if path:find("/$") or read(path .. "/README.md") then
    path = path:gsub("/$", "")
    local sister = path .. "/README.zh-CN.md"
    path = page.lang == "zh-CN" and by_source[sister] and sister or path .. "/README.md"
  end
  local found = by_source[path]
  if found then
    local claim = text and text:match("^%d+%.[%d.]*%d%a?$") and "claim-" .. text
    for _, part in ipairs(found) do
      if claim and part.ids[claim] then return link_to(page, part, claim) end
    end
    for _, part in ipairs(found) do
      if fragment and part.ids[fragment] then return link_to(page, part, fragment ~= part.top and fragment or nil) end
    end
    return not fragment and link_to(page, found[1]) or nil
  end
  local pattern, program = path:match("^([^/]+)/([^/]+%.cpp)$")
  local of = pattern and (page.lang == "zh-CN" and by_source[pattern .. "/README.zh-CN.md"] or by_source[pattern .. "/README.md"])
  if of and of[1].kind == "pattern" then return link_to(page, of[1], program) end
  if path:find("%.[ch]pp$") and source_page(path) then return link_to(page, source_page(path)) end
  if path:find("/README%.md$") then  -- a folder without a page: its main header, if it has one
    local header = path:gsub("([^/]+)/README%.md$", "%1/%1.hpp")
    return source_page(header) and link_to(page, source_page(header))
  end
  if path:find("%.png$") and copy(path:gsub("png$", "svg")) then return up(page) .. path:gsub("png$", "svg") end
  return copy(path) and up(page) .. path
end

-- Code ------------------------------------------------------------------------------------------------

local function highlight(text, class)
  local block = pandoc.CodeBlock(text:gsub("\n$", ""), pandoc.Attr("", {class}))
  local lines = lines_of(render({block}):match("<code[^>]*>(.*)</code>"))
  for i, line in ipairs(lines) do
    lines[i] = line:gsub('^<span id="[^"]*"><a [^>]*></a>(.*)</span>$', "%1")
  end
  return lines
end

local function copy_button(page)
  local say = words[page.lang]
  return ('<button type="button" class="copy" hidden data-done="%s">%s</button>'):format(say.copied, say.copy)
end

local function command(page, text)
  return ('<div class="command"><pre tabindex="0"><code>%s</code></pre>%s</div>'):format(escape(text), copy_button(page))
end

local function code_block(page, block)
  local class = block.classes[1] or ""
  if not block.text:find("\n") and (class == "text" or class == "sh") then return html(command(page, block.text)) end
  local lines = (class == "text" or class == "") and {escape(block.text)} or highlight(block.text, class)
  return html('<div class="code"><pre tabindex="0"><code>' .. table.concat(lines, "\n") .. "</code></pre></div>")
end

-- A program with its remarks: a list of {line, number, blocks}. Each remark floats beside its line.
local function listing(page, path, name, remarks, quoted)
  local text, say = read(path), words[page.lang]
  local out, note, lines = {}, 1, highlight(text, "cpp")
  out[1] = ('<section class="program" id="%s" aria-labelledby="%s-name"><header><h3 id="%s-name">%s</h3>%s<a href="%s%s">%s</a></header>')
    :format(name, name, name, name, copy_button(page), up(page), copy(path), say.raw)
  out[2] = ('<div class="listing%s" tabindex="0" role="region" aria-label="%s: %s"><div class="lines"><pre><code>')
    :format(#remarks > 0 and " noted" or "", say.code, name)
  for number, line in ipairs(lines) do
    local marked = false
    while remarks[note] and remarks[note].line == number do
      if not marked then out[#out + 1] = "</code></pre>\n" end
      local remark = remarks[note]
      local label = remark.number and ('<a class="number" href="#%s-%d">%d</a>'):format(name, number, remark.number) or ""
      out[#out + 1] = '<div class="note">' .. label .. render(remark.blocks) .. "</div>\n"
      marked, note = true, note + 1
    end
    if marked then out[#out + 1] = "<pre><code>" end
    out[#out + 1] = ('<span class="%s" id="%s-%d"><a href="#%s-%d" tabindex="-1" aria-hidden="true"></a>%s\n</span>')
      :format(quoted[number] and "l q" or "l", name, number,
              name, number, line)
  end
  out[#out + 1] = "</code></pre></div></div></section>"
  return html((table.concat(out):gsub("<pre><code></code></pre>\n", "")))
end

-- Beside each quoted part of a program stand remarks. A remark belongs to the line that it names: of those
-- quoted, at or after the line of the remark before it, if that can be. Its names link to their lines.
local function remarks_on(page, path, name, quotes)
  local source, result, quoted = lines_of(read(path)), {}, {}
  for _, quote in ipairs(quotes) do
    local wanted, first = lines_of(quote.text), nil
    for start = 1, #source - #wanted + 1 do
      local same = true
      for i = 1, #wanted do same = same and source[start + i - 1] == wanted[i] end
      if same then first = start break end
    end
    if not first then error(page.source .. " quotes what does not stand in " .. path .. ":\n" .. quote.text) end
    local last = first + #wanted - 1
    for number = first, last do quoted[number] = true end
    local function find(text, from, to)
      for number = from, to do
        if source[number]:find(text, 1, true) and not source[number]:find("^%s*//") then return number end
      end
    end
    local function line_of(code, after)
      local text = code.text:gsub("%(.*%)$", "")
      if #text < 2 then return nil end
      return find(text, after, last) or find(text, first, last) or find(text, 1, #source)
    end
    local before = first
    if #quote.before > 0 then result[#result + 1] = {line = #result == 0 and 1 or first, order = #result, blocks = quote.before} end
    for number, blocks in ipairs(quote.remarks) do
      local at
      blocks = walk(blocks, {Code = function(code)
        local line = line_of(code, before)
        if not line then return nil end
        if not at or (at < first or at > last) and line >= first and line <= last then at = line end
        return pandoc.Link({code}, "#" .. name .. "-" .. line)
      end})
      if not at then error(page.source .. ": remark " .. number .. " on " .. name .. " names nothing that stands there") end
      if at >= first and at <= last then before = at end
      result[#result + 1] = {line = at, order = #result, number = true, blocks = blocks}
    end
  end
  table.sort(result, function(a, b) return a.line < b.line or a.line == b.line and a.order < b.order end)
  local count = 0
  for _, remark in ipairs(result) do
    if remark.number then count = count + 1; remark.number = count end
  end
  return result, quoted
end

-- What was printed ------------------------------------------------------------------------------------

local function terminal(page, caption, lines)
  return ('<figure class="terminal">%s<pre tabindex="0">%s</pre></figure>\n')
    :format(caption and "<figcaption>" .. caption .. "</figcaption>" or "", table.concat(lines))
end

local function transcript(page, one)
  local lines = {('<span class="l"><b>$</b> %s\n</span>'):format(escape(one.command))}
  for _, line in ipairs(lines_of(one.text)) do lines[#lines + 1] = '<span class="l">' .. escape(line) .. "\n</span>" end
  return terminal(page, one.caption and render({pandoc.Plain(one.caption)}), lines)
end

-- A recorded run: a terminal for each program, and the drawing of what went between them. Each line and each part of
-- the drawing has the number of its event, for the style sheet to show them one after the other.
local function replay(page, run, drawing, caption)
  local say, out, number = words[page.lang], {}, 0
  for _, program in ipairs(run.programs) do
    local lines = {('<span class="l"><b>$</b> %s\n</span>'):format(escape(program.command))}
    for i, event in ipairs(run.events) do
      if event.who == program.name then
        lines[#lines + 1] = ('<span class="l%s" style="--i:%d">%s\n</span>'):format(event.kind == "signal" and " key" or event.stream == "err" and " err" or "", i, escape(event.text))
      end
    end
    out[#out + 1] = terminal(page, escape(program.name), lines)
  end
  local svg = drawing:gsub("^<%?xml.-%?>%s*", ""):gsub('<g class="event"', function()
    number = number + 1
    return '<g class="event" style="--i:' .. number .. '"'
  end)
  if number ~= #run.events then error(page.source .. ": its drawing has " .. number .. " events, its recording " .. #run.events) end
  return html('<div class="replay" style="--step:%.2fs;--all:%d"><div class="head"><label class="play"><input type="checkbox"> %s</label><p>%s</p></div><div class="terminals">%s</div>'
    .. '<div class="wire" tabindex="0" role="region" aria-label="%s">%s</div></div>', math.min(0.5, 20 / #run.events), #run.events,
    say.replay, caption and render({pandoc.Plain(caption)}) or "", table.concat(out), say.wire, svg)
end

local function recorded(run, command)
  for _, program in ipairs(run and run.programs or {}) do
    if program.command == command then
      local lines = {}
      for _, event in ipairs(run.events) do
        if event.kind == "line" and event.who == program.name then lines[#lines + 1] = event.text end
      end
      return table.concat(lines, "\n")
    end
  end
end

-- The tests of a source file: {name, line} in their order.
local function tests_of(path)
  local tests, text = {}, read(path)
  if not text then return tests end
  for at, arguments in text:gmatch("()TEST_CASE(%b())") do
    local name = arguments:gsub('"%s*\n%s*"', ""):match('^%(%s*"(.-[^\\])"')
    local _, line = text:sub(1, at):gsub("\n", "")
    if name then tests[#tests + 1] = {name = name:gsub("\\(.)", "%1"), line = line + 1} end
  end
  return tests
end

local function test_list(page, path, tests)
  local of, items = source_page(path), {}
  for _, test in ipairs(tests) do
    items[#items + 1] = ('<li><a href="%s">%s</a></li>'):format(link_to(page, of, "L" .. test.line), escape(test.name:gsub("^%S+: ", "")))
  end
  return '<ul lang="en">' .. table.concat(items, "\n") .. "</ul>"
end

-- Pages -----------------------------------------------------------------------------------------------

local function claim_number(item)
  local strong = item[1] and item[1].content and item[1].content[1]
  return strong and strong.t == "Strong" and stringify(strong):match("^%d+%.[%d.]*%d%a?$")
end

local function claim(page, number, blocks)
  local path = ("tests/notes/section-%02d.cpp"):format(page.section)
  local tests = {}
  for _, test in ipairs(tests_of(path)) do
    if test.name:sub(1, #number + 1) == number .. ":" then tests[#tests + 1] = test end
  end
  table.remove(blocks[1].content, 1)
  local result = pandoc.List({html('<div class="claim" id="claim-%s"><div class="says"><a class="number" href="#claim-%s">%s</a>', number, number, number)})
  result:extend(blocks)
  result:insert(html("</div>"))
  if #tests > 0 then
    result:insert(html('<div class="proof"><p>' .. words[page.lang].tests .. "</p>" .. test_list(page, path, tests)
      .. command(page, ("ctest --test-dir build -R '^%s:'"):format(number:gsub("%.", "\\."))) .. "</div>"))
  end
  result:insert(html("</div>"))
  return result
end

local function image(page, img)
  local target = resolve(page, img.src)
  if not target then error(page.source .. ": no picture " .. img.src) end
  img.src = target
  local text = target:find("%.svg$") and read(normal(folder_of(page.out) .. target)) or ""
  img.classes = {text:find("prefers-color-scheme", 1, true) and "own" or "drawing"}
  return img
end

local function of_pattern(page) return page.kind == "pattern" and folder_of(page.source):sub(1, -2) or nil end

local function is_wire(block)
  return block.t == "Para" and #block.content == 1 and block.content[1].t == "Image" and block.content[1].src:find("%-wire%.svg$")
end

-- The section that has `./run` comes before the one that explains the programs.
local function run_first(blocks)
  local sections, how, run = {pandoc.List()}, nil, nil
  for _, block in ipairs(blocks) do
    if block.t == "Header" and block.level == 2 then sections[#sections + 1] = pandoc.List() end
    sections[#sections]:insert(block)
    if block.t == "RawBlock" and block.text:find("^<!%-%- from") then how = how or #sections end
    if block.t == "CodeBlock" and block.text:find("^%./run") then run = run or #sections end
  end
  if how and run and run > how then table.insert(sections, how, table.remove(sections, run)) end
  local all = pandoc.List()
  for _, section in ipairs(sections) do all:extend(section) end
  return all
end

local function convert(page)
  local say, blocks, out = words[page.lang], page.kind == "pattern" and run_first(page.blocks) or page.blocks, pandoc.List()
  local pattern, order, quotes, pending, cited = of_pattern(page), {}, {}, {}, {}
  local contents, in_run, run = {}, false, pattern and read("docs/wire/" .. pattern .. ".json")
  run = run and decode(run)
  local function flush()
    if #pending == 0 then return end
    out:insert(html('<div class="terminals">' .. table.concat(pending) .. "</div>"))
    pending = {}
  end
  local function programs()  -- after "How it works", or at the end
    flush()
    for _, name in ipairs(order) do
      local remarks, quoted = remarks_on(page, pattern .. "/" .. name, name, quotes[name] or {})
      out:insert(listing(page, pattern .. "/" .. name, name, remarks, quoted))
      contents[#contents + 1] = ('<a class="file" href="#%s">%s</a>'):format(name, name)
    end
    order = {}
  end
  local function has_wire(from)  -- the section that begins there shows the recorded run
    for j = from + 1, #blocks do
      if blocks[j].t == "Header" and blocks[j].level <= 2 then return false end
      if is_wire(blocks[j]) then return run ~= nil end
    end
  end
  local i = 1
  while i <= #blocks do
    local block, after, caption = blocks[i], blocks[i + 1], nil
    if block.t == "Para" and after and after.t == "RawBlock" and after.text:find("^<!%-%- printed by") then
      if #stringify(block) < 70 then caption = block.content
      else
        flush()
        out:insert(block)
      end
      i, block = i + 1, after
    end
    local printed = block.t == "RawBlock" and block.text:match("^<!%-%- printed by (.-) %-%->")
    local from = block.t == "RawBlock" and block.text:match("^<!%-%- from (.-) %-%->")
    if not printed then flush() end
    if printed then
      i = i + 1
      local command, vary = printed:match("^([^;]*)(.*)")
      local shown = in_run and recorded(run, command)  -- in the replay
      if shown and vary == "" and shown ~= blocks[i].text then error(page.source .. " shows another output of " .. command .. " than its recording") end
      if not shown then pending[#pending + 1] = transcript(page, {command = command, text = blocks[i].text, caption = caption}) end
    elseif run and is_wire(block) then
      local caption
      if after and after.t == "Para" then caption, i = after.content, i + 1 end
      out:insert(replay(page, run, read(normal(folder_of(page.source) .. block.content[1].src)), caption))
    elseif from and not pattern then
      i = i + 1
      out:insert(html('<div class="from"><a href="%s">%s</a></div>', resolve(page, from), escape(from)))
      out:insert(code_block(page, blocks[i]))
    elseif from then
      local quote = {text = blocks[i + 1].text, remarks = {}, before = pandoc.List()}
      while out[#out].t == "Para" do quote.before:insert(1, table.remove(out)) end
      i = i + 1
      if blocks[i + 1] and blocks[i + 1].t == "OrderedList" then
        quote.remarks, i = blocks[i + 1].content, i + 1
      end
      quotes[from] = quotes[from] or {}
      table.insert(quotes[from], quote)
      page.quoting = true
    elseif block.t == "Header" and block.level == 1 then
      out:insert(block)
    elseif block.t == "Header" then
      if page.quoting and block.level == 2 then programs() end
      if block.level == 2 then
        in_run = has_wire(i)
        contents[#contents + 1] = ('<a href="#%s">%s</a>'):format(block.identifier, escape(stringify(block)))
      end
      out:insert(block)
    elseif block.t == "CodeBlock" then
      out:insert(code_block(page, block))
    elseif block.t == "BulletList" and claim_number(block.content[1] or {}) then
      for _, item in ipairs(block.content) do out:extend(claim(page, claim_number(item), item)) end
    elseif block.t == "Table" then
      out:insert(html('<div class="table" tabindex="0" role="region" aria-label="%s">', say.table))
      out:insert(block)
      out:insert(html("</div>"))
    elseif block.t == "RawBlock" then -- comments
    else
      if pattern and block.t == "Para" and #order == 0 and not page.listed then
        pandoc.walk_block(block, {Link = function(link)
          if link.target:find("^[^/]+%.cpp$") then order[#order + 1], page.listed = link.target, true end
        end})
      end
      out:insert(block)
    end
    i = i + 1
  end
  programs()
  if pattern then
    local path = "tests/" .. pattern .. ".cpp"
    local tests = tests_of(path)
    if #tests > 0 then
      out:insert(html('<h2 id="tests">%s</h2><div class="proof">%s%s</div>', say.tests, test_list(page, path, tests),
        command(page, "ctest --test-dir build -L '^" .. pattern .. "$'")))
      contents[#contents + 1] = ('<a href="#tests">%s</a>'):format(say.tests)
    end
  end
  out = walk(out, {
    CodeBlock = function(block) return code_block(page, block) end,
    Image = function(img) return image(page, img) end,
    Emph = function(emph)
      if stringify(emph):find("^Misconception") then return pandoc.Span(emph.content, pandoc.Attr("", {"myth"})) end
    end,
    Link = function(link)
      local target = link.target:find("^#[^/]+%.cpp") and link.target or resolve(page, link.target, stringify(link))
      if not target then return link.content end
      link.target = target
      return link
    end})
  return out, contents
end

local function lists_of(page)  -- all pages, by their kinds
  local say, out = words[page.lang], {}
  for _, kind in ipairs({"patterns", "notes", "more"}) do
    local items = {}
    for _, other in ipairs(pages) do
      if other.list == kind and other.lang == "en" then
        local there = page.lang == "en" and other or other.sister or other
        items[#items + 1] = ('<li><a href="%s"%s%s>%s</a></li>'):format(link_to(page, there), there == page and ' aria-current="page"' or "",
          there.lang ~= page.lang and (' lang="%s" hreflang="%s"'):format(there.lang, there.lang) or "", escape(there.title))
      end
    end
    out[#out + 1] = ("<div><p>%s</p><ul>\n%s\n</ul></div>"):format(say[kind], table.concat(items, "\n"))
  end
  return table.concat(out, "\n")
end

local template = read("site/page.html")

local function finish(page, body)
  local say, home = words[page.lang], by_source[page.lang == "en" and "README.md" or "docs/README.zh-CN.md"]
  home = home and home[1] or by_source["README.md"][1]
  local sister, along, alternates = page.sister, {}, {}
  for _, one in ipairs({{page.before, "prev", "← "}, {page.after, "next", " →"}}) do
    if one[1] then
      local title = escape(one[1].title)
      along[#along + 1] = ('<a rel="%s" href="%s">%s</a>'):format(one[2], link_to(page, one[1]), one[2] == "prev" and one[3] .. title or title .. one[3])
    end
  end
  if sister then
    for _, one in ipairs({page, sister}) do
      alternates[#alternates + 1] = ('<link rel="alternate" hreflang="%s" href="%s">'):format(one.lang, link_to(page, one))
    end
  end
  local values = {lang = page.lang, title = escape(page == home and page.title or page.title .. " - " .. home.title), kind = page.kind,
    description = escape(page.description or page.title), up = up(page), skip = say.skip, home = link_to(page, home), site = escape(home.title),
    contents = say.contents, all = lists_of(page), body = body, along = say.along, along_links = table.concat(along, "\n"),
    alternates = table.concat(alternates, "\n"),
    language = sister and ('<a class="language" lang="%s" hreflang="%s" href="%s">%s</a>'):format(sister.lang, sister.lang, link_to(page, sister), say.other) or ""}
  write(page.out, (template:gsub("%$([%w_]+)%$", values)))
end

-- All of it -------------------------------------------------------------------------------------------

local function load(source, readme)
  local lang = source:find("%.zh%-CN%.md$") and "zh-CN" or "en"
  local doc = pandoc.read(read(source), "gfm")
  local kind = read("tests/" .. folder_of(source):sub(1, -2) .. ".cpp") and "pattern" or "page"
  local out = source:gsub("^docs/README%.zh", "README.zh"):gsub("README%.zh", "index.zh"):gsub("README%.md$", "index.md"):gsub("md$", "html")
  local page = add {source = source, out = out, lang = lang, kind = kind, blocks = pandoc.List()}
  by_source[source] = {page}
  for _, block in ipairs(doc.blocks) do
    local number, name = nil, nil
    if readme and block.t == "Header" and block.level == 2 then number, name = stringify(block):match("^(%d+)%. (.*)") end
    if number then
      page = add {source = source, lang = lang, kind = "notes", list = "notes", section = tonumber(number), blocks = pandoc.List(),
                  title = number .. " " .. name, top = block.identifier}
      page.ids[block.identifier] = true
      table.insert(by_source[source], page)
      block = pandoc.Header(1, block.content)
    end
    if block.t == "Header" then
      page.title = page.title or stringify(block)
      if page.kind == "notes" and block.level > 2 then block.level = block.level - 1 end
      if block.level > 1 then page.ids[block.identifier] = true end
      if block.level == 1 then block.identifier = "" end
    elseif block.t == "BulletList" then
      for _, item in ipairs(block.content) do
        local claimed = claim_number(item)
        if claimed then page.ids["claim-" .. claimed] = true end
      end
    end
    local text = block.t == "Para" and stringify(block)
    if text == "中文" or text == "English" then text = nil  -- the language link is in the header of each page
    else page.blocks:insert(block) end
    if text and text ~= "" and not page.description and block.content[1].t ~= "Image" then page.description = text end
  end
end

function Pandoc()
  for source in os.getenv("PAGES"):gmatch("[^\n]+") do
    load(source, source == "README.md" or source == "docs/README.zh-CN.md")
  end
  local path, readme = {}, read("README.md")  -- the reading path: as the front page names them, then the notes, then the rest
  local function place(page)
    local at = page.kind == "pattern" and readme:find("\n| [" .. folder_of(page.source):sub(1, -2) .. "]", 1, true)
    return at or readme:find("(" .. page.source .. ")", 1, true) or #readme
  end
  local kinds = {pattern = 2, notes = 3, page = 4}
  for _, page in ipairs(pages) do
    if page.lang == "en" then
      local name = page.title:gsub("^%d+ ", ""):lower():gsub("[^%w]+", "-")
      page.out = page.out or "notes/" .. page.section .. "-" .. name .. ".html"
      page.list = page.kind == "pattern" and "patterns" or page.list or "more"
      page.rank = {page.out == "index.html" and 1 or kinds[page.kind], page.section or place(page), page.source}
      path[#path + 1] = page
    end
  end
  table.sort(path, function(a, b)
    for i = 1, 3 do if a.rank[i] ~= b.rank[i] then return a.rank[i] < b.rank[i] end end
    return false
  end)
  pages = {}
  local before, before_sister
  for _, page in ipairs(path) do
    local other = page.source == "README.md" and "docs/README.zh-CN.md" or page.source:gsub("%.md$", ".zh-CN.md")
    for _, sister in ipairs(by_source[other] or {}) do
      if sister.section == page.section then
        page.sister, sister.sister = sister, page
        sister.out = sister.out or page.out:gsub("html$", "zh-CN.html")
        sister.before = before_sister
        if before_sister then before_sister.after = sister end
        before_sister = sister
      end
    end
    page.before = before
    if before then before.after = page end
    before = page
    pages[#pages + 1] = page
    pages[#pages + 1] = page.sister
  end
  local i = 1
  while pages[i] do  -- pages of sources join while they are named
    local page = pages[i]
    if page.kind == "source" then
      local out = {('<h1>%s</h1><p><a href="%s">%s</a></p>'):format(page.source, up(page) .. copy(page.source), words.en.raw),
        '<div class="listing" tabindex="0" role="region" aria-label="' .. words.en.code .. '"><div class="lines"><pre><code>'}
      for number, line in ipairs(highlight(read(page.source), "cpp")) do
        out[#out + 1] = ('<span class="l" id="L%d">%s\n</span>'):format(number, line)
      end
      finish(page, table.concat(out) .. "</code></pre></div></div>")
    else
      local blocks, contents = convert(page)
      local body = render(blocks)
      if #contents > 2 then
        local toc = ('<nav class="here" aria-label="%s">%s</nav>'):format(words[page.lang].here, table.concat(contents, "\n"))
        body = body:gsub("</h1>", function() return "</h1>\n" .. toc end, 1)
      end
      finish(page, body)
    end
    i = i + 1
  end
  return pandoc.Pandoc({})
end
