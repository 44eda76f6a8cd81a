// What the sources of the programs have in common, so that each reads like the others.
#include <map>

#include "pages.hpp"
#include "programs.hpp"

namespace {

/// The source without its comments and the contents of its strings.
std::string code_of(const std::string& source) {
    static const std::regex string("(//[^\n]*)|\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)'");
    static const std::regex comment("//[^\n]*");
    return std::regex_replace(std::regex_replace(source, string, "$1\"\""), comment, "");
}

std::set<std::string> found(const std::string& pattern, const std::string& text) {
    const Strings all = matches(text, std::regex(pattern));
    return {all.begin(), all.end()};
}

/// A rule that a regular expression can see, in a source without comments and strings, and
/// statements that break it.
struct Rule {
    std::string fault, pattern;
    Strings bad;
};
const std::vector<Rule> rules = {
    {"assert", "\\bassert\\s*\\(", {"assert (0);"}},
    {"a sleep",
     "\\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\\s*\\(",
     {"std::this_thread::sleep_for(1s);"}},
    {"a length counted by hand",
     "zmq_send\\s*\\([^,]+,\\s*\"",
     {"check(zmq_send(s, \"Hello\", 5, 0));"}},
    // A statement that begins with a call, or a cast to void. Those without a result cannot fail.
    {"a dropped result",
     "(^|[;{})]|\\belse|\\bdo|\\(void\\)|static_cast<void>\\()\\s*"
     "zmq_(?!msg_more|msg_data|msg_size)[a-z_]+\\s*\\(",
     {"zmq_close(s);", "if (x) zmq_send(s, p, n, 0);", "(void)zmq_close(s);",
      "do zmq_msg_recv(m, s, 0); while (0);"}},
};

/// What is false or missing in the head comment, compared with the code.
Strings head_faults(const std::string& source) {
    Strings faults;
    const std::string head = source.substr(0, source.find("\n#include")) + "\n",
                      body = source.substr(head.size()), code = code_of(body);
    if (!std::regex_search(head, std::regex("^// [A-Z][^\n]*\\.\n")))
        faults.push_back("no sentence");
    if (found("//   ([A-Z]+) (?:binds|connects) ", head) !=
        found("\\bZMQ_(PAIR|X?PUB|X?SUB|REQ|REP|DEALER|ROUTER|PULL|PUSH)\\b", code))
        faults.push_back("other types");
    if (found("//   [A-Z]+ (bind|connect)s ", head) != found("zmq_(bind|connect)\\s*\\(", code))
        faults.push_back("other calls");
    const std::string endpoint = "((?:tcp|inproc)://[a-z0-9.:-]*[a-z0-9-])";
    if (found(endpoint, head) != found("\"" + endpoint, body)) faults.push_back("other endpoints");
    return faults;
}

size_t budget(const std::string& program) {
    static const std::map<std::string, size_t> budgets = {
        {"retry-req-rep/client", 60},    {"ex-req-rep/proxy", 60},  {"ex-req-rep2/proxy", 60},
        {"mt-req-rep/server", 60},       {"mt-req-rep/client", 60}, {"sync-pub-sub/publisher", 65},
        {"sync-pub-sub/subscriber", 65}, {"interrupt/server", 80},  {"curve-req-rep/server", 80},
        {"curve-req-rep/client", 80},    {"push-pull2/worker", 80}, {"push-pull2/sinker", 80}};
    const auto at = budgets.find(program);
    return at == budgets.end() ? 40 : at->second;
}

Strings faults_of(const std::string& program, const std::string& source) {
    Strings faults = head_faults(source);
    const auto lines = lines_of(source);
    if (lines.size() > budget(program)) faults.push_back("too long");
    if (std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.size() > 100; }))
        faults.push_back("a long line");
    const std::string code = code_of(source);
    for (const auto& rule : rules)
        if (!found(rule.pattern, code).empty()) faults.push_back(rule.fault);
    static const std::regex report(
        "[^]*\nint main\\([^)]*\\) try \\{\n[^]*\n\\} catch \\(\\.\\.\\.\\) \\{\\s*"
        "return report_error\\(\\);\n\\}\n");
    if (!std::regex_match(code, report)) faults.push_back("no report");
    return faults;
}

