-- Makes all pages of build/site in one run of pandoc, which calls this as a filter of an empty document.
-- $PAGES lists the Markdown files, $SITE is the folder to write to. X.md becomes X.html beside where it
-- stands, README.md index.html, and each numbered section of README.md notes/N-NAME.html.
local stringify, site = pandoc.utils.stringify, os.getenv("SITE") .. "/"
local pages, by_source, sources, problems = {}, {}, {}, {}
local words = {
  en = {skip = "Skip to the page", contents = "Contents", pattern = "Patterns", notes = "Notes", page = "More",
    along = "Reading path", copy = "Copy", copied = "Copied", raw = "raw file", here = "On this page", tests = "Tests",
    cites = "Notes that this page cites: ", recorded = "A recorded run", replay = "Replay it, slowed down", wire = "On the wire",
    table = "Table", code = "Code", language = "English", front = "README.md"},
  ["zh-CN"] = {skip = "跳到正文", contents = "目录", pattern = "模式", notes = "笔记", page = "其他",
    along = "阅读顺序", copy = "复制", copied = "已复制", raw = "源文件", here = "本页内容", tests = "测试",
    cites = "本页引用的笔记：", recorded = "录制的一次运行", replay = "慢速回放", wire = "线路上的消息",
    table = "表格", code = "代码", language = "中文", front = "docs/README.zh-CN.md"}}

-- Files and texts -------------------------------------------------------------------------------------

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
local function copy(path)
  local text = read(path)
  if text then write(path, text) end
  return text and path
end
local function folder_of(path) return path:match("^(.*/)") or "" end
local function up(page) return (folder_of(page.out):gsub("[^/]+/", "../")) end
local function normal(path)
  local changed
  repeat path, changed = path:gsub("[^/]+/%.%./", "", 1) until changed == 0
  return (path:gsub("/$", ""))
