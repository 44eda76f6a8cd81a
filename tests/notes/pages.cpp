// The pages agree with the programs, with the tests of the notes, and with each other in both
// languages.
#include "../pages.hpp"

namespace {

const std::string number = "[0-9]+(?:\\.[0-9]+)+[a-z]?";

/// The numbers of the claims, `- **3.6** ...`, in the order of the page.
Strings claims_of(const std::string& page) {
    static const std::regex claim("(?:^|\n)- \\*\\*(" + number + ")\\*\\* ");
    return matches(page, claim);
}

/// The names of the [notes] test cases in a source.
Strings tests_in(const std::string& cpp) {
    static const std::regex test("TEST_CASE\\(\\s*\"(" + number +
                                 ": [^\"]*)\"(\\s*\"[^\"]*\")*,\\s*\"\\[notes\\]");
    return matches(cpp, test);
}

const Strings& tests() {
    static const Strings all = [] {
        Strings names;
        for (const auto& file : files_with([](const auto& path) {
                 return path.parent_path().filename() == "notes" && path.extension() == ".cpp";
             }))
            for (const auto& name : tests_in(source(file))) names.push_back(name);
        return names;
    }();
    return all;
}

std::set<std::string> as_set(const Strings& list) { return {list.begin(), list.end()}; }

std::set<std::string> proved() {
    std::set<std::string> claims;
    for (const auto& name : tests()) claims.insert(name.substr(0, name.find(':')));
    return claims;
}

// Quoted code and its remarks --------------------------------------------------------------------

Strings without_comments(Strings lines) {
    static const std::regex comment(" *(//.*|/\\*.*\\*/)");
    for (auto& line : lines) line = std::regex_replace(line, comment, "");
    return lines;
}

/// Removes the indentation that all lines share.
Strings flush_left(Strings lines) {
    size_t least = std::string::npos;
    for (const auto& line : lines) least = std::min(least, line.find_first_not_of(' '));
    for (auto& line : lines)
        if (!line.empty()) line.erase(0, least);
    return lines;
}

bool stand_in(const Strings& quoted, const Strings& file) {
    for (size_t i = 0; i + quoted.size() <= file.size(); ++i) {
        const auto at = file.begin() + static_cast<std::ptrdiff_t>(i);
        if (flush_left({at, at + static_cast<std::ptrdiff_t>(quoted.size())}) == flush_left(quoted))
            return true;
    }
    return false;
}

bool has_name(const std::string& text, const std::string& name) {
    const auto is_part = [&text](size_t i) {
        return i < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
    };
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
        if (!(is_part(at) && is_part(at - 1)) &&
            !(is_part(at + name.size() - 1) && is_part(at + name.size())))
            return true;
    return false;
}

/// What is wrong with the quoted code of `text`, which is the page `name`.
Strings wrong_quotes(const std::string& name, const std::string& text) {
    static const std::regex from("<!-- from (.*) -->"), code("`([^`]+)`");
    constexpr size_t most_lines = 14;
    Strings wrong;
    for (const auto& block : parse(text).blocks) {
        if (block.language != "cpp") continue;
        std::smatch match;
        if (!std::regex_match(block.comment, match, from) || !exists(target_of(name, match[1]))) {
            wrong.push_back("no source: " + block.comment);
            continue;
        }
        const std::string file = target_of(name, match[1]), all = source(file);
        const bool translated = is_chinese(name);
        if (block.lines.size() > most_lines) wrong.push_back("too long: from " + file);
        if (!stand_in(translated ? without_comments(block.lines) : block.lines,
                      translated ? without_comments(lines_of(all)) : lines_of(all)))
            wrong.push_back("not as it stands in " + file + ": " + block.lines.at(0));
        if (block.list.empty() && file.rfind("README", 0) != 0 &&
            name.find('/') != std::string::npos && name.rfind("docs/", 0) != 0)
            wrong.push_back("no remarks: from " + file);
        for (size_t i = 0; i < block.list.size(); ++i) {
            const Strings names = matches(block.list[i], code);
            if (block.list[i].rfind(std::to_string(i + 1) + ". ", 0) != 0 || names.empty() ||
                !has_name(all, names[0]))
                wrong.push_back("its first `code` is not in " + file + ": " + block.list[i]);
        }
    }
    return wrong;
}

/// Links such as [3.6](README.md#3-pub-sub) that cite no claim, or another section than their own.
Strings wrong_citations(const std::string& text) {
    static const std::regex link("\\[(" + number + ")\\]\\([^)]*#([0-9]+)-");
    static const auto claims = proved();
    Strings wrong;
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
        std::string digits = std::regex_replace((*at)[1].str(), std::regex("\\."), "");
        const bool section = std::any_of(claims.begin(), claims.end(), [&](const auto& claim) {
            return claim.rfind((*at)[1].str() + ".", 0) == 0;
        });
        if ((claims.count((*at)[1]) == 0 && !section) || digits.rfind((*at)[2], 0) != 0)
            wrong.push_back(at->str());
    }
    return wrong;
}

