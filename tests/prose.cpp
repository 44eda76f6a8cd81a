// The house style's mechanical rules: English pages, comments, messages and names of tests, and the
// typography and terms of Chinese pages.
#include "pages.hpp"

namespace {

struct Rule {
    const char* has;  // each match contains it
    std::regex pattern;
    std::string instead, bad;
};

/// Words of English texts, in lower case. Code in backquotes is not looked at.
const std::vector<Rule> words = {
    {"for ever", std::regex("\\bfor ever\\b"), "forever", "it waits for ever"},
    {"ever", std::regex("\\bwhom?ever\\b"), "name the role", "whoever connects"},
    {"body", std::regex("\\b(no|some|every|any)body\\b"), "name the role", "nobody listens"},
    {"who", std::regex("\\bwho (asks?|comes|connects)\\b"), "the late joiner", "who comes late"},
    {"what", std::regex("\\bwhat (comes|came|was|has|have)\\b"), "name it", "what was sent"},
    {"left out", std::regex("\\bleft out\\b"), "ignored, omitted", "the rest is left out"},
    {"cast", std::regex("\\bcasts?\\b(?! to)"), "programs", "the programs of the cast"},
    {"asker", std::regex("\\baskers?\\b"), "client, requester", "back to its asker"},
    {"word", std::regex("\\bwithout a word\\b"), "silently", "dropped without a word"},
    {"unsaid", std::regex("\\bunsaid\\b"), "silently", "dropped unsaid"},
    {" to ", std::regex("\\b(is|are|was|were) to [a-z]+\\b"), "must", "it is to arrive"},
    {"identit", std::regex("\\bidentit(y|ies)\\b"), "routing ID", "the identity of a peer"},
    {"often", std::regex("\\boften believed\\b"), "misconception", "often believed"},
    {"deal", std::regex("\\b(deals?|dealt|dealing)\\b(?! with)"), "distributes",
     "PUSH deals tasks"},
    {"turn", std::regex("\\b(takes?|goe?s?) [^.]*\\bin turns?\\b"), "fair-queues",
     "it takes in turn"},
    {"bare loop", std::regex("\\bbare loops?\\b"), "baseline", "beside a bare loop"},
    {"gone", std::regex("\\b(has|have|had) gone\\b"), "left, ended, died", "when it has gone"},
    {"hear", std::regex("\\b(hears?|heard)\\b"), "receives", "the program hears it"},
    {"believe", std::regex("\\bbelieves?\\b"), "expects", "the program believes it"},
    {"co-ord", std::regex("\\bco-ordinat"), "coordination", "co-ordination"},
};

/// Texts that a file may have.
const std::vector<std::pair<std::string, std::string>> exceptions = {
    {"docs/README.zh-CN.md", "回复"},  // an answer on another socket, not the reply of a REP
    {"pub-sub-envelope/README.zh-CN.md", "回复"},
};

constexpr int most_words = 35;  // of a sentence in a page

/// Terms that Chinese pages do not use, and the better ones.
const std::vector<std::pair<std::string, std::string>> terms = {
    {"多部分", "多帧"},     {"消息部分", "帧"},
    {"身份", "路由标识"},   {"回复", "应答"},
    {"响应", "应答"},       {"终端点", "端点"},
    {"水位线", "高水位"},   {"监控器", "监视器"},
    {"服务器端", "服务端"}, {"信号处理器", "信号处理函数"},
};

// English ----------------------------------------------------------------------------------------

std::string plain(const std::string& text) {
    static const std::regex code("`[^`]*`"), link("!?\\[([^\\]]*)\\]\\([^)]*\\)"),
        marks("\\*\\*?|<!--.*?-->");
    const std::string without_code = std::regex_replace(text, code, "`");
    return std::regex_replace(std::regex_replace(without_code, link, "$1"), marks, "");
}

/// The paragraphs, list items, headings and rows of a page, each on one line.
Strings paragraphs_of(const Page& page) {
    static const std::regex starts("( *([-*]|[0-9]+\\.) |#|\\||>).*");
    Strings all;
    bool open = false;
    for (const auto& line : page.text) {
        if (open && !line.empty() && !std::regex_match(line, starts))
            all.back() += " " + line;
        else if (!line.empty())
            all.push_back(line);
        open = !line.empty() && line[0] != '#';
    }
    for (auto& paragraph : all) paragraph = plain(paragraph);
    return all;
}

/// Looks at pages, and at sources with their code, on lines without the marks of comments.
Strings wrong_words(std::string text) {
    static const std::regex breaks("\n *(//+|#)? *");
    text = std::regex_replace(text, breaks, " ");
    for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    Strings wrong;
    for (const auto& rule : words) {
        if (text.find(rule.has) == text.npos) continue;
        for (std::sregex_iterator at(text.begin(), text.end(), rule.pattern), end; at != end;
             ++at) {
            const auto from = static_cast<size_t>(std::max(0L, at->position() - 30L));
            wrong.push_back(text.substr(from, 70) + " (" + rule.instead + ")");
        }
    }
    return wrong;
}

Strings long_sentences(const std::string& text) {
    static const std::regex end("[.!?][)\"*]*( |$)"), word("[^ ]*[A-Za-z0-9`][^ ]*()");
    Strings wrong;
    if (text[0] == '|') return wrong;  // a table
    for (std::sregex_token_iterator at(text.begin(), text.end(), end, -1), last; at != last; ++at)
        if (const auto n = matches(at->str(), word).size(); n > most_words)
            wrong.push_back(std::to_string(n) + " words: " + at->str());
    return wrong;
}

// Chinese ----------------------------------------------------------------------------------------

const std::string han = "[\xe4-\xe9][\x80-\xbf][\x80-\xbf]";  // U+4E00 to U+9FFF and a few more

Strings wrong_typography(const std::string& text) {
    static const std::vector<std::pair<std::regex, const char*>> rules = {
        {std::regex(han + "[A-Za-z0-9`]|[A-Za-z0-9`]" + han), "a space between Chinese and Latin"},
        {std::regex(han + "[,;:?!(]"), "punctuation of full width"},
        {std::regex("(" + han + "|，|。|；|：) " + han),
         "no line break between Chinese characters"},
    };
    static const std::regex italics("(^|[^*])\\*[^* ][^*]*" + han + "[^*]*\\*($|[^*])");
    Strings wrong;
    const Page page = parse(text);
    for (const auto& paragraph : paragraphs_of(page))
        for (const auto& [pattern, instead] : rules)
            if (std::smatch match; std::regex_search(paragraph, match, pattern))
                wrong.push_back(match[0].str() + " (" + instead + ") in: " + paragraph);
    for (const auto& line : page.text)
        if (std::regex_search(line, italics)) wrong.push_back("italics in: " + line);
    for (const auto& [term, better] : terms)
        if (std::regex_search(text, std::regex(term))) wrong.push_back(term + " (" + better + ")");
    return wrong;
}

// Files ------------------------------------------------------------------------------------------

Strings wrong_in(const std::string& file) {
    std::string text = source(file);
    for (const auto& [excepted, part] : exceptions)
        if (file == excepted) text = std::regex_replace(text, std::regex(part), "");
    if (is_chinese(file)) return wrong_typography(text);
    if (file.find(".md") == file.npos) return wrong_words(text);
    Strings found = wrong_words(plain(text));
    for (const auto& paragraph : paragraphs_of(parse(text)))
        for (const auto& wrong : long_sentences(paragraph)) found.push_back(wrong);
    return found;
}

}  // namespace