end
local function escape(text) return (text:gsub("[&<>\"]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"})) end
-- Escaped. No line ends in a short text, after a hyphen, or between an option and its value, if they are not longer than most.
local function unbroken(text, most)
  if #text <= 16 then return '<span class="word">' .. escape(text) .. "</span>" end
  text = escape(text):gsub("(%-%-%a+) ([^-%s]%S*)", function(option, value) return #option + #value < most and option .. "\1" .. value or nil end)
  return (text:gsub("%S*%-%S*", function(word) return #word <= math.max(most, 31) and '<span class="word">' .. word .. "</span>" or nil end):gsub("\1", " "))
end
local function problem(page, text)  -- stops the build, but only when all pages are there to be looked at
  problems[#problems + 1] = page.source .. ": " .. text
  return ""
end
local function html(text, ...) return pandoc.RawBlock("html", select("#", ...) > 0 and text:format(...) or text) end
local function render(blocks) return pandoc.write(pandoc.Pandoc(blocks), "html") end
local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end
local function decode(json)  -- JSON is Lua with other brackets
  local strings = {}
  json = json:gsub("\\\\", "\\092"):gsub('\\"', "\\034"):gsub("\\/", "/"):gsub("\\u(%x%x%x%x)", "\\u{%1}")
  json = json:gsub('"[^"]*"', function(text) strings[#strings + 1] = text; return "$" .. #strings end)
  json = json:gsub("[%[%]]", {["["] = "{", ["]"] = "}"}):gsub("(%$%d+)%s*:", "[%1] ="):gsub("null", "nil")
  return assert(load("return " .. json:gsub("%$(%d+)", function(at) return strings[tonumber(at)] end), "json", "t", {}))()
end

-- Where links lead ------------------------------------------------------------------------------------

local function link_to(page, other, fragment)
  if other == page and fragment then return "#" .. fragment end
  return up(page) .. other.out .. (fragment and "#" .. fragment or "")
end

local function source_page(path)  -- a source that is no program of a pattern has a page of its own
  if not sources[path] and read(path) then
    sources[path] = {source = path, out = path .. ".html", lang = "en", title = path, kind = "source"}
    pages[#pages + 1] = sources[path]
  end
  return sources[path]
end

-- Where url, as it stands in page's source, leads on the site; nil if there is no such place.
local function resolve(page, url, text)
  if url:find("^%a+:") then return url end
  local path, fragment = url:match("^([^#]*)#?(.*)$")
  path = path == "" and page.source or normal(folder_of(page.source) .. path)
  local parts = by_source[path .. "/README." .. page.lang .. ".md"] or by_source[path .. "/README.md"] or by_source[path] or {}
  for _, wanted in ipairs({text and "claim-" .. text or "", fragment}) do  -- the text of a link to the notes may be a claim's number
    for _, part in ipairs(parts) do
      if part.ids[wanted] then return link_to(page, part, wanted ~= part.top and wanted or nil) end
    end
  end
  if parts[1] then return fragment == "" and link_to(page, parts[1]) or nil end
  local folder, program = path:match("^([^/]+/)([^/]+%.cpp)$")
  local of = folder and (by_source[folder .. "README." .. page.lang .. ".md"] or by_source[folder .. "README.md"])
  if of and of[1].kind == "pattern" then return link_to(page, of[1], program) end
  local source = path:find("%.[ch]pp$") and source_page(path) or source_page(path .. "/" .. path .. ".hpp")
  if source then return link_to(page, source) end
  path = copy((path:gsub("png$", "svg"))) or copy(path)
  return path and up(page) .. path
end

local function myth(inline)  -- an Emph or a Strong
  local text = stringify(inline)
  if not text:find("^Misconception") and not text:find("误解$") then return nil end
  return pandoc.Span(inline.t == "Emph" and inline.content or {inline}, pandoc.Attr("", {"myth"}))
end

-- What all blocks get: links that lead somewhere, drawings, marks for misconceptions.
local function finished(page, blocks)
  return pandoc.walk_block(pandoc.Div(blocks), {
    Image = function(image)
      image.src = resolve(page, image.src) or problem(page, "there is no picture " .. image.src)
      local themed = (read(normal(folder_of(page.out) .. image.src)) or ""):find("prefers-color-scheme", 1, true)
      image.classes = {themed and "themed" or "drawing"}
      return {pandoc.RawInline("html", '<a href="' .. image.src .. '">'), image, pandoc.RawInline("html", "</a>")}
    end,
    Emph = myth, Strong = myth,
    Str = function(str) return #str.text <= 14 and str.text:find("^%a+%-[%a%-]+%p*$") and pandoc.Span({str}, pandoc.Attr("", {"word"})) or nil end,
    Code = function(code) return code.text:find("[- ]") and pandoc.RawInline("html", "<code>" .. unbroken(code.text, 16) .. "</code>") or nil end,
    Link = function(link)
      if link.target:find("^#[^/]+%.cpp") then return nil end
      local text = stringify(link)
      link.target = resolve(page, link.target, text) or link.target:find("/$") and "" or problem(page, "a link leads nowhere: " .. link.target)
      if page.cited and link.target:find("#claim-", 1, true) then page.cited[text] = link.target end
      return link.target ~= "" and link or link.content
    end}).content
end

-- Code ------------------------------------------------------------------------------------------------

local kinds = {}  -- of tokens that the style sheet has a colour for
for kind in ("co st ch sc kw cf dt at pp im dv bn fl cn"):gmatch("%w+") do kinds[kind] = true end

local function highlight(text, class)
  local block = pandoc.CodeBlock(text:gsub("\n$", ""), pandoc.Attr("", {class}))
  local lines = lines_of(render({block}):match("<code[^>]*>(.*)</code>"))
  for i, line in ipairs(lines) do
    lines[i] = line:gsub('^<span id="[^"]*"><a [^>]*></a>(.*)</span>$', "%1")
      :gsub('<span class="(%w+)">(.-)</span>', function(kind, token) return not kinds[kind] and token or nil end)
  end
  return lines
end

local function copy_button(page)
  return ('<button type="button" class="copy" hidden data-done="%s">%s</button>'):format(words[page.lang].copied, words[page.lang].copy)
end
local function command(page, text)
  return ('<div class="command"><pre tabindex="0"><code>%s</code></pre>%s</div>'):format(unbroken(text, 31), copy_button(page))
end
local function code_block(page, block)
  local class, indent = block.classes[1] or "text", block.text:match("^ *")
  block.text = ("\n" .. block.text):gsub("\n" .. indent, "\n"):sub(2)
  if class == "text" and not block.text:find("\n") then return html(command(page, block.text)) end
  local code = class == "text" and unbroken(block.text, 31) or table.concat(highlight(block.text, class), "\n")
  return html('<div class="code ' .. class .. '"><pre tabindex="0"><code>' .. code .. "</code></pre></div>")
end
local function scrolls(class, label, content)
  return ('<div class="%s" tabindex="0" role="group" aria-label="%s">%s</div>'):format(class, label, content)
end

-- A program with its remarks, a list of {line, number, blocks}: each floats beside its line.
local function listing(page, path, name, remarks, quoted)
  local out, note = {"<pre><code>"}, 1
  for number, line in ipairs(highlight(read(path), "cpp")) do
    local first = note
    while remarks[note] and remarks[note].line == number do
      local badge = remarks[note].number and ('<a class="number" href="#%s-%d">%d</a>'):format(name, number, remarks[note].number) or ""
      out[#out + 1] = (first == note and "</code></pre>\n" or "") .. '<div class="note">' .. badge
        .. render(finished(page, remarks[note].blocks)) .. "</div>\n"
      note = note + 1
    end
    out[#out + 1] = (note > first and "<pre><code>" or "")
      .. ('<span class="%s" id="%s-%d"><a href="#%s-%d" tabindex="-1" aria-hidden="true"></a>%s\n</span>')
        :format(quoted[number] and "l q" or "l", name, number, name, number, line)
  end
  local lines = '<div class="lines">' .. table.concat(out):gsub("<pre><code></code></pre>\n", "") .. "</code></pre></div>"
  local head = ('<section class="program" id="NAME" aria-labelledby="NAME-name"><header><h3 id="NAME-name">NAME</h3>%s<a href="%s">%s</a></header>%s</section>'):gsub("NAME", name)
  return html(head, copy_button(page), up(page) .. copy(path), words[page.lang].raw,
    scrolls(#remarks > 0 and "listing noted" or "listing", words[page.lang].code .. ": " .. name, lines))
end

-- A remark belongs to the line that it names: of those quoted, at or after that of the remark before it, if
-- that can be. Its names link to their lines.
local function remarks_on(page, path, name, quotes)
  local text, result, quoted = read(path), {}, {}
  local source = lines_of(text)
  local function find(word, from, to)
    for number = from, to do
      if source[number]:find(word, 1, true) and not source[number]:find("^%s*//") then return number end
    end
  end
  for _, quote in ipairs(quotes) do
    local at = ("\n" .. text):find("\n" .. quote.text .. "\n", 1, true) or problem(page, path .. " does not have the lines that are quoted:\n" .. quote.text)
    local first = at == "" and 1 or #lines_of(text:sub(1, at))
    local last = at == "" and #source or first + #lines_of(quote.text) - 1
    for number = first, last do quoted[number] = true end
    if #quote.intro > 0 then result[1 + #result] = {line = #result == 0 and 1 or first, order = #result, blocks = quote.intro} end
    local before = first
    for number, blocks in ipairs(quote.remarks) do
      local named
      blocks = pandoc.walk_block(pandoc.Div(blocks), {Code = function(code)
        local word = code.text:gsub("%(.*%)$", "")
        local line = find(word, before, last) or find(word, first, last) or find(word, 1, #source)
        if #word < 2 or not line then return nil end
        local inside = line >= first and line <= last
        if not named or inside and (named < first or named > last) then named = line end
        return pandoc.Link({code}, "#" .. name .. "-" .. line)
      end}).content
      if not named then problem(page, "remark " .. number .. " on " .. name .. " names nothing that stands there") end
      named = named or first
      if named >= first and named <= last then before = named end
      result[#result + 1] = {line = named, order = #result, number = 0, blocks = blocks}
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

local function terminal(caption, said, lines)
  return ('<figure class="terminal">%s<pre tabindex="0"><span class="l"><b>$</b> %s\n</span>%s</pre></figure>\n')
    :format(caption and "<figcaption>" .. caption .. "</figcaption>" or "", unbroken(said, 34), table.concat(lines))
end
local function transcript(page, said, text, caption)
  local lines = lines_of(text)
  for i, line in ipairs(lines) do lines[i] = '<span class="l">' .. escape(line) .. "\n</span>" end
  return terminal(caption and render(finished(page, {pandoc.Plain(caption)})), said, lines)
end

-- A recorded run: a terminal for each program, and the drawing. Each line has the number of its row in the
-- drawing, whose rows are covered one by one, for the style sheet to show all in that order.
local function replay(page, run, drawing, caption)
  local say, rows, row_at, lines, terminals = words[page.lang], {}, {}, {}, {}
  drawing = drawing:gsub("='([^'\"]*)'", '="%1"'):gsub("@media%(", "@media screen and (")
  for y, ms in drawing:gmatch('y="([%d.]+)" class="small"[^>]*>([%d.]+) ms<') do
    rows[#rows + 1] = {y = tonumber(y) - 4, ms = ms}
    row_at[tonumber(y) - 4] = #rows
  end
  local boxes = drawing:gmatch('<rect class="([les][^" ]*)" x="[^"]*" y="([%d.]+)"[^>]*/><text[^>]*>([^<]*)<')
  for _, event in ipairs(run.events) do
    if event.who then
      local kind, y, text = boxes()
      local row = y and row_at[tonumber(y) + 9]
      if not row or text:gsub("&lt;", "<"):gsub("&amp;", "&") ~= event.text or rows[row].ms ~= ("%.1f"):format(event.ms) then
        problem(page, "the drawing of the wire does not have in its place what " .. event.who .. " printed: " .. event.text)
        row = #rows
      end
      lines[event.who] = (lines[event.who] or "") .. ('<span class="l %s" style="--i:%d">%s\n</span>')
        :format(kind or "line", row, event.kind == "signal" and "^C" or escape(event.text))
    end
  end
  for i, program in ipairs(run.programs) do terminals[i] = terminal(escape(program.name), program.command, {lines[program.name]}) end
  local height, covers = rows[2].y - rows[1].y, {}
  for i, row in ipairs(rows) do
    covers[i] = ('<rect class="cover" visibility="hidden" style="--i:%d" x="0" y="%.1f" width="100%%" height="%.1f"/>'):format(i, row.y - height / 2, i < #rows and height or 1.6 * height)  -- the last to the end of the lines
  end
  return html('<div class="replay" style="--step:%.2fs"><div class="head"><h3>%s</h3><p>%s</p><label class="play"><input type="checkbox"> %s</label></div>'
    .. '<div class="terminals">%s</div>%s</div>', math.min(0.6, 20 / #rows), say.recorded, caption and render(finished(page, {pandoc.Plain(caption)})) or "", say.replay,
    table.concat(terminals), scrolls("wire", say.wire, (drawing:gsub("</svg>%s*$", "")) .. table.concat(covers) .. "</svg>"))
end

-- Tests and claims ------------------------------------------------------------------------------------

local function tests_of(page, path, prefix)
  local text, items = read(path), {}
  for at, arguments in (text or ""):gmatch("()TEST_CASE(%b())") do
    local name = arguments:gsub('"%s*\n%s*"', ""):match('^%(%s*"(.-[^\\])"'):gsub("\\(.)", "%1")
    local _, line = text:sub(1, at):gsub("\n", "")
    if name:sub(1, #prefix) == prefix then
      items[#items + 1] = ('<li><a href="%s#L%d">%s</a></li>\n'):format(link_to(page, source_page(path)), line + 1, escape(name:gsub("^%S+: ", "")))
    end
  end
  return #items > 0 and '<ul lang="en">\n' .. table.concat(items) .. "</ul>"
end

local function claim_number(item)
  local strong = item and item[1] and item[1].content and item[1].content[1]
  return strong and strong.t == "Strong" and stringify(strong):match("^%d+%.[%d.]*%d%a?$")
end

local function claim(page, item)
  local number = claim_number(item)
  local tests = tests_of(page, ("tests/notes/section-%02d.cpp"):format(page.section), number .. ":")
  table.remove(item[1].content, 1)
  local says = pandoc.List({html('<div class="claim" id="claim-%s"><div class="says"><a class="number" href="#claim-%s">%s</a>', number, number, number)})
  says:extend(item)
  says:insert(html("</div>" .. (tests and '<div class="proof"><p>' .. words[page.lang].tests .. "</p>" .. tests
    .. command(page, "ctest --test-dir build -R '^" .. number:gsub("%.", "\\.") .. ":'") .. "</div>" or "") .. "</div>"))
  return says
end

-- A page ----------------------------------------------------------------------------------------------

local function comment(block, kind) return block and block.t == "RawBlock" and block.text:match("^<!%-%- " .. kind .. " (.-) %-%->") end

-- The sections of a page. That with `./run` comes before the one that explains the programs.
local function sections_of(page)
  local sections, how, run = {pandoc.List()}, nil, nil
  for _, block in ipairs(page.blocks) do
    if block.t == "Header" and block.level == 2 then sections[#sections + 1] = pandoc.List() end
    sections[#sections]:insert(block)
    if comment(block, "from") then how = how or #sections end
    if block.t == "CodeBlock" and block.text:find("^%./run") then run = run or #sections end
  end
  if page.kind == "pattern" and how and run and run > how then table.insert(sections, how, table.remove(sections, run)) end
  return sections
end

-- The tests of a pattern, and the claims of the notes that its page cites, in the order of their numbers.
local function tests_section(page, pattern, cited)
  local tests, say, numbers = tests_of(page, "tests/" .. pattern .. ".cpp", ""), words[page.lang], {}
  for number in pairs(cited) do numbers[#numbers + 1] = number end
  local function padded(number) return (number:gsub("%d+", function(digits) return ("%3s"):format(digits) end)) end
  table.sort(numbers, function(a, b) return padded(a) < padded(b) end)
  for i, number in ipairs(numbers) do numbers[i] = ('<a href="%s">%s</a>'):format(cited[number], number) end
  return html('<h2 id="tests">%s</h2><div class="proof">%s%s</div>%s', say.tests, tests, command(page, "ctest --test-dir build -L '^" .. pattern .. "$'"),
    #numbers > 0 and "<p>" .. say.cites .. table.concat(numbers, " ") .. "</p>" or "")
end

local function convert(page)
  local say, out, here, pattern = words[page.lang], pandoc.List(), {}, page.kind == "pattern" and folder_of(page.source):sub(1, -2)
  local json = pattern and read("docs/wire/" .. pattern .. ".json")
  local run, programs, quotes, terminals = json and decode(json), nil, {}, {}
  local function contents(name, text) here[#here + 1] = ('<a href="#%s">%s</a>'):format(name, escape(text)) end
  local function flush()  -- terminals one after the other stand side by side
    if #terminals > 0 then out:insert(html('<div class="terminals">' .. table.concat(terminals) .. "</div>")) end
    terminals = {}
  end
  local function show_programs()
    for _, name in ipairs(programs or {}) do
      out:insert(listing(page, pattern .. "/" .. name, name, remarks_on(page, pattern .. "/" .. name, name, quotes[name] or {})))
      contents(name, name)
    end
    programs = {}
  end
  page.cited = pattern and {}
  for _, blocks in ipairs(sections_of(page)) do
    while blocks[1] do
      local block, caption = blocks:remove(1), nil
      if block.t == "Para" and comment(blocks[1], "printed by") and #stringify(block) < 70 then caption, block = block.content, blocks:remove(1) end
      local printed, from = comment(block, "printed by"), comment(block, "from")
      local picture = run and block.t == "Para" and #block.content == 1 and (block.content[1].src or ""):match(".*%-wire%.svg$")
      if not printed then flush() end
      if printed then
        terminals[#terminals + 1] = transcript(page, printed:match("^[^;]*"), blocks:remove(1).text, caption)
      elseif from and pattern then
        local quote = {text = blocks:remove(1).text, remarks = {}, intro = pandoc.List()}
        while out[#out].t == "Para" do quote.intro:insert(1, out:remove()) end
        if blocks[1] and blocks[1].t == "OrderedList" then quote.remarks = blocks:remove(1).content end
        quotes[from] = quotes[from] or {}
        table.insert(quotes[from], quote)
      elseif from then
        out:insert(html('<p class="from"><a href="%s">%s</a></p>', resolve(page, from), from:gsub("^%.%./", "")))
      elseif picture then
        caption = blocks[1] and blocks[1].t == "Para" and blocks:remove(1).content
        out:insert(replay(page, run, read(normal(folder_of(page.source) .. picture)), caption))
      elseif block.t == "BulletList" and claim_number(block.content[1]) then
        for _, item in ipairs(block.content) do out:extend(claim(page, item)) end
      elseif block.t == "Table" then
        local class = "table"  -- rows with a long first cell are stacks where the screen is narrow
        for _, row in ipairs(pandoc.utils.to_simple_table(block).rows) do
          if #stringify(pandoc.Div(row[1])) > 40 then class = "table stack" end
        end
        out:extend({html('<div class="' .. class .. '" tabindex="0" role="group" aria-label="' .. say.table .. '">'), block, html("</div>")})
      elseif block.t ~= "RawBlock" then
        if block.t == "Header" and block.level == 2 then contents(block.identifier, stringify(block)) end
        if block.t == "Para" and pattern and not programs then  -- the first paragraph that names some
          pandoc.walk_block(block, {Link = function(link)
            if link.target:find("^[^/]+%.cpp$") then programs = programs or {}; table.insert(programs, link.target) end
          end})
        end
        out:insert(block)
      end
    end
    flush()
    if next(quotes) then show_programs() end
  end
  show_programs()
  out = finished(page, out)
  if pattern then
    out:insert(tests_section(page, pattern, page.cited))
    contents("tests", say.tests)
  end
  local body = render(pandoc.walk_block(pandoc.Div(out), {CodeBlock = function(block) return code_block(page, block) end}).content)
  if #here < 3 then return body end
  return (body:gsub("</h1>", function() return ('</h1>\n<nav class="here" aria-label="%s">%s</nav>'):format(say.here, table.concat(here, "\n")) end, 1))
end

local function source_text(page)
  local lines = highlight(read(page.source), "cpp")
  for i, line in ipairs(lines) do lines[i] = ('<span class="l" id="L%d">%s\n</span>'):format(i, line) end
  return ('<h1>%s</h1><p><a href="%s">%s</a></p>'):format(page.source, up(page) .. copy(page.source), words.en.raw)
    .. scrolls("listing", words.en.code, '<div class="lines"><pre><code>' .. table.concat(lines) .. "</code></pre></div>")
end

local function link(page, other, attributes, text)
  local language = other.lang ~= page.lang and (' lang="%s" hreflang="%s"'):format(other.lang, other.lang) or ""
  return ('<a href="%s"%s%s>%s</a>'):format(link_to(page, other), attributes, language, text or escape(other.title))
end

local function all_pages(page)  -- a list for each kind, in page's language where there is one
  local lists = {}
  for _, kind in ipairs({"pattern", "notes", "page"}) do
    lists[#lists + 1] = "<div><p>" .. words[page.lang][kind] .. "</p><ul>"
    for _, other in ipairs(pages) do
      local there = other.lang ~= page.lang and other.sister or other
      if other.kind == kind and other.lang == "en" then lists[#lists + 1] = "<li>" .. link(page, there, there == page and ' aria-current="page"' or "") .. "</li>" end
    end
    lists[#lists + 1] = "</ul></div>"
  end
  return table.concat(lists, "\n")
end

local template = read("site/page.html")
local function publish(page)
  local body = page.kind == "source" and source_text(page) or convert(page)
  local say, sister, alternates = words[page.lang], page.sister, ""
  local home = (by_source[say.front] or by_source["README.md"])[1]
  for _, one in ipairs(sister and {page, sister} or {}) do
    alternates = alternates .. ('<link rel="alternate" hreflang="%s" href="%s">\n'):format(one.lang, link_to(page, one))
  end
  local function along(other, rel, text) return other and link(page, other, ' rel="' .. rel .. '"', text:format(escape(other.title))) or "" end
  local values = {lang = page.lang, title = escape(page == home and page.title or page.title .. " - " .. home.title), kind = page.kind,
    description = escape(page.description or page.title), up = up(page), skip = say.skip, home = link_to(page, home), site = escape(home.title),
    contents = say.contents, all = all_pages(page), body = body, along = say.along, alternates = alternates,
    language = sister and link(page, sister, ' class="language"', words[sister.lang].language) or "",
    along_links = along(page.before, "prev", "← %s") .. along(page.after, "next", "%s →")}
  write(page.out, (template:gsub("%$([%w_]+)%$", values)))
end

-- All pages -------------------------------------------------------------------------------------------

local function load_pages(source)
  local lang = source:find("%.zh%-CN%.md$") and "zh-CN" or "en"
  local page
  local function add(more)
    page = {source = source, lang = lang, blocks = pandoc.List(), ids = {}}
    for key, value in pairs(more) do page[key] = value end
    by_source[source] = by_source[source] or {}
    table.insert(by_source[source], page)
  end
  add {kind = read("CMakeLists.txt"):find("\npattern(" .. folder_of(source):sub(1, -2) .. " ", 1, true) and "pattern" or "page",
    out = source:gsub("^docs/README", "README"):gsub("README", "index"):gsub("md$", "html")}
  for _, block in ipairs(pandoc.read(read(source), "gfm").blocks) do
    if block.t == "Header" then
      local number, name = stringify(block):match("^(%d+)%. (.*)")
      if block.level == 2 and not number then page = by_source[source][1] end
      if number and block.level == 2 and source == words[lang].front then
        add {kind = "notes", section = tonumber(number), title = number .. " " .. name, top = block.identifier}
        page.ids[block.identifier] = true
        block.level = 1
      end
      page.title = page.title or stringify(block)
      if page.kind == "notes" and block.level > 2 then block.level = block.level - 1 end
      if block.level > 1 then page.ids[block.identifier] = true else block.identifier = "" end
    end
    for _, item in ipairs(block.t == "BulletList" and block.content or {}) do page.ids["claim-" .. (claim_number(item) or "none")] = true end
    local text = block.t == "Para" and stringify(block)
    if text ~= words.en.language and text ~= words["zh-CN"].language then  -- a link to the other language stands on top of each page
      page.blocks:insert(block)
      if text and block.content[1].t ~= "Image" then page.description = page.description or text end
    end
  end
end

function Pandoc()
  local path, readme, start, before, at = {}, read("README.md"), {pattern = 1e6, notes = 2e6, page = 3e6}, {}, 1
  for source in os.getenv("PAGES"):gmatch("[^\n]+") do
    load_pages(source)
    for _, page in ipairs(by_source[source]) do
      if page.lang == "en" then  -- the reading path: as the front page's table and links name them
        local there = readme:find("\n| [" .. folder_of(source):sub(1, -2) .. "]", 1, true) or readme:find("(" .. source .. ")", 1, true) or #readme
        page.out = page.out or "notes/" .. page.title:lower():gsub("[^%w]+", "-") .. ".html"
        page.rank = page.out == "index.html" and 0 or start[page.kind] + (page.section or there) + #path / 1000
        path[#path + 1] = page
      end
    end
  end
  table.sort(path, function(a, b) return a.rank < b.rank end)
  for _, page in ipairs(path) do
    for _, sister in ipairs(by_source[page.source == "README.md" and words["zh-CN"].front or page.source:gsub("%.md$", ".zh-CN.md")] or {}) do
      if sister.section == page.section then page.sister, sister.sister, sister.out = sister, page, sister.out or page.out:gsub("html$", "zh-CN.html") end
    end
    for _, one in ipairs({page, page.sister}) do
      one.before = before[one.lang]
      if one.before then one.before.after = one end
      before[one.lang] = one
      pages[#pages + 1] = one
    end
  end
  while pages[at] do  -- sources join while pages name them
    publish(pages[at])
    at = at + 1
  end
  if #problems == 0 then return pandoc.Pandoc({}) end
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