// Both languages ---------------------------------------------------------------------------------

/// What must be the same in both languages, in its order: numbers of headings and claims, pictures,
/// sizes of tables, code and commands, numbers of remarks.
Strings skeleton_of(const std::string& text) {
    static const std::regex heading("(#+ (?:[0-9.]+ )?).*");
    static const std::regex claim("- \\*\\*(" + number + ")\\*\\* .*");
    static const std::regex picture(" *!\\[[^\\]]*\\]\\([^)]*?([^/)]*)\\)");
    // Each language explains its own words, and Chinese the English messages.
    const std::set<std::string> own{"## Glossary", "## 术语表", "## 程序打印的消息"};
    const Page page = parse(text);
    Strings all;
    bool skips = false;
    for (const auto& line : page.text) {
        std::smatch match;
        if (line.rfind('#', 0) == 0) skips = own.count(line) > 0;
        if (skips) continue;
        if (std::regex_match(line, match, heading) || std::regex_match(line, match, claim) ||
            std::regex_match(line, match, picture))
            all.push_back(match[1]);
        if (line.rfind("| ", 0) == 0) all.emplace_back("row");
    }
    for (const auto& block : page.blocks) {
        const bool code = block.language != "text";
        all.push_back(code ? block.language : block.comment);
        for (const auto& line : code ? without_comments(block.lines) : block.lines)
            all.push_back(line);
        all.push_back(std::to_string(block.list.size()) + " remarks");
    }
    return all;
}

/// Where the pages differ first; "" if they do not.
std::string difference(const std::string& english, const std::string& chinese) {
    Strings a = skeleton_of(english), b = skeleton_of(chinese);
    a.emplace_back("end");
    b.emplace_back("end");
    const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return left == a.end() || right == b.end() ? "" : *left + " is not " + *right;
}

}  // namespace

TEST_CASE("notes: every claim has a proof and every proof has its claim", "[pages]") {
    const Strings claims = claims_of(source("README.md"));
    CHECK(as_set(claims).size() == claims.size());
    CHECK(claims.size() >= 80);
    CHECK(as_set(claims) == proved());
}

TEST_CASE("notes: the table has each misconception and its section and proof", "[pages]") {
    static const std::regex pattern("-R '([^']*)'"), anchor("\\(#([0-9]+)-");
    static const std::regex label("(\\*Misconception:|误解\\*\\*：)"), marks("[\\^\\\\]"),
        dot("\\.");
    std::set<std::string> rows, refuted;
    std::string claim;
    for (const auto& line : parse(source(GENERATE("README.md", "docs/README.zh-CN.md"))).text) {
        INFO(line);
        for (const auto& begun : claims_of(line)) claim = begun;
        if (!matches(line, label).empty()) refuted.insert(claim);
        for (const auto& given : matches(line, pattern)) {
            const std::regex regex(given);
            CHECK(std::any_of(tests().begin(), tests().end(),
                              [&](const auto& test) { return std::regex_search(test, regex); }));
            const std::string proves = std::regex_replace(given, marks, "");
            if (line[0] == '|') {
                rows.insert(proves);
                const Strings sections = matches(line, anchor);
                REQUIRE(sections.size() == 1);
                CHECK(std::regex_replace(proves, dot, "").rfind(sections[0], 0) == 0);
            } else if (!claim.empty()) {
                CHECK(proves == claim);
            }
        }
    }
    CHECK(rows == refuted);
}