/// The calls of a pattern in a source, except in skip_rest() and the class Peers.
std::set<std::string> pattern_calls(const std::string& source) {
    std::string code = code_of(source);
    for (const std::string allowed : {"void skip_rest(", "Peers::Peers(", "void Peers::"})
        if (const size_t at = code.find("\n" + allowed); at != code.npos)
            code.erase(at, code.find("\n}", at) - at);
    return found("(zmq_(?:msg_)?(?:send|recv|bind|connect|poll|proxy|socket))\\s*\\(", code);
}

/// The C++ files of a folder.
Strings files_in(const std::string& folder) {
    return files_with([&](const std::filesystem::path& path) {
        return path.parent_path() == SOURCE_DIR "/" + folder &&
               (path.extension() == ".cpp" || path.extension() == ".hpp");
    });
}

std::set<std::string> folders() {
    std::set<std::string> all;
    for (const auto& program : programs())
        all.insert(program.path.substr(0, program.path.find('/')));
    return all;
}

}  // namespace

TEST_CASE("style: each program keeps all rules and fits on a screen", "[style]") {
    std::vector<size_t> lengths;
    for (const auto& program : programs()) {
        INFO(program.path);
        const std::string text = source(program.path + ".cpp");
        CHECK(faults_of(program.path, text) == Strings{});
        lengths.push_back(lines_of(text).size());
    }
    std::sort(lengths.begin(), lengths.end());
    CHECK(lengths[lengths.size() / 2] <= 36);
    size_t common = 0;
    for (const auto& file : files_in("common")) common += lines_of(source(file)).size();
    CHECK(common <= 620);
    CHECK(lines_of(source("common/common.hpp")).size() <= 160);
}

TEST_CASE("style: a program that breaks a rule is noticed", "[style]") {
    const auto faults = [](const std::string& from, const std::string& to) {
        std::string text = source("req-rep/server.cpp");
        INFO(from << " -> " << to);
        return faults_of("req-rep/server", text.replace(text.find(from), from.size(), to));
    };
    CHECK(faults("// Run it", "// zmq_close(s);") == Strings{});
    CHECK(faults("// Answers", "// answers") == Strings{"no sentence"});
    CHECK(faults("//   REP", "//   REQ") == Strings{"other types"});
    CHECK(faults("zmq_bind(", "zmq_connect(") == Strings{"other calls"});
    CHECK(faults(":5555\n", ":5556\n") == Strings{"other endpoints"});
    CHECK(faults("// Run it", "//" + std::string(30, '\n')) == Strings{"too long"});
    CHECK(faults("// Run it", "// Run it" + std::string(100, 'x')) == Strings{"a long line"});
    CHECK(faults("return report_error();", "return 0;") == Strings{"no report"});
    CHECK(faults("try {", "{") == Strings{"no report"});
    const std::string first = "    check(zmq_bind(";
    for (const auto& rule : rules)
        for (const auto& bad : rule.bad)
            CHECK(faults(first, bad + "\n" + first) == Strings{rule.fault});
}

TEST_CASE("style: programs send and receive in the open, and no result is dropped anywhere",
          "[style]") {
    std::set<std::string> all = folders();
    all.insert("common");
    for (const auto& folder : all)
        for (const auto& file : files_in(folder)) {
            INFO(file);
            CHECK(found(rules.back().pattern, code_of(source(file))).empty());
            if (folder == "common") CHECK(pattern_calls(source(file)) == std::set<std::string>{});
        }
    CHECK_FALSE(pattern_calls("\nvoid ask() {\n    zmq_msg_recv(m, s, 0);\n}\n").empty());
}

TEST_CASE("style: a pattern has one name in all places", "[style]") {
    const std::string readme = source("README.md"), script = source("run");
    CHECK(folders().size() >= 13);
    for (const auto& folder : folders()) {
        INFO(folder);
        CHECK(source("tests/" + folder + ".cpp").find("[" + folder + "]") != std::string::npos);
        CHECK(readme.find("\n| [" + folder + "](" + folder + "/) |") != std::string::npos);
        CHECK(script.find("\n" + folder + " ") != std::string::npos);
        CHECK(source(folder + "/README.md").rfind("# " + folder + "\n", 0) == 0);
    }
}