TEST_CASE("prose: pages and sources keep to the house style", "[prose]") {
    const Strings files = files_with([](const auto& path) {
        static const std::set<std::string> kinds{".md",  ".cpp", ".hpp", ".cmake",
                                                 ".txt", ".sh",  ".js",  ".mjs"};
        return kinds.count(path.extension().string()) > 0 || path.filename() == "run";
    });
    CHECK(files.size() > 100);
    for (const auto& file : files) {
        if (file == "tests/prose.cpp") continue;  // has the bad texts
        INFO(file);
        CHECK(wrong_in(file) == Strings{});
    }
}

TEST_CASE("prose: a bad text is seen by its rule", "[prose]") {
    for (const auto& rule : words) {
        INFO(rule.bad);
        REQUIRE(wrong_words(rule.bad).size() == 1);
        CHECK(wrong_words(rule.bad)[0].find(rule.instead) != std::string::npos);
    }
    CHECK(wrong_words("// it waits\n    // for ever\n").size() == 1);
    CHECK(wrong_words(plain("ROUTER and DEALER deal with it; `whoever`")).empty());
    std::string sentence = "one";
    for (int i = 1; i < most_words; ++i) sentence += " word";
    CHECK(long_sentences(sentence + ". Another one.").empty());
    CHECK(long_sentences(sentence + " more. Another one.").size() == 1);
    CHECK(wrong_typography("一条 ZeroMQ 消息，`x` 也行。\n\n**粗体**：好\n").empty());
    for (const auto* bad :
         {"一条ZeroMQ", "ZeroMQ消息", "消息,", "消息:", "一条\n消息", "*误解*", "回复"}) {
        INFO(bad);
        CHECK(wrong_typography(bad + std::string("\n")).size() == 1);
    }
}