TEST_CASE("pages: quoted code is as it stands and each remark names some of it", "[pages]") {
    int quotes = 0;
    for (const auto& page : pages()) {
        INFO(page);
        CHECK(wrong_quotes(page, source(page)) == Strings{});
        CHECK(wrong_citations(source(page)) == Strings{});
        for (const auto& block : parse(source(page)).blocks) quotes += block.language == "cpp";
    }
    CHECK(quotes > 20);
}

TEST_CASE("pages: both languages have the same headings and claims and code", "[pages]") {
    int pairs = 0;
    for (const auto& page : pages()) {
        if (!is_chinese(page)) continue;
        INFO(page);
        REQUIRE(exists(sister_of(page)));
        CHECK(difference(source(sister_of(page)), source(page)) == "");
        ++pairs;
    }
    CHECK(pairs > 13);
    for (const auto& page : pages())
        if (page.find('/') != std::string::npos && page.rfind("docs/", 0) != 0)
            CHECK(exists(sister_of(page)));
}

TEST_CASE("pages: wrong claims and quotes and pairs are seen", "[pages]") {
    CHECK(claims_of("- **3.6** a\n- **9.1a** b\n**3.7** c\n- **x** d\n") == Strings{"3.6", "9.1a"});
    CHECK(tests_in("TEST_CASE(\"3.6: a\", \"[notes]\")\nTEST_CASE(\"3.7: b\", \"[other]\")\n"
                   "TEST_CASE(\n    \"9.1a: c\",\n    \"[notes]\")") ==
          Strings{"3.6: a", "9.1a: c"});
    const auto quote = [](const std::string& code, const std::string& remark) {
        return wrong_quotes("req-rep/README.md", "<!-- from server.cpp -->\n```cpp\n" + code +
                                                     "```\n1. " + remark + "\n");
    };
    const std::string two = "Message request;\nwhile (true) {\n";
    CHECK(quote(two, "`request` is\n   a `nonsense`").empty());
    CHECK(quote("Message request;\n", "`zmq_msg_recv`").empty());
    CHECK(quote("Message request:\n", "`request`").size() == 1);
    CHECK(quote("Message request;\n    while (true) {\n", "`request`").size() == 1);
    CHECK(quote(two, "`reques`").size() == 1);
    CHECK(quote(two, "no code").size() == 1);
    CHECK(quote(two, "`request`\n3. `request`").size() == 1);
    CHECK(wrong_quotes("req-rep/README.md", "```cpp\nint a;\n```\n").size() == 1);
    CHECK(wrong_citations("[3.6](README.md#3-pub-sub) [8.2.1](#82-a) [8.2](#82-a)").empty());
    CHECK(wrong_citations("[3.99](#3-a) [3.6](#4-b)").size() == 2);
    const std::string page =
        "# 1. a\n- **3.6** b\n```c\nint a;  // a\n```\n1. c\n\n![](a.png)\n\n| a |\n";
    const auto with = [&page](const std::string& from, const std::string& to) {
        std::string chinese = page;
        return difference(page, chinese.replace(chinese.find(from), from.size(), to));
    };
    for (const auto& same : {" a\n- ", " b\n", " a\n```", " c\n\n", "a |"})
        CHECK(with(same, " 甲" + std::string(same)) == "");
    for (const auto& other : {"# 1.", "3.6", "int", "1. c", "a.png", "| a |\n"})
        CHECK(with(other, "x") != "");
}
